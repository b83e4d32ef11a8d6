"""Which clusters of the queue give signs of life, machine by machine.

A cluster writes one whenever it carries out a task, at most every 20 seconds; `labels.workers.queue` sends a
heartbeat round for those that have nothing else to do.
"""

import os
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone

from labels.models import Bundle, BundleChunk, BundlePart, Heartbeat, Photo
from labels.workers.lanes import CLUSTERS, LABELS
from photomgr.claim import host

# Schedules run every minute and are looked at every 30 s.
STALE = timedelta(minutes=3)
# It runs every minute.
SWEEP_OVERDUE = timedelta(minutes=5)
_SWEEP = "sweep"
# A machine that gave no sign for so long is looked for by the heartbeat, and after so long no more.
_LOOKED_FOR = timedelta(seconds=30), timedelta(minutes=5)
# A machine that was taken away stands on the status page for so long.
_FORGOTTEN = timedelta(hours=1)


@dataclass(frozen=True)
class Machine:
    """How one cluster fares on one machine; `seen_at` is None before its first sign of life."""

    host: str
    seen_at: datetime | None
    started_at: datetime
    is_alive: bool
    is_starting: bool


def seen(cluster, role):
    """Write that a "worker" or "monitor" of this process's cluster is alive."""
    Heartbeat.objects.update_or_create(
        cluster=cluster, host=host(), pid=os.getpgrp(), defaults={f"{role}_at": timezone.now()}
    )


def swept():
    """Write that the sweep has run; it has a row as clusters have one."""
    now = timezone.now()
    Heartbeat.objects.update_or_create(
        cluster=_SWEEP, host=host(), pid=os.getpgrp(), defaults={"worker_at": now, "monitor_at": now}
    )


def last_sweep():
    """Return when the sweep ran last, None when never, and whether it is overdue."""
    now = timezone.now()
    moments = [row.seen_at for row in Heartbeat.objects.filter(cluster=_SWEEP)]
    # A clock that was set back since: from what it said nobody can tell.
    at = max((moment for moment in moments if moment < now + STALE), default=None)
    return at, at is None or at < now - SWEEP_OVERDUE


def expect(cluster, pid):
    """Write that a cluster was started on this machine; its first sign of life is still to come."""
    new = {"started_at": timezone.now(), "worker_at": None, "monitor_at": None}
    Heartbeat.objects.update_or_create(cluster=cluster, host=host(), pid=pid, defaults=new)


def forget(cluster, pid):
    Heartbeat.objects.filter(cluster=cluster, host=host(), pid=pid).delete()


def forget_old(now):
    """Forget what ended without a word: started anew on its machine, or silent for an hour.

    Return how many. The one that was seen last stays, so that a cluster that is wholly gone is still missed.
    """
    rows = sorted(Heartbeat.objects.all(), key=lambda row: _latest(row, now))
    last = {row.cluster: row.pk for row in rows}
    living = {(row.cluster, row.host) for row in rows if _is_recent(row.seen_at, now)}
    old = []
    for row in rows:
        silent = STALE if (row.cluster, row.host) in living else _FORGOTTEN
        if row.pk != last[row.cluster] and _latest(row, now) <= now - silent:
            old.append(row.pk)
    return Heartbeat.objects.filter(pk__in=old).delete()[0]


def machines():
    """Return {cluster: its Machines by name}; of several processes of one machine the liveliest counts."""
    now, found = timezone.now(), {cluster: {} for cluster in CLUSTERS}
    busy = {cluster: _busy(cluster, now) for cluster in CLUSTERS}
    rows = Heartbeat.objects.filter(cluster__in=CLUSTERS).order_by("host")
    for row in sorted(rows, key=lambda row: _latest(row, now)):
        found[row.cluster][row.host] = Machine(
            host=row.host,
            seen_at=row.seen_at,
            started_at=row.started_at,
            is_alive=_is_recent(row.seen_at, now) or row.host in busy[row.cluster],
            is_starting=not row.seen_at and _is_recent(row.started_at, now),
        )
    return {cluster: sorted(of.values(), key=lambda one: one.host) for cluster, of in found.items()}


def is_alive(cluster):
    """Return whether any machine's cluster gave a sign of life lately.

    A worker that is busy with a long archive carries out nothing else; the lease it renews speaks for it.
    """
    now = timezone.now()
    rows = Heartbeat.objects.filter(cluster=cluster)
    return any(_is_recent(row.seen_at, now) for row in rows) or bool(_busy(cluster, now))


def signs_here(cluster, pid):
    """Return what changes while this machine's cluster of that process group lives.

    "worker" and "monitor" are their last signs of life, "work" the leases of this machine: a worker that is
    busy with a long archive carries out nothing else, but renews its lease.
    """
    row = Heartbeat.objects.filter(cluster=cluster, host=host(), pid=pid).first()
    mine = Q(lease_owner__startswith=f"{host()}:")
    leases = (rows.filter(mine).values_list("pk", "lease_until") for rows in _leased(cluster))
    work = frozenset((number, *lease) for number, found in enumerate(leases) for lease in found)
    return {"worker": row and row.worker_at, "monitor": row and row.monitor_at, "work": work}


def others_missing(cluster):
    """Return whether another cluster of this name was not heard for a while and may still live."""
    now, (least, most) = timezone.now(), _LOOKED_FOR
    rows = Heartbeat.objects.filter(cluster=cluster).exclude(host=host(), pid=os.getpgrp())
    return any(
        now - most < (row.seen_at or row.started_at) and (not row.seen_at or row.seen_at < now - least)
        for row in rows
    )


def _busy(cluster, now):
    """Return the machines that have work of the cluster leased."""
    return set().union(*(_hosts(rows, now) for rows in _leased(cluster)))


def _leased(cluster):
    if cluster == LABELS:
        return [Photo.objects.filter(status=Photo.WORKING)]
    building = Bundle.objects.filter(status=Bundle.WORKING)
    helping = BundleChunk.objects.filter(done=False).exclude(lease_owner="")
    return [building, helping, BundlePart.objects.exclude(lease_owner="")]


def _hosts(rows, now):
    held = rows.filter(lease_until__gt=now).order_by().values_list("lease_owner", flat=True).distinct()
    return {owner.partition(":")[0] for owner in held}


def _is_recent(moment, now):
    # A sign of life from the future is a clock that was set back since.
    return bool(moment) and now - STALE < moment < now + STALE


def _latest(row, now):
    """Return when a row last said anything; what it says of the future counts for nothing."""
    moments = [moment for moment in (row.seen_at, row.started_at) if moment and moment < now + STALE]
    return max(moments, default=now - _FORGOTTEN)
