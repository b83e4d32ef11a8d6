"""CloudWatch's retention: what is old becomes coarse, what is very old goes; sums stay true."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db.models import Max, Min, Sum
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from alarms.models import Datapoint, Series
from alarms.readings import retention
from tests.matrix import examples

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def put(series, ages, period=60, value=1.0):
    """Store one sample of a value at each age (a timedelta) before NOW."""
    Datapoint.objects.bulk_create(
        Datapoint(
            series=series,
            period=period,
            at=NOW - age,
            count=1,
            sum=value,
            minimum=value,
            maximum=value,
            values=[[value, 1]],
        )
        for age in ages
    )


@pytest.fixture
def series(db):
    return Series.objects.named("Shop", "orders", {})


def periods(series):
    return sorted(series.datapoints.values_list("period", flat=True))


def test_minutes_become_five_minutes_after_15_days_and_hours_after_63(series):
    minutes = [timedelta(days=15, minutes=n) for n in range(1, 11)]
    put(series, minutes, value=2.0)
    put(series, [timedelta(days=14)])
    put(series, [timedelta(days=63, minutes=5 * n) for n in range(1, 13)], period=300)

    assert retention.roll_up(NOW) == 22

    assert periods(series) == [60, 300, 300, 3600]
    five = series.datapoints.filter(period=300).first()
    assert (five.count, five.sum, five.minimum, five.maximum, five.values) == (5, 10, 2, 2, [[2.0, 5]])


def test_what_is_older_than_455_days_goes(series):
    put(series, [timedelta(days=456), timedelta(days=454)], period=3600)

    retention.roll_up(NOW)

    assert periods(series) == [3600]


def test_a_second_run_changes_nothing(series):
    put(series, [timedelta(days=20, minutes=n) for n in range(30)])
    retention.roll_up(NOW)
    before = list(series.datapoints.values())

    assert retention.roll_up(NOW) == 0
    assert list(series.datapoints.values()) == before


def test_half_a_longer_period_waits_until_all_of_it_is_old(series):
    boundary = timedelta(days=15)
    put(series, [boundary + timedelta(minutes=n) for n in (-2, -1, 0, 1, 2)])

    retention.roll_up(NOW + timedelta(minutes=1))

    # 12:00 less 15 days is itself a boundary; the three minutes from it on stay minutes.
    assert periods(series) == [60, 60, 60, 300]


def test_a_late_measurement_is_merged_into_the_period_that_is_there(series):
    put(series, [timedelta(days=20)], value=3.0)
    retention.roll_up(NOW)
    put(series, [timedelta(days=20)], value=9.0)
    retention.roll_up(NOW)

    [row] = series.datapoints.all()
    assert (row.count, row.sum, row.minimum, row.maximum) == (2, 12, 3, 9)


def test_points_without_single_values_lose_none_of_their_sums(series):
    put(series, [timedelta(days=20), timedelta(days=20, minutes=1)])
    series.datapoints.filter(at=NOW - timedelta(days=20)).update(values=None)
    retention.roll_up(NOW)

    assert series.datapoints.aggregate(Sum("count"))["count__sum"] == 2


@pytest.mark.parametrize(
    ("days", "period", "kept"),
    [
        (1, 60, 60),
        (15, 60, 60),
        (16, 60, 300),
        (16, 420, 600),
        (64, 60, 3600),
        (64, 86_400, 86_400),
        (456, 60, None),
    ],
)
def test_the_period_to_ask_for_at_an_age(days, period, kept):
    assert retention.period_for(timedelta(days=days), period) == kept


class Totals(TestCase):
    @given(st.lists(st.tuples(st.integers(0, 700 * 1440), st.floats(-1e6, 1e6)), unique_by=lambda p: p[0]))
    @examples(15)
    def test_totals_and_extremes_of_what_is_kept_stay(self, points):
        series = Series.objects.named("Shop", "orders", {})
        for minutes, value in points:
            put(series, [timedelta(minutes=minutes)], value=value)
        kept = Datapoint.objects.filter(at__gte=NOW - timedelta(days=455))
        summary = {"n": Sum("count"), "low": Min("minimum"), "high": Max("maximum")}
        before = kept.aggregate(**summary)

        retention.roll_up(NOW)

        # The oldest minutes may have been merged into an hour that begins before the limit.
        after = Datapoint.objects.filter(at__gte=NOW - timedelta(days=455, hours=1)).aggregate(**summary)
        assert after == before
