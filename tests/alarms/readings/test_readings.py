"""Measurements as alarms see them, from the store and from files."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from django.db import connection

from alarms.analysis.alarm_spec import spec_of
from alarms.analysis.series_file import BadSeries
from alarms.backends.local import Local
from alarms.models import Series
from alarms.readings import store
from alarms.readings import values as readings
from tests.alarms import factory
from tests.alarms.analysis.test_alarm_spec import STATIC, _band, _stat

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def publish(values, name="orders", end=NOW, dimensions=()):
    """Store one value a minute, the last one in the minute before `end`."""
    store.add_data(
        "Shop",
        [
            {
                "MetricName": name,
                "Dimensions": list(dimensions),
                "Timestamp": end - timedelta(minutes=len(values) - n),
                "Value": float(value),
            }
            for n, value in enumerate(values)
            if value is not None
        ],
    )


def publish_many(values, name="orders", end=NOW):
    """Store weeks of values at once, as `publish` would."""
    series = Series.objects.named("Shop", name, {})
    begin, moment = end - timedelta(minutes=len(values)), connection.ops.adapt_datetimefield_value
    rows = [
        (series.pk, moment(begin + timedelta(minutes=n)), value, value, value)
        for n, value in enumerate(map(float, values))
        if value == value
    ]
    # Two weeks are 20,160 rows, and a model for each takes five times as long.
    with connection.cursor() as cursor:
        cursor.executemany(_INSERT, rows)


_INSERT = """
    INSERT INTO alarms_datapoint (series_id, period, at, count, sum, minimum, maximum)
    VALUES (%s, 60, %s, 1, %s, %s, %s)
"""


@pytest.mark.django_db
def test_one_value_for_each_period_and_nothing_for_those_without():
    publish([1, 2, None, 4])

    found = readings.read_values(Local(), spec_of(_band()), NOW - timedelta(minutes=5), NOW)

    np.testing.assert_array_equal(found.values, [np.nan, 1, 2, np.nan, 4])
    assert found.times[-1] == NOW.timestamp() - 60


@pytest.mark.django_db
def test_a_period_that_is_not_over_is_not_looked_at():
    publish([1, 2])

    found = readings.read_values(
        Local(), spec_of(_band()), NOW - timedelta(minutes=2), NOW - timedelta(seconds=1)
    )

    np.testing.assert_array_equal(found.values, [1])


@pytest.mark.django_db
def test_dimensions_part_metrics():
    publish([7], dimensions=STATIC["Dimensions"])
    publish([9])

    found = readings.read_values(Local(), spec_of(STATIC), NOW - timedelta(minutes=1), NOW)

    np.testing.assert_array_equal(found.values, [7])


@pytest.mark.django_db
def test_metric_math_over_two_metrics():
    publish([1, 8], "errors")
    publish([10, 100], "requests")
    definition = {
        "AlarmName": "a",
        "EvaluationPeriods": 1,
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": 5,
        "Metrics": [
            _stat("m1", "errors", ReturnData=False),
            _stat("m2", "requests", ReturnData=False),
            {"Id": "e1", "Expression": "IF(m2 >= 50, 100 * m1 / m2, 0)"},
        ],
    }

    found = readings.read_values(Local(), spec_of(definition), NOW - timedelta(minutes=2), NOW)

    np.testing.assert_array_equal(found.values, [0, 8])


@pytest.mark.django_db
def test_sums_of_long_ago_compare_with_the_threshold_of_a_minute():
    day = NOW - timedelta(days=20)
    publish([10, 20, 30, 40, 50], end=day + timedelta(minutes=5))

    found = readings.read_values(Local(), spec_of(_band()), day, NOW)

    assert (found.period, found.values[0]) == (300, 30)
    assert np.isnan(found.values[1:]).all()


@pytest.mark.django_db
def test_the_band_follows_zone_excluded_ranges_and_nature():
    factory.metric(natural_min=0.0)
    publish_many([5, 6] * 1500)
    definition = _band()
    read = readings.read_values(Local(), spec_of(definition), NOW - timedelta(days=3), NOW)
    backend = Local()
    backend.put_alarm(definition, {})
    [(key, detector)] = backend.detectors().items()
    until = NOW - timedelta(hours=1)
    detector["Configuration"] = {
        "ExcludedTimeRanges": [
            {"StartTime": (NOW - timedelta(days=4)).isoformat(), "EndTime": until.isoformat()}
        ]
    }

    plain = readings.band_of(definition, spec_of(definition), read)
    excluded = readings.band_of(definition, spec_of(definition), read, {key: detector})

    assert plain.natural_min == 0
    assert np.isfinite(plain.expected[-1]) and np.isnan(excluded.expected[-1])
    assert readings.band_of(STATIC, spec_of(STATIC), read) is None


def test_a_file_with_gaps_and_both_kinds_of_moments():
    text = [
        "timestamp,value",
        "2026-11-21 00:00:00,1",
        "2026-11-21T00:05:00Z,2",
        "2026-11-21 00:15:00,",
        "1795220400,5",
    ]

    found = readings.read_csv(text)

    assert found.period == 300
    np.testing.assert_array_equal(found.values[:4], [1, 2, np.nan, np.nan])
    assert found.values[-1] == 5


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([], "heading"),
        (["timestamp,value", "0,1"], "fewer than two"),
        (["timestamp,value", *(f"{n},1" for n in range(9)), "999999999,1"], "too far apart"),
    ],
)
def test_a_file_that_cannot_be_read(lines, said):
    with pytest.raises(BadSeries, match=said):
        readings.read_csv(lines)
