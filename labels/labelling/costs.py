"""What labelling photos would cost, in money and time: the calls whose responses are not kept yet."""

from django.conf import settings
from django.db.models import Avg, Max

from labels.detectors import get_additional_detectors, get_detector
from labels.labelling import detection
from labels.models import DetectionRun, RegionQuota


def estimate(photos):
    """Return how many calls labelling the photos would make and what they cost in the dearest Region."""
    missing = _missing(photos)
    return {
        "photos": photos.count(),
        "contents": _contents(photos).count(),
        "calls": sum(calls for _, calls in missing),
        "cost_usd": round(sum(calls * _price(detector) for detector, calls in missing) / 1_000_000, 4),
    }


def expected_seconds(photos):
    """Return how long the calls would take, by the latest responses; None before there are any."""
    seconds = 0.0
    for detector, calls in _missing(photos):
        # Of any version: a new one has no responses yet.
        recent = DetectionRun.objects.filter(detector=detector.name, latency_ms__gt=0).order_by("-pk")[:200]
        latency = recent.aggregate(mean=Avg("latency_ms"))["mean"]
        if calls and latency is None:
            return None
        seconds += calls * (latency or 0) / 1000 / settings.QUEUE_WORKERS
    return seconds


def _missing(photos):
    """Return [(detector, number of contents without a response of it)]."""
    contents = _contents(photos)
    return [
        (detector, contents.exclude(sha256__in=detection.kept(detector).values("content_sha256")).count())
        for detector in (get_detector(), *get_additional_detectors())
    ]


def _contents(photos):
    return photos.order_by().values("sha256").distinct()


def _price(detector):
    if settings.LABELS_DETECTOR != "rekognition":
        return 0
    rows = RegionQuota.objects.used().filter(operation=detector.operation, enabled=True)
    return rows.aggregate(most=Max("price_micros"))["most"] or 0
