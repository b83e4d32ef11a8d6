"""The article's claims, on the series made from a seed; the numbers of the seed are nothing special."""

import numpy as np
import pytest

from alarms.analysis import backtest
from alarms.analysis.bands.band import walk_forward
from alarms.analysis.evaluation import Rule
from alarms.experiments import run, series
from tests.matrix import first_in_gate

FLOOR, CEILING, PLAIN, BAND = run.DETECTORS
PERIOD = 60
# They are run once, by one worker.
pytestmark = pytest.mark.xdist_group("experiments")


@pytest.fixture(scope="module")
def outcomes():
    """Return {case: outcome} of all experiments."""
    return {outcome.case.name: outcome for name in run.EXPERIMENTS for outcome in run.run(name, 2026)}


def codes(findings):
    return {finding.code: finding for finding in findings}


def test_floor_and_ceiling_notice_impossible_rolls_within_a_period(outcomes):
    delays = outcomes["dice"].delays

    assert delays["one 0"][FLOOR] == delays["only 0"][FLOOR] == PERIOD
    assert delays["one 7"][CEILING] == delays["only 7"][CEILING] == PERIOD
    assert delays["one 0"][BAND] is delays["one 7"][BAND] is None


def test_a_band_of_mean_and_deviation_never_notices_impossible_rolls(outcomes):
    assert {delay[PLAIN] for delay in outcomes["dice"].delays.values()} == {None}


def test_the_loop_has_a_period_that_the_doctor_names(outcomes):
    finding = codes(outcomes["skyline every 71 minutes"].findings["clean"])["A07"]

    assert finding.numbers["minutes"] == pytest.approx(71, abs=0.2)
    assert "every 71 min" in finding.message


def test_hourly_is_quiet_in_clean_weeks_and_notices_the_missing_run_within_minutes(outcomes):
    hourly = outcomes["skyline every hour"]

    assert hourly.per_week[BAND] == 0
    assert hourly.delays["a run is missing"][BAND] <= 5 * PERIOD
    assert "A07" not in codes(hourly.findings["clean"])


def test_hourly_that_became_two_hourly_is_noticed_and_named(outcomes):
    hourly = outcomes["skyline every hour"]
    finding = codes(hourly.findings["hourly becomes two-hourly"])["A18"]

    assert hourly.delays["hourly becomes two-hourly"][BAND] <= 5 * PERIOD
    assert (round(finding.numbers["before_minutes"]), round(finding.numbers["after_minutes"])) == (60, 120)
    assert "A18" not in codes(hourly.findings["clean"])


def test_floor_and_ceiling_of_the_orders_have_no_false_alarm_in_a_clean_month(outcomes):
    orders = outcomes["orders"]

    assert len(orders.case.clean) - run.LEARN >= 30 * series.DAY
    assert orders.per_week[FLOOR] == orders.per_week[CEILING] == 0


def test_only_the_band_notices_orders_that_fall_by_half_and_does_so_within_3_of_5(outcomes):
    delays = outcomes["orders"].delays["orders fall by half at midday"]

    assert delays == {FLOOR: None, CEILING: None, PLAIN: None, BAND: 3 * PERIOD}


def test_the_floor_is_the_fastest_when_there_are_no_orders(outcomes):
    for trial in ("zero orders at peak", "zero orders at 4 am"):
        assert outcomes["orders"].delays[trial][FLOOR] == PERIOD


@pytest.mark.parametrize("kind", [series.dice, series.skyline_every, series.orders, series.skyline_loop])
@pytest.mark.parametrize("seed", first_in_gate(3, 4))
def test_the_suggested_width_keeps_the_budget_in_a_later_week_it_has_not_seen(kind, seed):
    values = kind(np.random.default_rng(seed), 5 * series.WEEK)
    band = walk_forward(run.times(values), values, 60)
    seen = 4 * series.WEEK
    known = walk_forward(run.times(values)[:seen], values[:seen], 60)
    rule = Rule(n=5, m=3)
    history = backtest.History(60, values[:seen], known, begin=2 * series.WEEK)

    k = backtest.suggested_k(backtest.k_table(history, rule), budget=0.5)
    later = backtest.History(60, values, band, begin=seen)

    assert k is not None
    judged = backtest.judge(later, backtest.band_points(later, k), rule)
    assert judged.false_alarms_per_week <= 0.5


def test_the_same_seed_gives_the_same_series_and_another_one_another():
    rolls = [series.orders(np.random.default_rng(seed), 100).tolist() for seed in (1, 1, 2)]

    assert rolls[0] == rolls[1] != rolls[2]
