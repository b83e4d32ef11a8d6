"""Periods that are found, how strong, and whether a band can learn them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alarms.analysis.periodicity import Period, find_period, find_regime_change
from alarms.cloudwatch.constants import DAY, HOUR, WEEK
from alarms.experiments import series
from tests.matrix import examples


def _rng():
    return np.random.default_rng(7)


def test_the_loop_of_the_skyline_has_a_period_of_71_minutes_that_no_band_knows():
    found = find_period(series.skyline_loop(_rng(), 2 * series.WEEK), 60)

    assert found.seconds == pytest.approx(71 * 60, rel=0.002)
    assert found.strength > 0.8
    assert found.season is None


@pytest.mark.parametrize(("every", "season"), [(30, "hourly"), (60, "hourly"), (120, "daily"), (100, None)])
def test_the_skyline_by_cron(every, season):
    run = series.skyline_every(_rng(), 2 * series.WEEK, every)

    found = find_period(run, 60)

    assert found.seconds == pytest.approx(every * 60, rel=0.002)
    assert found.season == season


def test_orders_repeat_daily():
    assert find_period(series.orders(_rng(), 3 * series.WEEK), 60).season == "daily"


@pytest.mark.parametrize("gaps", [0.0, 0.3])
def test_dice_do_not_repeat(gaps):
    rolls = series.dice(_rng(), 2 * series.WEEK)
    rolls[_rng().random(len(rolls)) < gaps] = np.nan

    assert find_period(rolls, 60) is None


@pytest.mark.parametrize("values", [[], [1.0], [5.0] * 1000, [np.nan] * 1000, [1.0, np.nan] * 500])
def test_nothing_is_found_where_nothing_changes(values):
    assert find_period(np.array(values), 60) is None


@given(st.integers(5, 200), st.integers(0, 1000))
@examples(15)
def test_any_period_is_found_in_any_noise_below_it(length, seed):
    rng = np.random.default_rng(seed)
    shape = rng.normal(0, 1, length)
    values = np.tile(shape / shape.std(), 12 + 2000 // length)

    found = find_period(values + rng.normal(0, 0.2, len(values)), 60)

    # A shape may repeat itself within its period, so a whole part of it is right as well.
    assert length * 60 / found.seconds == pytest.approx(round(length * 60 / found.seconds), abs=0.02)


@pytest.mark.parametrize(
    ("seconds", "season"),
    [
        (HOUR, "hourly"),
        (HOUR / 4, "hourly"),
        (2 * HOUR, "daily"),
        (DAY, "daily"),
        (WEEK, "weekly"),
        (71 * 60, None),
        (5 * HOUR, None),
        (2 * DAY, None),
    ],
)
def test_a_period_that_divides_hour_or_day_can_be_learnt(seconds, season):
    assert Period(seconds, 1.0).season == season


def test_hourly_became_two_hourly():
    before = series.skyline_every(_rng(), 2 * series.WEEK)
    after = series.skyline_every(_rng(), 2 * series.DAY, 120)

    change = find_regime_change(np.concatenate([before, after]), 60)

    assert change.before.seconds == pytest.approx(HOUR, rel=0.01)
    assert change.after.seconds == pytest.approx(2 * HOUR, rel=0.01)
    assert change.since >= len(before) - 1


@pytest.mark.parametrize("kind", [series.dice, series.skyline_every, series.skyline_loop, series.orders])
def test_a_metric_that_goes_on_as_before_has_no_change(kind):
    assert find_regime_change(kind(_rng(), 3 * series.WEEK), 60) is None
