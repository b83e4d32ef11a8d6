"""The application's own metrics: measured for each minute, written down, published in batches.

What was measured is a row first. While CloudWatch is away the rows wait, up to the two weeks it takes
data from the past; minutes in which no worker ran are measured afterwards from the application's rows.
"""

import logging
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from alarms.backends import BackendError, backend_for
from alarms.models import MetricOutbox
from photomgr.claim import new_lease_owner
from photomgr.own_metrics import measure

MINUTE = timedelta(minutes=1)
# One call a minute as a rule; more only to catch up.
_CALLS, _BATCH, _VALUES = 5, 1000, 150
_CATCH_UP, _OLDEST, _LEASE = timedelta(hours=24), timedelta(days=14), timedelta(minutes=5)

log = logging.getLogger(__name__)


def publish(now=None):
    """Measure the minutes that are over and send what waits; return (minutes measured, data sent)."""
    now = now or timezone.now()
    return measure_minutes(now), send_waiting(now)


def measure_minutes(now):
    """Write down every minute up to `now` that is not yet; return how many."""
    end = now.replace(second=0, microsecond=0)
    last = MetricOutbox.objects.order_by("-at").first()
    start = max(last.at + MINUTE, end - _CATCH_UP) if last else end - MINUTE
    totals, measured = (last.totals if last else {}), 0
    while start < end:
        data, totals = _minute(start, totals)
        values = {"data": data, "totals": totals}
        measured += MetricOutbox.objects.get_or_create(at=start, defaults=values)[1]
        start += MINUTE
    return measured


def send_waiting(now):
    """Send the minutes that wait, oldest first; return how many data went. Failures leave them waiting."""
    too_old = MetricOutbox.objects.filter(published=False, at__lt=now - _OLDEST)
    if lost := too_old.count():
        log.error("%s minutes of metrics are too old for CloudWatch and are given up", lost)
        too_old.delete()
    sent, backend = 0, backend_for()
    for _ in range(_CALLS):
        rows = _claim(now)
        data = [datum for row in rows for datum in row.data]
        if not rows:
            break
        try:
            for first in range(0, len(data), _BATCH):
                backend.put_data(settings.ALARMS_NAMESPACE, data[first : first + _BATCH])
        except BackendError as error:
            log.warning("metrics wait, %s minutes of them: %s", len(rows), error)
            rows.release()
            break
        rows.release(published=True)
        sent += len(data)
    # The newest stays: it knows where the totals stood.
    newest = MetricOutbox.objects.order_by("-at").values("at")[:1]
    MetricOutbox.objects.filter(published=True, at__lt=newest).delete()
    return sent


def _minute(start, before):
    """Return (data, totals) of one minute; the growth of a total since `before` is its datum."""
    data, totals = [], {}
    for _, found in measure.send(sender=__name__, start=start, end=start + MINUTE):
        for one in found:
            values = list(one.values)
            if one.total:
                key = "|".join([one.name, *(f"{k}={v}" for k, v in sorted(one.dimensions.items()))])
                totals[key] = values[0]
                # A total that fell was counted anew.
                grown = values[0] - before.get(key, values[0])
                values = [grown if grown >= 0 else values[0]]
            data += _data(one, values, start)
    return data, totals


def _data(one, values, start):
    datum = {"MetricName": one.name, "Timestamp": start.isoformat(), "Unit": one.unit}
    if one.dimensions:
        datum["Dimensions"] = [{"Name": k, "Value": v} for k, v in sorted(one.dimensions.items())]
    return [{**datum, "Values": values[first : first + _VALUES]} for first in range(0, len(values), _VALUES)]


def _claim(now):
    """Return the oldest waiting minutes that fill one call, leased to us."""
    free = MetricOutbox.objects.unleased(now).filter(published=False).order_by("at")
    chosen, size = [], 0
    for row in free[:_BATCH]:
        size += len(row.data)
        if chosen and size > _BATCH:
            break
        chosen.append(row.pk)
    lease_owner = new_lease_owner()
    free.filter(pk__in=chosen).order_by().lease(lease_owner, _LEASE)
    return MetricOutbox.objects.filter(lease_owner=lease_owner).order_by("at")
