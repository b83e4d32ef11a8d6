"""Permits: the rows of the Regions, locked, changed by `throttling`, and leased a few at a time.

Every call takes one permit. A process that uses its permits up in time is granted more at once, so that
the rows, which all processes share, are written less often. Permits that nobody used in time expire.
"""

import logging
import os
import threading
import time
from collections import defaultdict, deque
from dataclasses import dataclass, field
from datetime import date
from functools import partial

from django.db import transaction
from django.db.models import F, FloatField, Func
from django.utils import timezone

from labels.detectors.base import RetryLater
from labels.detectors.rekognition.regions import spending, throttling
from labels.models import RegionQuota

logger = logging.getLogger(__name__)


class _DatabaseNow(Func):
    """Seconds since 1970 by the clock that all machines share."""

    output_field = FloatField()

    def as_sqlite(self, compiler, connection, **context):
        return "((julianday('now') - 2440587.5) * 86400.0)", []

    def as_postgresql(self, compiler, connection, **context):
        return "extract(epoch FROM clock_timestamp())::float8", []


def database_now():
    return RegionQuota.objects.annotate(now=_DatabaseNow()).values_list("now", flat=True).first()


# A worker waits this long for its permit; beyond, the photo waits in its row.
LONGEST_WAIT = 5.0
# A permit expires this long after its moment: in any window of T seconds a Region sees at most
# rate * (T + PERMIT_SECONDS) + 1 calls.
PERMIT_SECONDS = 1.0
_STATE = ("next_at", "granted_at", "ramp_at", "factor", "factor_at", "decreased_at", "recent")
_STATE += ("failures", "opened_at", "open_until")


@dataclass(frozen=True)
class Permit:
    """One call of one operation in one Region, whose `row` is as it was when this was granted."""

    row: RegionQuota
    ready_at: float  # by this process's monotonic clock
    day: date  # on which it is counted


@dataclass
class _Lease:
    """The permits this process holds of one operation and residency, and how many are granted at once."""

    permits: deque = field(default_factory=deque)
    size: int = 0
    lost: int = 0

    def next(self, avoid, grant):
        """Return a good permit of those that are left, whose others are refunded, or else of new ones."""
        while self.permits:
            permit = self.permits.popleft()
            if permit.ready_at + PERMIT_SECONDS >= time.monotonic() and permit.row.region not in avoid:
                return permit
            self.lost += 1
            spending.refund([permit])
        # One more than last time when all of those were used, else as many as were.
        self.size = max(1, self.size - self.lost) if self.lost else min(5, self.size + 1)
        self.lost = 0
        self.permits.extend(grant(self.size))
        return self.permits.popleft()


# By process, thread, operation and residency.
leases = defaultdict(_Lease)


def acquire(operation, residency="", avoid=frozenset()):
    """Return a permit once its moment has come; `avoid` names Regions that just failed. Raise RetryLater."""
    lease = leases[*_caller(), operation, residency]
    permit = lease.next(avoid, partial(_grant, operation, residency, avoid))
    time.sleep(max(0.0, permit.ready_at - time.monotonic()))
    return permit


def succeeded(permit):
    """Report a response; it costs a write only when the Region had been failing."""
    if permit.row.failures or permit.row.refused:
        _change(permit, throttling.succeeded, refused="", last_error="")


def throttled(permit):
    """Report a throttle: the Region slows down, and what this process still holds of it is refunded."""
    _drop(permit)
    now = timezone.now()
    _change(permit, throttling.throttled, throttles=F("throttles") + 1, throttled_at=now, refused="")


def unbilled(permit):
    """Report a response that Amazon does not bill: it cannot read this picture."""
    spending.refund([permit])
    succeeded(permit)


def failed(permit, error, billed=False):
    """Report a 5xx, a time-out or a response that is none."""
    _drop(permit, billed)
    _change(permit, throttling.failed, last_error=error[:200])


def refused(permit, reason):
    """Report that Amazon denies us this call: the Region rests, and the log says so once."""
    _drop(permit)
    before = _change(permit, throttling.refused, refused=reason[:200], last_error=reason[:200])
    if before is not None and not before.refused:
        logger.error("Amazon Rekognition refuses %s in %s: %s", before.operation, before.region, reason)


@transaction.atomic
def _grant(operation, residency, avoid, size):
    """Lock the Regions that may be called and return new permits of the one that is free first."""
    rows = _lock(RegionQuota.objects.allowed(operation, residency))
    if not rows:
        where = f"in the group {residency!r} " if residency else ""
        reason = f"No Region {where}may be called for {operation}. Ask your administrator: "
        reason += "REKOGNITION_REGIONS and the Region quotas say which."
        raise RetryLater(reason, "no_region", 300)
    free = {row.region: row for row in rows if row.region not in avoid}
    if not free:
        raise _all_busy(rows, 5)
    now, begin = rows[0].now, time.monotonic() - rows[0].now
    row = free[throttling.first_free(free, now, {row.region for row in rows if row.refused})]
    wait = throttling.free_at(row, now) - now
    if wait > LONGEST_WAIT:
        raise _all_busy(rows, wait)
    if throttling.is_tripped(row):
        size = 1
    # A lease covers at most a tenth of a second.
    count = max(1, min(size, int(throttling.rate(row, now) * 0.1)))
    count, day = spending.reserve(count, row.price_micros)
    granted, moments = throttling.grant(row, now, count)
    _save(granted)
    return [Permit(row, begin + moment, day) for moment in moments]


@transaction.atomic
def _change(permit, step, **changed):
    """Change the permit's row by a step of `throttling`; return the row as it was, None when it is gone."""
    rows = _lock(RegionQuota.objects.filter(pk=permit.row.pk))
    for row in rows:
        _save(step(row, row.now, permit.row.now), **changed)
    return rows[0] if rows else None


def _lock(rows):
    # In one order, so that two workers do not deadlock.
    return list(rows.annotate(now=_DatabaseNow()).select_for_update().order_by("pk"))


def _save(row, **changed):
    changed |= {name: getattr(row, name) for name in _STATE}
    RegionQuota.objects.filter(pk=row.pk).update(**changed)


def _drop(permit, billed=False):
    """Refund what this process holds of the permit's Region, and the permit unless it is billed."""
    lost = [] if billed else [permit]
    for (*caller, operation, _), lease in leases.items():
        if tuple(caller) == _caller() and operation == permit.row.operation:
            lost += [kept for kept in lease.permits if kept.row.pk == permit.row.pk]
            lease.permits = deque(kept for kept in lease.permits if kept.row.pk != permit.row.pk)
            lease.size = 0
    spending.refund(lost)


def _caller():
    # A forked worker must not use its parent's permits, nor a thread another's.
    return os.getpid(), threading.get_ident()


def _all_busy(rows, wait):
    refused = [row.region for row in rows if row.refused]
    if len(refused) < len(rows):
        reason = "Amazon Rekognition is busy or away everywhere; the photo waits for its turn."
        return RetryLater(reason, "regions_busy", wait)
    reason = f"Amazon Rekognition refuses our calls in {', '.join(refused)}; the administrators see why."
    return RetryLater(reason, "regions_refused", wait)
