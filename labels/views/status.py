"""Whether it works: a page for staff, and health checks for machines."""

from django.conf import settings
from django.contrib import messages
from django.contrib.admin.views.decorators import staff_member_required
from django.contrib.auth.decorators import login_not_required
from django.db import Error, connection
from django.db.models import Count, Min, Sum
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from labels.detectors import get_detector
from labels.detectors.rekognition.regions.report import refusals
from labels.models import Heartbeat, Photo
from labels.storage.health import check_storages
from labels.views import regions
from labels.views.relabelling import label_again
from labels.workers import heartbeats, queue


@staff_member_required(login_url="login")
@require_safe
def status(request):
    """Queues, failures by reason, workers seen, storage."""
    counts = dict(Photo.objects.values_list("status").annotate(n=Count("pk")).order_by())
    failures = (
        Photo.objects.filter(status=Photo.Status.FAILED)
        .values("failure_code")
        .annotate(count=Count("pk"), reason=Min("failure_reason"))
        .order_by("-count", "failure_code")
    )
    unfinished = Photo.objects.filter(status__in=Photo.UNFINISHED)
    detector = get_detector()
    return render(
        request,
        "status.html",
        {
            "nav": "status",
            "states": [(state.label, counts.get(state.value, 0)) for state in Photo.Status],
            "oldest_waiting": unfinished.aggregate(at=Min("uploaded_at"))["at"],
            "failures": [{**row, "code": row["failure_code"]} for row in failures],
            "queues": _queues(),
            "detector": {"name": detector.name, "version": detector.version},
            "stored": Photo.objects.aggregate(photos=Count("pk"), bytes=Sum("size", default=0)),
            "storages": check_storages(fresh=True),
            "regions": regions.section(),
            "retry_url": reverse("status_retry"),
        },
    )


@staff_member_required(login_url="login")
@require_POST
def status_retry(request):
    """Label failed photos again: all of them, or those of one reason."""
    failed = Photo.objects.filter(status=Photo.Status.FAILED)
    if "code" in request.POST:
        failed = failed.filter(failure_code=request.POST["code"])
    again = label_again(failed)
    messages.success(request, f"{again} photo{'s are' if again != 1 else ' is'} being labelled again.")
    return redirect("status")


@login_not_required
@require_safe
def healthz(request):
    """The process answers. No database: a slow one is no reason to restart the web server."""
    return HttpResponse("ok", content_type="text/plain")


@login_not_required
@require_safe
def readyz(request):
    """Database, storage, queue, Regions, each "ok" or what is wrong, in words that give nothing away."""
    found = {"database": _database(), "storage": _storage()}
    found["queue"] = _queue() if found["database"] == "ok" else "not known"
    if settings.LABELS_DETECTOR == "rekognition":
        found["detector"] = _detector() if found["database"] == "ok" else "not known"
    ready = all(state.split(";")[0] == "ok" for state in found.values())
    return JsonResponse(found, status=200 if ready else 503)


def _queues():
    machines = heartbeats.machines()
    return [
        {
            "name": cluster,
            "waiting": queue.waiting(cluster),
            "machines": machines[cluster],
            "ok": heartbeats.is_alive(cluster),
        }
        for cluster in queue.CLUSTERS
    ]


def _database():
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        return "not reachable"
    try:
        Heartbeat.objects.exists()
    except Error:
        return "without its tables; manage.py migrate makes them"
    return "ok"


def _storage():
    failed = [f"{one.label.lower()}: {one.error}" for one in check_storages() if one.error]
    return f"not writable, {', '.join(failed)}" if failed else "ok"


def _queue():
    if any(queue.waiting(cluster) is None for cluster in queue.CLUSTERS):
        return "not reachable"
    silent = [cluster for cluster in queue.CLUSTERS if not heartbeats.is_alive(cluster)]
    if silent:
        return f"no sign of life from {' and '.join(silent)}"
    machines = heartbeats.machines()
    gone = [
        f"{sum(not one.is_alive and not one.is_starting for one in found)} of {len(found)} for {cluster}"
        for cluster, found in machines.items()
        if not all(one.is_alive or one.is_starting for one in found)
    ]
    return f"ok; machines without a sign of life: {', '.join(gone)}" if gone else "ok"


def _detector():
    return "calls are refused in some Regions; the status page says why" if refusals() else "ok"
