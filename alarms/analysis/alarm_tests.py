"""Tests of alarms, in the manner of promtool: values in shorthand, and the state expected at a time.

    [[test]]
    name = "no orders"
    alarm = { operator = "<", threshold = 1, datapoints = 3, evaluation_periods = 3 }
    series = "250x10 0x3 _x2"
    expect = ["OK at 10m", "ALARM at 13m"]

`alarm` may be the name of a configured one. `5x10` is ten times 5, `1+2x5` is 1 3 5 7 9, `_x3` is missing
three times. At 13m the values of the first thirteen minutes are there.
"""

import re
import tomllib
from dataclasses import dataclass

import numpy as np

from alarms.analysis.alarm_spec import AlarmSpec, Source, breaching, read
from alarms.analysis.bands.band import walk_forward
from alarms.analysis.evaluation import Rule, evaluate_all
from alarms.analysis.metric_math import UnknownExpression
from alarms.cloudwatch.constants import DEFAULT_K, INSUFFICIENT_DATA, MISSING_POLICIES, SIDES, STATES

OPERATORS = {
    "<": "LessThanThreshold",
    "<=": "LessThanOrEqualToThreshold",
    ">": "GreaterThanThreshold",
    ">=": "GreaterThanOrEqualToThreshold",
    "below": "LessThanLowerThreshold",
    "above": "GreaterThanUpperThreshold",
    "outside": "LessThanLowerOrGreaterThanUpperThreshold",
}
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?"
_PIECE = re.compile(rf"(?P<first>_|{_NUMBER}?)(?P<step>[+-]\d+\.?\d*)?(?:x(?P<count>\d+))?", re.IGNORECASE)
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_EXPECTED = re.compile(rf"({'|'.join(STATES)}) at (\S+)")
# A year of minutes; a slip of the finger shall not fill the memory.
_MOST = 600_000
_KEYS = {"name", "alarm", "interval", "series", "expect"}
_ALARM_KEYS = {"operator", "threshold", "k", "datapoints", "evaluation_periods", "missing"}
# A Monday, so that seasons begin where a week does.
_BEGIN = 345_600


class BadTest(ValueError):
    """The file cannot be read as tests; the message says where and why."""


@dataclass(frozen=True)
class Expectation:
    at: str
    places: int  # how many values are there by then
    state: str


@dataclass(frozen=True)
class AlarmTest:
    name: str
    watch: AlarmSpec
    values: np.ndarray
    expectations: tuple


@dataclass(frozen=True)
class Result:
    test: str
    at: str
    expected: str
    got: str

    @property
    def passed(self):
        return self.expected == self.got


def read_file(data, definitions):
    """Return the tests of a TOML document (bytes); raise BadTest.

    definitions: a mapping from names of configured alarms to definitions in PutMetricAlarm's shape.
    """
    try:
        document = tomllib.loads(data.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadTest(f"It is no TOML: {error}.") from None
    _only(document, {"test", "interval"}, "The file")
    tests = document.get("test")
    if not isinstance(tests, list) or not tests or not all(isinstance(test, dict) for test in tests):
        raise BadTest("There is no [[test]] in it.")
    return [_test(number, entry, document, definitions) for number, entry in enumerate(tests, 1)]


def run(test):
    """Return the Result of each expectation."""
    lower = upper = None
    if test.watch.side is not None:
        times = _BEGIN + test.watch.period * np.arange(len(test.values), dtype=float)
        band = walk_forward(times, test.values, test.watch.period)
        lower, upper = band.lower(test.watch.k), band.upper(test.watch.k)
    states = evaluate_all(breaching(test.watch, test.values, lower, upper), test.watch.rule)
    return [
        Result(
            test.name,
            expected.at,
            expected.state,
            STATES[states[expected.places - 1]] if expected.places else INSUFFICIENT_DATA,
        )
        for expected in test.expectations
    ]


def values_of(shorthand):
    """Return the values of "5x10 0x3 _x2 1+2x5" as floats, NaN for missing; raise BadTest."""
    values = []
    for piece in shorthand.split():
        match = _PIECE.fullmatch(piece)
        if match is None or not match["first"]:
            raise BadTest(f"{piece!r} is not a value such as 5, 5x10, 1+2x5 or _x3.")
        count = int(match["count"] or 1)
        if len(values) + count > _MOST:
            raise BadTest(f"{piece!r} makes more than {_MOST:,} values.")
        if match["first"] == "_":
            values += [np.nan] * count
        else:
            first, step = float(match["first"]), float(match["step"] or 0)
            values += [first + step * n for n in range(count)]
    if not values:
        raise BadTest("The series is empty.")
    return np.array(values)


def seconds_of(text):
    """Return the seconds of "90s", "13m" or "1h30m"; raise BadTest."""
    if not isinstance(text, str) or not re.fullmatch(r"(\d+[smhdw])+", text):
        raise BadTest(f"{text!r} is not a time such as 90s, 13m or 1h30m.")
    return sum(int(number) * _UNITS[unit] for number, unit in re.findall(r"(\d+)([smhdw])", text))


def _test(number, entry, document, definitions):
    name = str(entry.get("name", f"test {number}"))
    try:
        _only(entry, _KEYS, "The test")
        interval = seconds_of(entry.get("interval", document.get("interval", "1m")))
        if not interval:
            raise BadTest("The interval is 0.")
        watch = _watch(entry.get("alarm"), interval, definitions)
        values = values_of(_text(entry, "series"))
        return AlarmTest(name, watch, values, _expectations(entry, watch.period, len(values)))
    except BadTest as error:
        raise BadTest(f"{name}: {error}") from None


def _expectations(entry, period, count):
    asked = entry.get("expect")
    if not isinstance(asked, list) or not asked:
        raise BadTest('It expects nothing; write expect = ["ALARM at 13m"].')
    found = []
    for text in asked:
        match = _EXPECTED.fullmatch(str(text).strip())
        if match is None:
            raise BadTest(f"{text!r} is not like {' or '.join(STATES)}, followed by: at 13m.")
        places = seconds_of(match[2]) // period
        if places > count:
            raise BadTest(f"{text!r} is after the series, which ends at {count * period} s.")
        found.append(Expectation(match[2], places, match[1]))
    return tuple(found)


def _watch(alarm, interval, definitions):
    if isinstance(alarm, str):
        if alarm not in definitions:
            raise BadTest(f"There is no alarm {alarm!r} in the configuration.")
        try:
            return read(definitions[alarm])
        except UnknownExpression as error:
            raise BadTest(f"{alarm!r} cannot be evaluated here: {error}") from None
    if not isinstance(alarm, dict):
        raise BadTest('It has no alarm; name one, or write alarm = { operator = "<", threshold = 1 }.')
    _only(alarm, _ALARM_KEYS, "The alarm")
    operator = OPERATORS.get(alarm.get("operator"), alarm.get("operator"))
    if operator not in OPERATORS.values():
        raise BadTest(f"The operator is {operator!r}; it may be one of {', '.join(OPERATORS)}.")
    band = operator in SIDES
    return AlarmSpec(
        name="",
        rule=_rule(alarm),
        operator=operator,
        period=interval,
        sources={"m1": Source("", "", (), "Sum", interval)},
        expression="m1",
        threshold=None if band else _number(alarm, "threshold"),
        k=_number(alarm, "k", DEFAULT_K) if band else None,
    )


def _rule(alarm):
    n, m = alarm.get("evaluation_periods", 1), alarm.get("datapoints")
    if type(n) is not int or n < 1 or not (m is None or (type(m) is int and 1 <= m <= n)):
        raise BadTest(
            f"datapoints is {m} and evaluation_periods {n}; both are whole, 1 <= datapoints <= the other."
        )
    missing = alarm.get("missing", "missing")
    if missing not in MISSING_POLICIES:
        raise BadTest(f"missing is {missing!r}; it may be one of {', '.join(MISSING_POLICIES)}.")
    return Rule(n=n, m=m, missing=missing)


def _number(alarm, name, default=None):
    value = alarm.get(name, default)
    if type(value) not in (int, float) or not np.isfinite(value):
        raise BadTest(f"{name} is {value!r}; it must be a number.")
    return float(value)


def _text(entry, name):
    if not isinstance(entry.get(name), str):
        raise BadTest(f"{name} is {entry.get(name)!r}; it must be text.")
    return entry[name]


def _only(entry, known, who):
    if strange := sorted(set(entry) - known):
        raise BadTest(f"{who} has {', '.join(strange)}; known are {', '.join(sorted(known))}.")
