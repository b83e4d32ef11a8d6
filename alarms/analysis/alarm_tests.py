"""Tests of alarms, in the manner of promtool: values in shorthand, and the state expected at a time.

docs/judging-alarms.md describes the file. At 13m the values of the first thirteen minutes are there.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from alarms.analysis.alarm_spec import AlarmSpec, Source, breaching, spec_of
from alarms.analysis.arrays import Floats
from alarms.analysis.bands.band import walk_forward
from alarms.analysis.bands.clock import MONDAY
from alarms.analysis.evaluation import Rule, evaluate_all
from alarms.analysis.metric_math import UnknownExpression
from alarms.cloudwatch.constants import DEFAULT_K, INSUFFICIENT_DATA, MISSING_POLICIES, SIDES, STATES
from alarms.cloudwatch.definitions import Definition

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
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
# A year of minutes; a slip of the finger shall not fill the memory.
_MOST = 600_000


class BadTest(ValueError):
    pass


@dataclass(frozen=True)
class AlarmTest:
    name: str
    spec: AlarmSpec
    values: Floats
    expectations: list[tuple[str, int, str]]  # (time as written, how many values are there by then, state)


@dataclass(frozen=True)
class Result:
    test: str
    at: str
    expected: str
    got: str

    @property
    def passed(self) -> bool:
        return self.expected == self.got


def read_file(data: bytes, definitions: Mapping[str, Definition]) -> list[AlarmTest]:
    """Return the tests of a TOML document; `definitions` of configured alarms by name. Raise BadTest."""
    try:
        document = tomllib.loads(data.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadTest(f"It is no TOML: {error}.") from None
    _check_keys(document, {"test", "interval"}, "The file")
    tests = document.get("test")
    if not isinstance(tests, list) or not tests or not all(isinstance(test, dict) for test in tests):
        raise BadTest("There is no [[test]] in it.")
    return [_test(number, entry, document, definitions) for number, entry in enumerate(tests, 1)]


def run_test(test: AlarmTest) -> list[Result]:
    lower = upper = None
    if test.spec.k is not None:
        # From a Monday on, so that seasons begin where a week does.
        times = MONDAY + test.spec.period * np.arange(len(test.values), dtype=float)
        band = walk_forward(times, test.values, test.spec.period)
        lower, upper = band.lower(test.spec.k), band.upper(test.spec.k)
    codes = evaluate_all(breaching(test.spec, test.values, lower, upper), test.spec.rule)
    states = [INSUFFICIENT_DATA, *(STATES[code] for code in codes)]
    return [Result(test.name, at, state, states[places]) for at, places, state in test.expectations]


def values_of(shorthand: str) -> Floats:
    """Return the values of "5x10 0x3 _x2 1+2x5" as floats, NaN for missing; raise BadTest."""
    values: list[float] = []
    for piece in shorthand.split():
        match = _PIECE.fullmatch(piece)
        if match is None or not match["first"]:
            raise BadTest(f"{piece!r} is not a value such as 5, 5x10, 1+2x5 or _x3.")
        count = int(match["count"] or 1)
        if len(values) + count > _MOST:
            raise BadTest(f"{piece!r} makes more than {_MOST:,} values.")
        first = np.nan if match["first"] == "_" else float(match["first"])
        values += [first + float(match["step"] or 0) * n for n in range(count)]
    if not values:
        raise BadTest("The series is empty.")
    return np.array(values)


def seconds_of(text: object) -> int:
    if not isinstance(text, str) or not re.fullmatch(r"(\d+[smhdw])+", text):
        raise BadTest(f"{text!r} is not a time such as 90s, 13m or 1h30m.")
    return sum(int(number) * _UNITS[unit] for number, unit in re.findall(r"(\d+)([smhdw])", text))


def _test(
    number: int, entry: dict[str, Any], document: dict[str, Any], definitions: Mapping[str, Definition]
) -> AlarmTest:
    name = str(entry.get("name", f"test {number}"))
    try:
        _check_keys(entry, {"name", "alarm", "interval", "series", "expect"}, "The test")
        interval = seconds_of(entry.get("interval", document.get("interval", "1m")))
        if not interval:
            raise BadTest("The interval is 0.")
        spec = _spec(entry.get("alarm"), interval, definitions)
        if not isinstance(series := entry.get("series"), str):
            raise BadTest(f"series is {series!r}; it must be text.")
        values = values_of(series)
        return AlarmTest(name, spec, values, _expectations(entry, spec.period, len(values)))
    except BadTest as error:
        raise BadTest(f"{name}: {error}") from None


def _expectations(entry: dict[str, Any], period: int, count: int) -> list[tuple[str, int, str]]:
    expected = entry.get("expect")
    if not isinstance(expected, list) or not expected:
        raise BadTest('It expects nothing; write expect = ["ALARM at 13m"].')
    found = []
    for text in expected:
        match = re.fullmatch(rf"({'|'.join(STATES)}) at (\S+)", str(text).strip())
        if match is None:
            raise BadTest(f"{text!r} is not like {' or '.join(STATES)}, followed by: at 13m.")
        places = seconds_of(match[2]) // period
        if places > count:
            raise BadTest(f"{text!r} is after the series, which ends at {count * period} s.")
        found.append((match[2], places, match[1]))
    return found


def _spec(alarm: Any, interval: int, definitions: Mapping[str, Definition]) -> AlarmSpec:
    if isinstance(alarm, str):
        if alarm not in definitions:
            raise BadTest(f"There is no alarm {alarm!r} in the configuration.")
        try:
            return spec_of(definitions[alarm])
        except UnknownExpression as error:
            raise BadTest(f"{alarm!r} cannot be evaluated here: {error}") from None
    if not isinstance(alarm, dict):
        raise BadTest('It has no alarm; name one, or write alarm = { operator = "<", threshold = 1 }.')
    keys = {"operator", "threshold", "k", "datapoints", "evaluation_periods", "missing"}
    _check_keys(alarm, keys, "The alarm")
    operator: Any = alarm.get("operator")
    operator = OPERATORS.get(str(operator), operator)
    if operator not in OPERATORS.values():
        raise BadTest(f"The operator is {operator!r}; it may be one of {', '.join(OPERATORS)}.")
    rule, sources = _rule(alarm), {"m1": Source("", "", (), "Sum", interval)}
    threshold = None if operator in SIDES else _number(alarm, "threshold")
    k = _number(alarm, "k", DEFAULT_K) if operator in SIDES else None
    return AlarmSpec("", rule, operator, interval, sources, "m1", threshold, k)


def _rule(alarm: dict[str, Any]) -> Rule:
    n, m = alarm.get("evaluation_periods", 1), alarm.get("datapoints")
    if type(n) is not int or n < 1 or not (m is None or (type(m) is int and 1 <= m <= n)):
        given = f"datapoints is {m} and evaluation_periods {n}"
        raise BadTest(f"{given}; both are whole, 1 <= datapoints <= the other.")
    missing = alarm.get("missing", "missing")
    if missing not in MISSING_POLICIES:
        raise BadTest(f"missing is {missing!r}; it may be one of {', '.join(MISSING_POLICIES)}.")
    return Rule(n=n, m=m, missing=missing)


def _number(alarm: dict[str, Any], name: str, default: float | None = None) -> float:
    value = alarm.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
        raise BadTest(f"{name} is {value!r}; it must be a number.")
    return float(value)


def _check_keys(entry: dict[str, Any], known: set[str], who: str) -> None:
    if strange := sorted(set(entry) - known):
        raise BadTest(f"{who} has {', '.join(strange)}; known are {', '.join(sorted(known))}.")
