"""Files that test alarms: what they can say, and what is said about those that cannot be read."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alarms.analysis.alarm_tests import BadTest, read_file, run_test, seconds_of, values_of

FLOOR = 'alarm = { operator = "<", threshold = 1, datapoints = 3, evaluation_periods = 3 }'


def results(text, definitions=None):
    tests = read_file(text.encode(), definitions or {})
    return [(result.at, result.got, result.passed) for test in tests for result in run_test(test)]


def test_states_at_times():
    found = results(
        f'[[test]]\n{FLOOR}\nseries = "250x10 0x3 _x5"\n'
        'expect = ["INSUFFICIENT_DATA at 0m", "OK at 10m", "OK at 12m", "ALARM at 13m", "OK at 18m"]'
    )

    assert found == [
        ("0m", "INSUFFICIENT_DATA", True),
        ("10m", "OK", True),
        ("12m", "OK", True),
        ("13m", "ALARM", True),
        ("18m", "INSUFFICIENT_DATA", False),
    ]


def test_an_interval_of_its_own():
    found = results(
        f'interval = "5m"\n[[test]]\n{FLOOR}\nseries = "0x3"\nexpect = ["ALARM at 15m", "ALARM at 14m"]'
    )

    assert [passed for _, _, passed in found] == [True, False]


def test_a_band_learns_from_the_series():
    band = 'alarm = { operator = "below", k = 3, datapoints = 3, evaluation_periods = 5 }'
    found = results(
        f'[[test]]\n{band}\nseries = "100+1x3000 1000x5"\nexpect = ["OK at 50h", "ALARM at 50h3m"]'
    )

    assert [state for _, state, _ in found] == ["OK", "ALARM"]


def test_a_configured_alarm_by_its_name():
    definition = {
        "Namespace": "Shop",
        "MetricName": "orders",
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "ComparisonOperator": "LessThanThreshold",
        "Threshold": 1.0,
    }

    found = results(
        '[[test]]\nalarm = "a"\nseries = "5 0"\nexpect = ["OK at 1m", "ALARM at 2m"]', {"a": definition}
    )

    assert all(passed for _, _, passed in found)


@pytest.mark.parametrize(
    ("shorthand", "values"),
    [
        ("5", [5]),
        ("5x3", [5, 5, 5]),
        ("1+2x5", [1, 3, 5, 7, 9]),
        ("10-0.5x3", [10, 9.5, 9]),
        ("-1.5x2 .5 1e3", [-1.5, -1.5, 0.5, 1000]),
        ("_ _x2 7", [np.nan, np.nan, np.nan, 7]),
        ("5x0 1", [1]),
    ],
)
def test_the_shorthand_of_values(shorthand, values):
    np.testing.assert_array_equal(values_of(shorthand), values)


@given(st.lists(st.tuples(st.integers(-99, 99), st.integers(1, 20)), min_size=1, max_size=9))
def test_any_values_can_be_written(runs):
    text = " ".join(f"{value}x{count}" for value, count in runs)

    assert values_of(text).tolist() == [value for value, count in runs for _ in range(count)]


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("13m", 780), ("1h30m", 5400), ("2d", 172_800)])
def test_times(text, seconds):
    assert seconds_of(text) == seconds


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", r"no \[\[test\]\]"),
        ("test = 3", r"no \[\[test\]\]"),
        ("[[test", "no TOML"),
        ("tests = []", "The file has tests"),
        ('[[test]]\nname = "a"', "a: It has no alarm"),
        ('[[test]]\nalarm = "b"\nseries = "1"\nexpect = ["OK at 1m"]', "no alarm 'b' in the configuration"),
        (f"[[test]]\n{FLOOR}", "test 1: series is None"),
        (f'[[test]]\n{FLOOR}\nseries = "5y"\nexpect = ["OK at 1m"]', "'5y' is not a value"),
        (f'[[test]]\n{FLOOR}\nseries = "+"\nexpect = ["OK at 1m"]', "is not a value"),
        (f'[[test]]\n{FLOOR}\nseries = ""\nexpect = ["OK at 1m"]', "is empty"),
        (f'[[test]]\n{FLOOR}\nseries = "5x9999999"\nexpect = ["OK at 1m"]', "more than 600,000"),
        (f'[[test]]\n{FLOOR}\nseries = "5"', "expects nothing"),
        (f'[[test]]\n{FLOOR}\nseries = "5"\nexpect = ["FINE at 1m"]', "'FINE at 1m' is not like OK"),
        (f'[[test]]\n{FLOOR}\nseries = "5"\nexpect = ["OK at noon"]', "'noon' is not a time"),
        (f'[[test]]\n{FLOOR}\nseries = "5"\nexpect = ["OK at 2m"]', "after the series"),
        (f'[[test]]\n{FLOOR}\nserie = "5"', "The test has serie"),
        ('[[test]]\nalarm = { operator = "=" }', "The operator is '='"),
        ('[[test]]\nalarm = { operator = "<" }', "threshold is None"),
        ('[[test]]\nalarm = { operator = "<", threshold = nan }', "must be a number"),
        ('[[test]]\nalarm = { operator = "<", threshold = 1, datapoints = 2 }', "1 <= datapoints"),
        ('[[test]]\nalarm = { operator = "<", threshold = 1, missing = "bad" }', "missing is 'bad'"),
        (f'interval = "0m"\n[[test]]\n{FLOOR}\nseries = "5"', "interval is 0"),
    ],
)
def test_what_cannot_be_read_is_said(text, said):
    with pytest.raises(BadTest, match=said):
        read_file(text.encode(), {})
