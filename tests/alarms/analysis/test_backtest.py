"""What an alarm would have done, on histories small enough to count by hand."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alarms.analysis import backtest
from alarms.analysis.backtest import History, Verdict
from alarms.analysis.bands.band import Band
from alarms.analysis.evaluation import Rule

HOUR = 3600


def history(values, expected=None, **kwargs):
    """Return hourly values around an expectation of 10 with an error scale of 1 on both sides."""
    values = np.asarray(values, dtype=float)
    flat = np.ones(len(values))
    expected = 10 * flat if expected is None else expected
    times = HOUR * np.arange(len(values), dtype=float)
    band = Band(times, values, expected, flat, flat, np.full(len(values), "none"), HOUR)
    return History(HOUR, values, band, **kwargs)


def calm(weeks=1, **spikes):
    values = np.full(weeks * 168, 10.0)
    for place, value in spikes.items():
        values[int(place[2:])] = value
    return values


def verdict(k, rate, worst):
    return Verdict(k, 1, 1, 0, rate, worst, 0.0, (), ())


def test_each_change_to_alarm_counts_once_and_the_time_in_it_is_measured():
    values = calm(2, at5=14, at6=14, at7=14, at100=5, at200=14)

    judged = backtest.judge(history(values), backtest.band_points(history(values), 3), Rule())

    assert (judged.false_alarms, judged.false_alarms_per_week) == (3, 1.5)
    assert judged.worst_week == 2
    assert judged.time_in_alarm == pytest.approx(5 / 336)
    assert judged.starts == (5, 100, 200)


@pytest.mark.parametrize(("side", "starts"), [("both", (3, 9)), ("lower", (9,)), ("upper", (3,))])
def test_the_side_says_which_bound_alarms(side, starts):
    values = calm(at3=14, at9=6)

    points = backtest.band_points(history(values), 3, side)

    assert backtest.judge(history(values), points, Rule()).starts == starts


def test_an_alarm_in_an_incident_is_no_false_one_and_its_delay_is_told():
    case = history(calm(at50=4, at51=4, at52=4, at53=4), incidents=((50, 54), (80, 90)))

    judged = backtest.judge(case, backtest.band_points(case, 3), Rule(n=3, m=2))

    assert judged.false_alarms == 0
    assert judged.delays == (2 * HOUR, None)


def test_the_last_points_of_an_incident_may_alarm_after_it():
    case = history(calm(at51=4, at52=4), incidents=((51, 52),))

    assert backtest.judge(case, backtest.band_points(case, 3), Rule(n=3, m=2)).false_alarms == 0


def test_warm_up_is_not_judged():
    case = history(calm(2, at5=99, at200=99), begin=168)

    judged = backtest.judge(case, backtest.band_points(case, 3), Rule())

    assert (judged.false_alarms, case.weeks) == (1, 1)


def test_weeks_without_data_do_not_dilute_the_rate():
    values = calm(2, at5=99)
    values[168:] = np.nan
    case = history(values)

    assert backtest.judge(case, backtest.band_points(case, 3), Rule()).false_alarms_per_week == 1


def test_a_band_that_is_not_there_yet_is_missing():
    expected = np.full(168, 10.0)
    expected[:10] = np.nan
    case = history(calm(at5=99, at20=np.nan), expected=expected)

    points = backtest.band_points(case, 3)

    assert (points[5], points[20], points[21]) == (-1, -1, 0)


def test_the_tables_hold_every_width_and_every_m_of_n():
    case = history(calm(at5=14, at6=14))

    widths = backtest.k_table(case, Rule(n=2, m=2), ks=(1, 3, 5))
    pairs = backtest.m_of_n_table(case, 3, Rule())

    assert [(v.k, v.false_alarms) for v in widths] == [(1, 1), (3, 1), (5, 0)]
    assert {(v.m, v.n): v.false_alarms for v in pairs}[2, 2] == 1
    assert {(v.m, v.n): v.false_alarms for v in pairs}[3, 3] == 0


def test_the_smallest_width_within_the_budget():
    table = [
        verdict(2, 3, 4),
        verdict(2.5, 0.5, 2),
        verdict(3, 0.25, 1),
        verdict(3.5, 0, 0),
        verdict(4, 0, 0),
    ]

    assert backtest.smallest_k(table, 0.5) == 2.5
    # No week over the budget (from 3.5 on), and one step wider.
    assert backtest.suggested_k(table, 0.5) == 4


def test_a_narrow_width_that_is_quiet_by_luck_is_not_the_smallest():
    # A very narrow band is in ALARM all the time, and so hardly ever newly goes to ALARM.
    table = [verdict(1, 0, 0), verdict(2, 9, 9), verdict(3, 0, 0)]

    assert backtest.smallest_k(table, 0.5) == 3


def test_no_width_within_the_budget_is_said():
    table = [verdict(2, 3, 4), verdict(10, 1, 1)]

    assert backtest.smallest_k(table, 0.5) is None
    assert backtest.suggested_k(table, 0.5) is None


@given(st.lists(st.floats(0, 30), min_size=1, max_size=200), st.sampled_from([0, 0.5, 3]))
def test_the_suggestion_keeps_the_budget_it_was_made_for(values, budget):
    case = history(values)
    table = backtest.k_table(case, Rule(n=3, m=2))
    k = backtest.suggested_k(table, budget)

    if k is not None:
        judged = backtest.judge(case, backtest.band_points(case, k), Rule(n=3, m=2))
        assert judged.worst_week <= budget
        assert k >= backtest.smallest_k(
            [replace(v, false_alarms_per_week=v.worst_week) for v in table], budget
        )
