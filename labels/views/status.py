"""Whether it works: a page for staff."""

from itertools import groupby

from django.conf import settings
from django.contrib import messages
from django.db.models import Count, F, Min, Sum
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from labels.detectors import get_detector
from labels.detectors.rekognition.regions import report, spending
from labels.models import Budget, Photo
from labels.storage.health import check_storages
from labels.views.relabelling import retry_failed
from labels.workers import heartbeats, queue
from photomgr.accounts import audit
from photomgr.staff import staff_needs


@staff_needs()
@require_safe
def status(request):
    """Queues, failures by reason, workers seen, storage."""
    counts = dict(Photo.objects.values_list("status").annotate(n=Count("pk")).order_by())
    failures = (
        Photo.objects.filter(status=Photo.Status.FAILED)
        .values(code=F("failure_code"))
        .annotate(count=Count("pk"), reason=Min("failure_reason"))
        .order_by("-count", "code")
    )
    unfinished = Photo.objects.filter(status__in=Photo.UNFINISHED)
    machines = heartbeats.machines()
    return render(
        request,
        "status.html",
        {
            "nav": "status",
            "states": [(state.label, counts.get(state.value, 0)) for state in Photo.Status],
            "oldest_waiting": unfinished.aggregate(at=Min("uploaded_at"))["at"],
            "failures": failures,
            "queues": [
                {
                    "name": cluster,
                    "waiting": queue.waiting_for(cluster),
                    "machines": machines[cluster],
                    "ok": heartbeats.is_alive(cluster),
                }
                for cluster in queue.CLUSTERS
            ],
            "sweep": heartbeats.last_sweep(),
            "detector": get_detector(),
            "stored": Photo.objects.aggregate(photos=Count("pk"), bytes=Sum("size", default=0)),
            "storages": check_storages(fresh=not request.htmx),
            "regions": _regions(),
        },
    )


@staff_needs("labels.change_photo")
@require_POST
def status_retry(request):
    """Label failed photos again: all of them, or those of one reason."""
    photos = Photo.objects.all()
    if "code" in request.POST:
        photos = photos.filter(failure_code=request.POST["code"])
    again = retry_failed(request, photos)
    reason = request.POST.get("code", "any reason")
    audit.record(request, "had failed photos labelled again", f"failed with {reason}", count=again)
    return redirect("status")


def _regions():
    """Return what templates/_regions.html shows, None when Rekognition is not in use."""
    if settings.LABELS_DETECTOR != "rekognition":
        return None
    states = report.region_states()
    by_operation = groupby(states, lambda state: state["row"].operation)
    waiting = Photo.objects.filter(status=Photo.Status.PENDING, failure_code__in=spending.CODES)
    return {
        "states": states,
        "operations": [(name, list(group)) for name, group in by_operation],
        "resting": any(state["until"] for state in states),
        "spending": spending.summary(),
        "waiting_for_budget": waiting.count(),
        "budget": Budget.ONLY,
    }


@staff_needs("labels.change_regionquota")
@require_POST
def regions_retry(request):
    resting = report.probe_now()
    audit.record(request, "tried resting Regions", "all that rest", count=resting)
    regions = "Region is" if resting == 1 else "Regions are"
    messages.success(request, f"{resting} resting {regions} tried again with the next photo.")
    return redirect("status")
