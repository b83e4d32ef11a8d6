"""Whether it works, for machines: load balancers, monitoring, and the supervisor."""

import sqlite3

from django.conf import settings
from django.db import Error, OperationalError, connection
from django.http import HttpResponse, JsonResponse
from django.utils.deprecation import MiddlewareMixin
from django.views.decorators.http import require_safe

from labels.detectors.rekognition.regions import report
from labels.models import Heartbeat
from labels.storage.health import check_storages
from labels.workers import heartbeats, queue


class ProbesMiddleware(MiddlewareMixin):
    """Answer probes before anything else: they name an IP address as host, and know of no https or login."""

    def process_request(self, request):
        probe = _PROBES.get(request.path_info)
        return probe and probe(request)


@require_safe
def healthz(request):
    """The process answers. No database: a slow one is no reason to restart the web server."""
    return HttpResponse("ok", content_type="text/plain")


@require_safe
def readyz(request):
    """Database, storage, queue, Regions, each "ok" or what is wrong, in words that give nothing away."""
    found = {"database": _database(), "storage": _storage()}
    found["queue"] = _queue() if found["database"] == "ok" else "not known"
    if settings.LABELS_DETECTOR == "rekognition":
        found["detector"] = _detector() if found["database"] == "ok" else "not known"
    ready = all(state.split(";")[0] == "ok" for state in found.values())
    return JsonResponse(found, status=200 if ready else 503)


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
    return "ok" if _takes_changes() else "read-only"


def _takes_changes():
    """Return whether the database can be written; that somebody else is writing just now is no failure."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SHOW transaction_read_only")
            return cursor.fetchone()[0] == "off"
        patience = cursor.execute("PRAGMA busy_timeout").fetchone()[0]
        cursor.execute("PRAGMA busy_timeout = 0")
        try:
            cursor.execute("DELETE FROM labels_heartbeat WHERE id < 0")
        except OperationalError as error:
            # The lower byte is the error, the others say more about it.
            return error.__cause__.sqlite_errorcode & 0xFF != sqlite3.SQLITE_READONLY
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {patience}")
    return True


def _storage():
    failed = [f"{one.label.lower()}: {one.error}" for one in check_storages() if one.error]
    return f"not writable, {', '.join(failed)}" if failed else "ok"


def _queue():
    if any(queue.waiting_for(cluster) is None for cluster in queue.CLUSTERS):
        return "not reachable"
    silent = [cluster for cluster in queue.CLUSTERS if not heartbeats.is_alive(cluster)]
    if silent:
        return f"no sign of life from {' and '.join(silent)}"
    if heartbeats.last_sweep()[1]:
        return "the sweep does not run: what waits is not enqueued"
    machines = heartbeats.machines()
    gone = [
        f"{sum(not one.is_alive and not one.is_starting for one in found)} of {len(found)} for {cluster}"
        for cluster, found in machines.items()
        if not all(one.is_alive or one.is_starting for one in found)
    ]
    return f"ok; machines without a sign of life: {', '.join(gone)}" if gone else "ok"


def _detector():
    return "calls are refused in some Regions; the status page says why" if report.refusals() else "ok"


_PROBES = {"/healthz": healthz, "/readyz": readyz}
