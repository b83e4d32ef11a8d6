"""The local store of measurements, written as PutMetricData is."""

from collections import defaultdict
from datetime import UTC, datetime

from django.db import transaction

from alarms.cloudwatch.times import aware
from alarms.models import Datapoint, Series

MINUTE = 60


def add_data(namespace, data):
    found = defaultdict(list)
    for datum in data:
        dimensions = {pair["Name"]: pair["Value"] for pair in datum.get("Dimensions", [])}
        key = (datum["MetricName"], tuple(sorted(dimensions.items())), datum.get("Unit", ""))
        found[key].append(_point(datum))
    for (name, dimensions, unit), points in found.items():
        series = Series.objects.named(namespace, name, dict(dimensions))
        if unit and not series.unit:
            Series.objects.filter(pk=series.pk).update(unit=unit)
        merge_points(series.pk, MINUTE, points)


@transaction.atomic
def merge_points(series, period, points):
    """Merge Datapoints into those of a longer or equal period; the row of the series is the lock."""
    Series.objects.select_for_update(no_key=True).get(pk=series)
    merged = defaultdict(list)
    for point in points:
        merged[start_of(point.at, period)].append(point)
    for row in Datapoint.objects.filter(series=series, period=period, at__in=merged):
        merged[row.at].append(row)
    Datapoint.objects.bulk_create(
        [_merged(series, period, at, each) for at, each in merged.items()],
        update_conflicts=True,
        unique_fields=["series", "period", "at"],
        update_fields=["count", "sum", "minimum", "maximum", "values"],
    )


def start_of(moment, period):
    seconds = int(moment.timestamp())
    return datetime.fromtimestamp(seconds - seconds % period, UTC)


def _merged(series, period, at, points):
    values = None
    if all(point.values for point in points):
        counts = defaultdict(float)
        for value, count in (pair for point in points for pair in point.values):
            counts[value] += count
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


def _point(datum):
    point = Datapoint(period=MINUTE, at=aware(datum.get("Timestamp") or datetime.now(UTC)))
    if given := datum.get("StatisticValues"):
        point.count, point.sum = given["SampleCount"], given["Sum"]
        point.minimum, point.maximum = given["Minimum"], given["Maximum"]
        return point
    values = datum.get("Values") or [datum["Value"]]
    counts = datum.get("Counts") or [1.0] * len(values)
    point.values = [[float(value), float(count)] for value, count in zip(values, counts, strict=True)]
    point.count, point.sum = sum(counts), sum(value * count for value, count in point.values)
    point.minimum, point.maximum = min(values), max(values)
    return point
