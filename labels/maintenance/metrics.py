"""The numbers an operator wants to be woken by, counted from rows: no counter is lost in a process."""

from django.db.models import Min, Sum

from labels.models import Bundle, Photo, RegionQuota, Spending, SweepFailure
from photomgr.own_metrics import Measurement


def measure(sender, start, end, **kwargs):
    """Return what happened from `start` up to `end`, and how things stand at its end."""
    ended = Bundle.objects.filter(finished_at__gte=start, finished_at__lt=end)
    delivered = ended.filter(status__in=Bundle.DELIVERED).values_list("created_at", "finished_at")
    seconds = tuple((finished - created).total_seconds() for created, finished in delivered)
    failures = SweepFailure.objects.filter(at__gte=start, at__lt=end)
    spent = Spending.objects.aggregate(all=Sum("micros", default=0))["all"]
    found = [
        Measurement("PhotosUploaded", (_photos(uploaded_at__gte=start, uploaded_at__lt=end),)),
        Measurement("PhotosLabelled", (_photos(labelled_at__gte=start, labelled_at__lt=end),)),
        Measurement("PhotosFailed", (_photos(status=Photo.Status.FAILED),)),
        Measurement("QueueAge", (_oldest_waiting(end),), "Seconds"),
        Measurement("BundlesFailed", (ended.filter(status=Bundle.Status.FAILED).count(),)),
        Measurement("SweepStepsFailed", (failures.count(),)),
        # US dollars since the beginning.
        Measurement("Spend", (spent / 1_000_000,), "None", total=True),
    ]
    if seconds:
        found.append(Measurement("BundleSeconds", seconds, "Seconds"))
    throttled = RegionQuota.objects.used().values("region").annotate(all=Sum("throttles"))
    return found + [
        Measurement("Throttles", (row["all"],), dimensions={"Region": row["region"]}, total=True)
        for row in throttled.order_by("region")
    ]


def _photos(**fields):
    return Photo.objects.filter(**fields).count()


def _oldest_waiting(end):
    oldest = Photo.objects.filter(status__in=Photo.UNFINISHED).aggregate(at=Min("uploaded_at"))["at"]
    return max(0.0, (end - oldest).total_seconds()) if oldest else 0.0
