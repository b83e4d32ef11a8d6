"""The local store of measurements: written as PutMetricData is, read by statistic and period."""

import re
from collections import defaultdict
from datetime import UTC, datetime, timedelta

import numpy as np
from django.db import transaction

from alarms.cloudwatch.times import aware
from alarms.models import Datapoint, Series

MINUTE = 60
_COLUMNS = ("at", "period", "count", "sum", "minimum", "maximum")
_BASIC = {"SampleCount", "Sum", "Average", "Minimum", "Maximum"}
_PERCENTILE = re.compile(r"^p(\d+(?:\.\d+)?)$")


class UnknownStatistic(ValueError):
    """A statistic that cannot be computed from what is stored."""


def keep(namespace, data):
    """Add data in the shape of PutMetricData's MetricData to their minutes."""
    found = defaultdict(list)
    for datum in data:
        dimensions = {pair["Name"]: pair["Value"] for pair in datum.get("Dimensions", [])}
        key = (datum["MetricName"], tuple(sorted(dimensions.items())), datum.get("Unit", ""))
        found[key].append((floor(aware(datum.get("Timestamp") or datetime.now(UTC)), MINUTE), _values(datum)))
    for (name, dimensions, unit), points in found.items():
        series = Series.objects.named(namespace, name, dict(dimensions))
        if unit and not series.unit:
            Series.objects.filter(pk=series.pk).update(unit=unit)
        _add(series, points)


def statistics(metric, period, start, end):
    """Return [(start of period, value), …] of a metric; periods without data are left out.

    Points of the shortest period that is still kept for a time are used; a period shorter than the
    points that are left gives the points themselves.
    """
    try:
        series = Series.objects.get(
            namespace=metric.namespace, name=metric.name, dimensions=metric.dimensions
        )
    except Series.DoesNotExist:
        return []
    points = series.datapoints.filter(at__gte=start, at__lt=end).order_by("at", "period")
    percent = _percent(metric.stat)
    columns = (*_COLUMNS, "values") if percent is not None else _COLUMNS
    rows = _uncovered(list(points.values_list(*columns)))
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
        values = _merged(metric.stat, np.array([row[2:6] for row in rows], dtype=float), first)
    return [
        (datetime.fromtimestamp(begin, UTC), value)
        for begin, value in zip(begins[first], values, strict=True)
    ]


def _merged(stat, columns, first):
    """Return one statistic for each group of rows (count, sum, minimum, maximum) that begins at `first`."""
    count, total, minimum, maximum = columns.T
    match stat:
        case "SampleCount":
            return np.add.reduceat(count, first).tolist()
        case "Sum":
            return np.add.reduceat(total, first).tolist()
        case "Average":
            return (np.add.reduceat(total, first) / np.add.reduceat(count, first)).tolist()
        case "Minimum":
            return np.minimum.reduceat(minimum, first).tolist()
    return np.maximum.reduceat(maximum, first).tolist()


def _percent(stat):
    """Return the percent of a percentile, None for a basic statistic; raise UnknownStatistic for others."""
    if stat in _BASIC:
        return None
    if match := _PERCENTILE.match(stat):
        return float(match[1])
    raise UnknownStatistic(f"the local store knows no {stat}; it has the five basic ones and percentiles")


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


def floor(moment, period):
    """Return the start of the period a moment is in."""
    seconds = int(moment.timestamp())
    return datetime.fromtimestamp(seconds - seconds % period, UTC)


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


def _values(datum):
    """Return (count, sum, minimum, maximum, [[value, count], …] or None)."""
    if given := datum.get("StatisticValues"):
        return given["SampleCount"], given["Sum"], given["Minimum"], given["Maximum"], None
    values = datum.get("Values") or [datum["Value"]]
    counts = datum.get("Counts") or [1.0] * len(values)
    pairs = [[float(value), float(count)] for value, count in zip(values, counts, strict=True)]
    return sum(counts), sum(v * c for v, c in pairs), min(values), max(values), pairs


@transaction.atomic
def _add(series, points):
    """Merge new points into their minutes; the row of the series is the lock."""
    Series.objects.select_for_update(no_key=True).get(pk=series.pk)
    moments = {at for at, _ in points}
    rows = {row.at: row for row in series.datapoints.filter(period=MINUTE, at__in=moments)}
    for at, (count, total, minimum, maximum, values) in points:
        row = rows.get(at)
        if row is None:
            rows[at] = Datapoint(
                series=series,
                period=MINUTE,
                at=at,
                count=count,
                sum=total,
                minimum=minimum,
                maximum=maximum,
                values=values,
            )
        else:
            row.count, row.sum = row.count + count, row.sum + total
            row.minimum, row.maximum = min(row.minimum, minimum), max(row.maximum, maximum)
            row.values = row.values + values if row.values and values else None
    Datapoint.objects.bulk_create(
        rows.values(),
        update_conflicts=True,
        unique_fields=["series", "period", "at"],
        update_fields=["count", "sum", "minimum", "maximum", "values"],
    )
