"""What labelling photos would cost: calls that are left after the answers already kept."""

from django.conf import settings
from django.db.models import Max

from labels import detection
from labels.detectors import get_detector, get_further
from labels.models import RegionQuota

MICROS = 1_000_000


def estimate(photos):
    """Return how many calls labelling the photos would make and what they would cost at most.

    The same content is asked about once, and not at all when its answer is kept. Of several Regions
    the dearest counts; another detector than Rekognition costs nothing.
    """
    contents = photos.order_by().values("sha256").distinct()
    calls, micros = 0, 0
    for detector in (get_detector(), *get_further()):
        kept = detection.kept(detector).values("content_sha256")
        missing = contents.exclude(sha256__in=kept).count()
        calls += missing
        micros += missing * _price(detector)
    return {
        "photos": photos.count(),
        "contents": contents.count(),
        "calls": calls,
        "cost_usd": round(micros / MICROS, 4),
    }


def _price(detector):
    """Return the micros of one call."""
    if settings.LABELS_DETECTOR != "rekognition":
        return 0
    rows = RegionQuota.objects.used().filter(operation=detector.operation, enabled=True)
    return rows.aggregate(most=Max("price_micros"))["most"] or 0
