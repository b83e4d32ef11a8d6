"""How long measurements are kept: 1 min for 15 days, 5 min for 63, 1 h for 455, as CloudWatch does.

What is past its time is merged into the next longer period; after the last one it goes.
"""

from datetime import UTC, datetime
from itertools import groupby

from django.db import transaction

from alarms.cloudwatch.constants import RETENTION
from alarms.models import Datapoint, Series

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
    return sum(
        _step(series, period, now - kept_for, longer)
        for period, kept_for, longer in _STEPS
        for series in _with_old_points(period, now - kept_for)
    )


def _with_old_points(period, before):
    old = Datapoint.objects.filter(period=period, at__lt=before)
    return list(old.order_by().values_list("series", flat=True).distinct())


def _step(series, period, before, longer):
    """Merge one series' points of a period from before a moment, in batches."""
    if longer:
        # Only whole longer periods: the rest of one follows when it is old enough, too.
        before = _floor(before, longer)
    old = Datapoint.objects.filter(series=series, period=period, at__lt=before).order_by("at")
    if longer is None:
        return old.delete()[0]
    taken = 0
    while batch := _batch(old, longer):
        taken += _merge(series, batch, longer)
    return taken


def _batch(old, longer):
    """Return the ids of the oldest points, ending with a whole longer period."""
    found = list(old.values_list("pk", "at")[:_BATCH])
    if len(found) == _BATCH:
        last = _floor(found[-1][1], longer)
        found = [(pk, at) for pk, at in found if at < last] or found
    return [pk for pk, _ in found]


@transaction.atomic
def _merge(series, ids, longer):
    # The row of the series is the lock, as it is for those who write (alarms.readings.store).
    Series.objects.select_for_update(no_key=True).get(pk=series)
    points = list(Datapoint.objects.filter(pk__in=ids).order_by("at"))
    # Points are in order of time, so a longer period follows the one before it.
    merged = {at: list(each) for at, each in groupby(points, lambda point: _floor(point.at, longer))}
    for row in Datapoint.objects.filter(series=series, period=longer, at__in=merged):
        merged[row.at].append(row)
    rows = [_merged(series, longer, at, each) for at, each in merged.items()]
    Datapoint.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["series", "period", "at"],
        update_fields=["count", "sum", "minimum", "maximum", "values"],
    )
    return Datapoint.objects.filter(pk__in=[point.pk for point in points]).delete()[0]


def _merged(series, period, at, points):
    values = None
    if all(point.values for point in points):
        counts = {}
        for value, count in (pair for point in points for pair in point.values):
            counts[value] = counts.get(value, 0) + count
        values = [list(pair) for pair in sorted(counts.items())]
    return Datapoint(
        series_id=series,
        period=period,
        at=at,
        count=sum(point.count for point in points),
        sum=sum(point.sum for point in points),
        minimum=min(point.minimum for point in points),
        maximum=max(point.maximum for point in points),
        values=values,
    )


def _floor(moment, period):
    seconds = int(moment.timestamp())
    return datetime.fromtimestamp(seconds - seconds % period, UTC)
