"""The local store read by statistic and period, as GetMetricData is."""

import re
from collections import defaultdict
from datetime import UTC, datetime, timedelta

import numpy as np

from alarms.models import Datapoint
from alarms.models.metric import metric_identity

_COLUMNS = ("at", "period", "count", "sum", "minimum", "maximum")
_BASIC = {"SampleCount", "Sum", "Average", "Minimum", "Maximum"}
_PERCENTILE = re.compile(r"^p(\d+(?:\.\d+)?)$")


def read_statistics(metric, period, start, end):
    """Return [(start of period, value), …] of a metric; periods without data are left out.

    Points of the shortest period that is still kept for a time are used; a period shorter than the
    points that are left gives the points themselves.
    """
    identity = metric_identity(metric.namespace, metric.name, metric.dimensions)
    points = Datapoint.objects.filter(series__identity=identity, at__gte=start, at__lt=end)
    percent = _percent(metric.stat)
    columns = (*_COLUMNS, "values") if percent is not None else _COLUMNS
    rows = _uncovered(list(points.order_by("at", "period").values_list(*columns)))
    if not rows:
        return []
    # Two weeks are 20,160 rows, read for one chart: columns take a tenth of the time of objects.
    seconds = np.array([row[0].timestamp() for row in rows])
    begins = seconds - seconds % period
    first = np.flatnonzero(np.diff(begins, prepend=-np.inf))
    if percent is not None:
        ends = [*first[1:], len(rows)]
        values = [_percentile(percent, rows[i:j]) for i, j in zip(first, ends, strict=True)]
    else:
        values = _basic(metric.stat, np.array([row[2:6] for row in rows], dtype=float), first)
    moments = (datetime.fromtimestamp(begin, UTC) for begin in begins[first])
    return list(zip(moments, values, strict=True))


def _basic(stat, columns, first):
    """Return one statistic for each group of rows (count, sum, minimum, maximum) that begins at `first`."""
    count, total, minimum, maximum = columns.T
    if stat == "Average":
        return (np.add.reduceat(total, first) / np.add.reduceat(count, first)).tolist()
    reduce, column = {
        "SampleCount": (np.add, count),
        "Sum": (np.add, total),
        "Minimum": (np.minimum, minimum),
        "Maximum": (np.maximum, maximum),
    }[stat]
    return reduce.reduceat(column, first).tolist()


def _percent(stat):
    """Return the percent of a percentile, None for a basic statistic; raise ValueError for others."""
    if stat in _BASIC:
        return None
    if match := _PERCENTILE.match(stat):
        return float(match[1])
    raise ValueError(f"the local store knows no {stat}; it has the five basic ones and percentiles")


def _uncovered(rows):
    """Return the rows, by time, without those for whose time a shorter period is still there."""
    if len({row[1] for row in rows}) < 2:
        return rows
    kept, covered = [], datetime.min.replace(tzinfo=UTC)
    for row in rows:
        if row[0] >= covered:
            kept.append(row)
            covered = row[0] + timedelta(seconds=row[1])
    return kept


def _percentile(percent, rows):
    """Return the value below which that share of the samples lies (nearest rank)."""
    weights = defaultdict(float)
    for _, _, count, total, _, _, values in rows:
        for value, weight in values or [[total / count, count]]:
            weights[value] += weight
    rank, seen = percent / 100 * sum(weights.values()), 0.0
    for value, weight in sorted(weights.items()):
        seen += weight
        if seen >= rank:
            return value
    return max(weights)
