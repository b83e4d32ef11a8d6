"""How long measurements are kept: 1 min for 15 days, 5 min for 63, 1 h for 455, as CloudWatch does.

What is past its time is merged into the next longer period; after the last one it goes.
"""

from django.db import transaction

from alarms.cloudwatch.constants import RETENTION
from alarms.models import Datapoint
from alarms.readings.store import merge_points, start_of

MINUTES_KEPT = RETENTION[0][1]
# (period, kept for, period it is merged into)
_STEPS = [(*step, after[0]) for step, after in zip(RETENTION, (*RETENTION[1:], (None,)), strict=True)]
# A series that was left alone for weeks is caught up in pieces; each is one short transaction.
_BATCH = 5000


def period_for(age, period):
    """Return the shortest period, from `period` up, at which data of that age are still kept, or None."""
    for kept_period, kept_for in RETENTION:
        if age <= kept_for:
            longest = max(period, kept_period)
            return -(-longest // kept_period) * kept_period
    return None


def roll_up(now):
    """Merge and remove what is past its time; return how many datapoints that took out."""
    removed = 0
    for period, kept_for, longer in _STEPS:
        # Only whole longer periods: the rest of one follows when it is old enough, too.
        before = start_of(now - kept_for, longer) if longer else now - kept_for
        old = Datapoint.objects.filter(period=period, at__lt=before).order_by()
        if longer is None:
            removed += old.delete()[0]
            continue
        for series in list(old.values_list("series", flat=True).distinct()):
            while batch := _batch(old.filter(series=series).order_by("at"), longer):
                removed += _merge(series, batch, longer)
    return removed


def _batch(old, longer):
    """Return the ids of the oldest points, ending with a whole longer period."""
    found = list(old.values_list("pk", "at")[:_BATCH])
    if len(found) == _BATCH:
        last = start_of(found[-1][1], longer)
        found = [(pk, at) for pk, at in found if at < last] or found
    return [pk for pk, _ in found]


@transaction.atomic
def _merge(series, ids, longer):
    points = Datapoint.objects.filter(pk__in=ids)
    merge_points(series, longer, points)
    return points.delete()[0]
