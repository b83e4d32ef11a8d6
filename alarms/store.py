"""The local store of measurements: written as PutMetricData is, read by statistic and period."""

import re
from collections import defaultdict
from datetime import UTC, datetime, timedelta

from django.db import transaction

from alarms.models import Datapoint, Series

MINUTE = 60
_PERCENTILE = re.compile(r"^p(\d+(?:\.\d+)?)$")


class UnknownStatistic(ValueError):
    """A statistic that cannot be computed from what is stored."""


def keep(namespace, data):
    """Add data in the shape of PutMetricData's MetricData to their minutes."""
    found = defaultdict(list)
    for datum in data:
        dimensions = {pair["Name"]: pair["Value"] for pair in datum.get("Dimensions", [])}
        key = (datum["MetricName"], tuple(sorted(dimensions.items())), datum.get("Unit", ""))
        found[key].append((floor(_moment(datum), MINUTE), _values(datum)))
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
    periods = defaultdict(list)
    covered = datetime.min.replace(tzinfo=UTC)
    for point in points.iterator(chunk_size=2000):
        if point.at >= covered:
            periods[floor(point.at, period)].append(point)
            covered = point.at + timedelta(seconds=point.period)
    return [(at, statistic(metric.stat, found)) for at, found in sorted(periods.items())]


def statistic(stat, points):
    """Return one statistic over stored points (count, sum, minimum, maximum, values)."""
    count = sum(point.count for point in points)
    match stat:
        case "SampleCount":
            return count
        case "Sum":
            return sum(point.sum for point in points)
        case "Average":
            return sum(point.sum for point in points) / count
        case "Minimum":
            return min(point.minimum for point in points)
        case "Maximum":
            return max(point.maximum for point in points)
    if match := _PERCENTILE.match(stat):
        return _percentile(float(match[1]), points)
    raise UnknownStatistic(f"the local store knows no {stat}; it has the five basic ones and percentiles")


def floor(moment, period):
    """Return the start of the period a moment is in."""
    seconds = int(moment.timestamp())
    return datetime.fromtimestamp(seconds - seconds % period, UTC)


def _percentile(percent, points):
    """Return the value below which that share of the samples lies (nearest rank)."""
    weights = defaultdict(float)
    for point in points:
        for value, count in point.values or [[point.sum / point.count, point.count]]:
            weights[value] += count
    rank, seen = percent / 100 * sum(weights.values()), 0.0
    for value, count in sorted(weights.items()):
        seen += count
        if seen >= rank:
            return value
    return max(weights)


def _moment(datum):
    given = datum.get("Timestamp") or datetime.now(UTC)
    moment = datetime.fromisoformat(given) if isinstance(given, str) else given
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


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
    Series.objects.select_for_update().get(pk=series.pk)
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
