"""Permits: the rows of the Regions, locked, moved by `pacing`, and leased a few at a time.

Every call takes one permit. A process that uses its permits up in time is given more at once, so that
the rows, which all processes share, are written less often. Permits that nobody used in time lapse.
"""

import logging
import os
import threading
import time
from collections import defaultdict, deque
from dataclasses import asdict, dataclass, fields
from datetime import date
from functools import partial

from django.db import transaction
from django.db.models import F, FloatField, Func
from django.utils import timezone

from labels.detectors.rekognition.regions import pacing, spending
from labels.models import RegionQuota

logger = logging.getLogger(__name__)


class _DatabaseNow(Func):
    """Seconds since 1970 by the database's clock, the one that all machines share."""

    output_field = FloatField()

    def as_sqlite(self, compiler, connection, **context):
        return "((julianday('now') - 2440587.5) * 86400.0)", []

    def as_postgresql(self, compiler, connection, **context):
        return "extract(epoch FROM clock_timestamp())::float8", []


def database_now():
    """Return the database's time in seconds since 1970."""
    return RegionQuota.objects.annotate(now=_DatabaseNow()).values_list("now", flat=True).first()


# A worker waits this long for its turn; beyond, the photo waits in its row.
LONGEST_WAIT = 5.0
# A lease covers at most this much of the Region's time, and a permit lapses this long after its moment:
# in any window of T seconds a Region sees at most rate * (T + LAPSE_SECONDS) + 1 calls.
LEASE_SECONDS, LARGEST_LEASE, LAPSE_SECONDS = 0.1, 5, 1.0

_PACE = [field.name for field in fields(pacing.Pace) if field.name != "quota"]


@dataclass(frozen=True)
class Permit:
    """One call of one operation in one Region; `ready` and `lapses` by this process's monotonic clock."""

    region: str
    operation: str
    ready: float
    lapses: float
    granted_at: float  # the database's clock
    troubled: bool  # an answer has to be reported, because the Region was failing
    price: int  # micros
    day: date  # that it is counted on


class NoPermit(Exception):
    """No call may be made now; try again in `seconds`. The photo is not to blame."""

    def __init__(self, reason: str, code: str, seconds: float):
        super().__init__(reason)
        self.reason = reason
        self.code = code
        self.seconds = seconds


class _Lease:
    """The permits this process holds of one operation and residency, and how many it may take at once."""

    def __init__(self):
        self.permits = deque()
        self.size = 0
        self.lost = 0

    def next(self, avoid):
        """Return the next permit that is good, or None; those it drops are given back."""
        lost = []
        while self.permits and (self.permits[0].lapses < time.monotonic() or self.permits[0].region in avoid):
            lost.append(self.permits.popleft())
        self.lost += len(lost)
        spending.give_back(lost)
        return self.permits.popleft() if self.permits else None

    def renew(self, grant):
        """Take new permits: one more than last time when all of those were used, else as many as were."""
        self.size = max(1, self.size - self.lost) if self.lost else min(LARGEST_LEASE, self.size + 1)
        self.lost = 0
        self.permits.extend(grant(self.size))
        return self.permits.popleft()


_leases = defaultdict(_Lease)


def take(operation, residency="", avoid=frozenset()):
    """Return a permit for a call to be made now, after waiting for its moment up to LONGEST_WAIT.

    `avoid` names the Regions that just failed this photo. Raise NoPermit.
    """
    lease = _leases[*_caller(), operation, residency]
    permit = lease.next(avoid)
    if permit is None:
        permit = lease.renew(partial(_grant, operation, residency, avoid))
    time.sleep(max(0.0, permit.ready - time.monotonic()))
    return permit


def forget_leases():
    """Drop the permits this process holds, for a test that begins anew."""
    _leases.clear()


def worked(permit):
    """Report an answer; it costs a write only when the Region had been failing."""
    if permit.troubled:
        _move(permit, lambda pace, now: pacing.worked(pace, now, permit.granted_at), refused="", trouble="")


def throttled(permit):
    """Report a throttle: the Region slows down, and what this process still holds of it is given back."""
    _drop(permit)
    _move(
        permit,
        lambda pace, now: pacing.throttled(pace, now, permit.granted_at),
        throttles=F("throttles") + 1,
        throttled_at=timezone.now(),
        refused="",
    )


def unbilled(permit):
    """Report that Amazon answered, and will not charge for it: it cannot read this picture."""
    spending.give_back([permit])
    worked(permit)


def failed(permit, trouble, billed=False):
    """Report a 5xx, a time-out or an answer that is none."""
    _drop(permit, billed)
    _move(permit, lambda pace, now: pacing.failed(pace, now, permit.granted_at), trouble=trouble[:200])


def refused(permit, reason):
    """Report that Amazon lets us not call here: the Region rests, and the log says so once."""
    _drop(permit)
    before = _move(permit, pacing.refused, refused=reason[:200], trouble=reason[:200])
    if before is not None and not before.refused:
        logger.error("Amazon Rekognition refuses %s in %s: %s", permit.operation, permit.region, reason)


def _grant(operation, residency, avoid, size):
    """Lock the Regions that may be called and return new permits of the one that is free first."""
    try:
        with transaction.atomic():
            rows = _lock(RegionQuota.objects.allowed(operation, residency))
            if not rows:
                raise NoPermit(_nowhere(operation, residency), "no_region", 300)
            free = [row for row in rows if row.region not in avoid]
            if not free:
                raise NoPermit(*_busy(rows, 5))
            now, here = rows[0].now, time.monotonic()
            paces = {row.region: pace_of(row) for row in free}
            region = pacing.first_free(paces, now, {row.region for row in free if row.refused})
            [row] = [row for row in free if row.region == region]
            wait = pacing.free_at(paces[region], now) - now
            if wait > LONGEST_WAIT:
                raise NoPermit(*_busy(rows, wait))
            count = max(1, min(size, int(pacing.rate(paces[region], now) * LEASE_SECONDS)))
            if pacing.is_tripped(paces[region]):
                count = 1
            count, day = spending.reserve(count, row.price_micros)
            pace, moments = pacing.grant(paces[region], now, count)
            _keep(row, pace)
    except spending.BudgetSpent as spent:
        raise NoPermit(spent.reason, spent.code, spent.seconds) from None
    troubled = bool(paces[region].failures or row.refused)
    begin = here - now
    return [
        Permit(
            region=region,
            operation=operation,
            ready=begin + moment,
            lapses=begin + moment + LAPSE_SECONDS,
            granted_at=now,
            troubled=troubled,
            price=row.price_micros,
            day=day,
        )
        for moment in moments
    ]


def _move(permit, step, **changed):
    """Move the permit's row by a step of `pacing`; return the row as it was, None when it is gone."""
    with transaction.atomic():
        rows = _lock(RegionQuota.objects.filter(region=permit.region, operation=permit.operation))
        if not rows:
            return None
        [row] = rows
        _keep(row, step(pace_of(row), row.now), **changed)
        return row


def _lock(rows):
    """Return the rows locked, each with the database's time as `now`."""
    # In one order, so that two workers cannot wait for each other.
    return list(rows.annotate(now=_DatabaseNow()).select_for_update().order_by("pk"))


def pace_of(row):
    return pacing.Pace(quota=row.quota, **{name: getattr(row, name) for name in _PACE})


def _keep(row, pace, **changed):
    moved = {name: value for name, value in asdict(pace).items() if name != "quota"}
    RegionQuota.objects.filter(pk=row.pk).update(**moved, **changed)


def _drop(permit, billed=False):
    """Give back what this process holds of the permit's Region, and the permit when it costs nothing."""
    lost = [] if billed else [permit]
    for (*caller, operation, _), lease in _leases.items():
        if tuple(caller) == _caller() and operation == permit.operation:
            lost += [kept for kept in lease.permits if kept.region == permit.region]
            lease.permits = deque(kept for kept in lease.permits if kept.region != permit.region)
            lease.size = 0
    spending.give_back(lost)


def _caller():
    # A forked worker must not use its parent's permits, nor a thread another's.
    return os.getpid(), threading.get_ident()


def _nowhere(operation, residency):
    where = f"in the group {residency!r} " if residency else ""
    return (
        f"No Region {where}may be called for {operation}. Ask your administrator: "
        "REKOGNITION_REGIONS and the Region quotas say which."
    )


def _busy(rows, wait):
    refused = [row.region for row in rows if row.refused]
    if len(refused) == len(rows):
        return (
            f"Amazon Rekognition refuses our calls in {', '.join(refused)}; the administrators see why.",
            "regions_refused",
            wait,
        )
    return (
        "Amazon Rekognition is busy or away everywhere; the photo waits for its turn.",
        "regions_busy",
        wait,
    )
