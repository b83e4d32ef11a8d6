"""Each cell of the tables in the CloudWatch user guide, and the sentences around them."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from alarms.analysis.evaluation import (
    Rule,
    alarm_starts,
    beyond,
    evaluate,
    evaluate_all,
    outside,
    samples_needed,
    too_few_samples,
)
from alarms.cloudwatch.constants import ALARM, INSUFFICIENT_DATA, MISSING_POLICIES, OK, SIDES, STATES

SIGNS = {"X": True, "0": False, "-": None}
KEEP = "retain current state"
NONE = INSUFFICIENT_DATA

COLUMNS = ("missing", "ignore", "breaching", "notBreaching")
# The guide's two tables, newest point on the right; the range is 5.
THREE_OF_THREE = [
    ("0-X-X", (OK, OK, OK, OK)),
    ("0----", (OK, OK, OK, OK)),
    ("-----", (NONE, KEEP, ALARM, OK)),
    ("0XX-X", (ALARM, ALARM, ALARM, ALARM)),
    ("--X--", (ALARM, KEEP, ALARM, OK)),
]
TWO_OF_THREE = [
    ("0-X-X", (ALARM, ALARM, ALARM, ALARM)),
    ("00X0X", (ALARM, ALARM, ALARM, ALARM)),
    ("0-X--", (OK, OK, ALARM, OK)),
    ("----0", (OK, OK, ALARM, OK)),
    ("---X-", (ALARM, KEEP, ALARM, OK)),
]
CELLS = [
    pytest.param(m, points, policy, expected, id=f"{m}of3 {points} {policy}")
    for m, table in ((3, THREE_OF_THREE), (2, TWO_OF_THREE))
    for points, row in table
    for policy, expected in zip(COLUMNS, row, strict=True)
]


def _points(text):
    return [SIGNS[sign] for sign in text]


def _codes(text):
    return [{"X": 1, "0": 0, "-": -1}[sign] for sign in text]


@pytest.mark.parametrize("before", STATES)
@pytest.mark.parametrize(("m", "points", "policy", "expected"), CELLS)
def test_every_documented_cell(m, points, policy, expected, before):
    rule = Rule(n=3, m=m, missing=policy)

    assert evaluate(_points(points), rule, before) == (before if expected == KEEP else expected)


def test_the_tables_have_forty_cells():
    assert len(CELLS) == 40


@pytest.mark.parametrize("points", ["----X", "---X-"])
@pytest.mark.parametrize("before", [OK, INSUFFICIENT_DATA])
def test_a_single_breaching_point_does_not_alarm_before_it_is_m_periods_old(points, before):
    assert evaluate(_points(points), Rule(n=3, m=3), before) == before


@pytest.mark.parametrize("points", ["---X0", "--X-0"])
def test_a_good_point_after_the_breaching_one_is_ok(points):
    assert evaluate(_points(points), Rule(n=3, m=3), OK) == OK


def test_breaching_alarms_only_after_the_whole_range_is_missing():
    rule = Rule(n=1, missing="breaching")
    states = [evaluate(_points("000" + "-" * gap), rule, OK) for gap in range(1, 5)]

    assert states == [OK, OK, ALARM, ALARM]


def test_points_before_the_range_are_not_looked_at():
    assert evaluate(_points("XXXXX-----"), Rule(n=3), ALARM) == INSUFFICIENT_DATA


def test_m_is_n_when_it_is_not_given():
    assert evaluate(_points("0XX"), Rule(n=3), OK) == OK
    assert evaluate(_points("0XX"), Rule(n=3, m=2), OK) == ALARM


@pytest.mark.parametrize(
    ("operator", "points"),
    [
        ("LessThanThreshold", [1, 0, 0, -1]),
        ("LessThanOrEqualToThreshold", [1, 1, 0, -1]),
        ("GreaterThanThreshold", [0, 0, 1, -1]),
        ("GreaterThanOrEqualToThreshold", [0, 1, 1, -1]),
    ],
)
def test_a_threshold_compares_as_its_operator_says(operator, points):
    assert list(beyond([0, 1, 2, np.nan], operator, 1)) == points


@pytest.mark.parametrize(
    ("operator", "points"),
    [
        ("LessThanLowerOrGreaterThanUpperThreshold", [1, 0, 0, 1, -1, -1]),
        ("LessThanLowerThreshold", [1, 0, 0, 0, -1, -1]),
        ("GreaterThanUpperThreshold", [0, 0, 0, 1, -1, -1]),
    ],
)
def test_a_band_looks_at_its_side_and_waits_until_it_is_there(operator, points):
    values = [0, 1, 8, 9, np.nan, 9]
    lower, upper = np.array([1, 1, 1, 1, 1, np.nan]), np.array([8, 8, 8, 8, 8, np.nan])

    assert list(outside(values, lower, upper, SIDES[operator])) == points


@pytest.mark.parametrize(
    ("statistic", "needed"),
    [("p99", 1000), ("p99.9", 10_000), ("p90", 100), ("p50", 20), ("p10", 100)],
)
def test_a_percentile_needs_ten_samples_in_its_tail(statistic, needed):
    assert samples_needed(statistic) == needed
    assert too_few_samples(statistic, [needed // 2, needed // 2 - 1])
    assert not too_few_samples(statistic, [needed // 2, needed // 2])


@pytest.mark.parametrize("statistic", ["Average", "Sum", "tm99", "IQM"])
def test_other_statistics_need_no_samples(statistic):
    assert not too_few_samples(statistic, [0])


rules = st.builds(
    lambda n, m, missing, extra: Rule(n=n, m=min(m, n), missing=missing, extra=extra),
    st.integers(1, 6),
    st.integers(1, 6),
    st.sampled_from(MISSING_POLICIES),
    st.integers(0, 4),
)


@given(st.text("X0-", max_size=40), rules, st.sampled_from(STATES))
@example("", Rule(), OK)
def test_a_whole_history_at_once_gives_the_same_states(text, rule, first):
    points, state, expected = _points(text), first, []
    for end in range(1, len(points) + 1):
        state = evaluate(points[:end], rule, state)
        expected.append(state)

    states = evaluate_all(_codes(text), rule, first)

    assert [STATES[state] for state in states] == expected


def test_only_a_change_to_alarm_notifies():
    states = [STATES.index(state) for state in (OK, ALARM, ALARM, OK, INSUFFICIENT_DATA, ALARM)]

    assert list(alarm_starts(states)) == [1, 5]
    assert list(alarm_starts(np.array(states[1:]), first=ALARM)) == [4]
