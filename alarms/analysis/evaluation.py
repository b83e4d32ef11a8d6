"""Datapoints and an alarm's rule -> OK, ALARM or INSUFFICIENT_DATA.

Source: the CloudWatch user guide, "Configuring how CloudWatch alarms treat missing data" and
"Percentile-based alarms and low data samples". What the guide leaves open is marked with "choice".
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from alarms.analysis.arrays import Codes, Flags, Floats, Places
from alarms.cloudwatch.constants import ALARM, INSUFFICIENT_DATA, OK, STATES

_KEEP = -1
_COMPARE: dict[str, np.ufunc] = {
    "GreaterThanOrEqualToThreshold": np.greater_equal,
    "GreaterThanThreshold": np.greater,
    "LessThanThreshold": np.less,
    "LessThanOrEqualToThreshold": np.less_equal,
}


@dataclass(frozen=True)
class Rule:
    """M of N, and what stands in for datapoints that did not come."""

    n: int = 1
    m: int | None = None  # None is N, as in PutMetricAlarm
    missing: str = "missing"
    # Choice: CloudWatch fetches more datapoints than it needs, but documents only that 3 become 5.
    extra: int = 2

    @property
    def needed(self) -> int:
        return self.n if self.m is None else self.m

    @property
    def range(self) -> int:
        """Return how many recent periods are looked at."""
        return self.n + self.extra


def beyond(values: ArrayLike, operator: str, threshold: float) -> Codes:
    """Return 1 where the value is on the wrong side of the threshold, 0 where not, -1 missing (NaN)."""
    values = np.asarray(values, dtype=float)
    return np.where(np.isfinite(values), _COMPARE[operator](values, threshold), -1).astype(np.int8)


def outside(values: ArrayLike, lower: Floats, upper: Floats, side: str = "both") -> Codes:
    """Return 1 where the value is outside the band, 0 where not, -1 where it or the band is missing."""
    values = np.asarray(values, dtype=float)
    known = np.isfinite(values) & np.isfinite(lower) & np.isfinite(upper)
    low, high = values < lower, values > upper
    wrong = {"both": low | high, "lower": low, "upper": high}[side]
    return np.where(known, wrong, -1).astype(np.int8)


def evaluate(points: Iterable[bool | None], rule: Rule, state: str) -> str:
    """Return the state after the newest point; `state` is the one the alarm is in.

    points: oldest first, one per period: True breaching, False not, None missing.
    """
    recent = [*[None] * rule.range, *points][-rule.range :]
    real = [point for point in recent if point is not None]
    if len(real) >= rule.n:
        # Enough real points: the newest N of them, and the missing-data policy plays no part.
        return ALARM if sum(real[-rule.n :]) >= rule.needed else OK
    if rule.missing in ("breaching", "notBreaching"):
        filled = rule.n - len(real) if rule.missing == "breaching" else 0
        return ALARM if sum(real) + filled >= rule.needed else OK
    if not real:
        return state if rule.missing == "ignore" else INSUFFICIENT_DATA
    if sum(real) >= rule.needed:
        return ALARM
    if not all(real):
        return OK
    # The next one may be good, so the alarm waits until the oldest is M periods old. Choice: while it
    # waits it keeps its state; the guide says only that it does not go to ALARM.
    oldest = recent.index(True)
    return ALARM if rule.range - oldest >= rule.needed and rule.missing == "missing" else state


def evaluate_all(points: ArrayLike, rule: Rule, state: str = INSUFFICIENT_DATA) -> Codes:
    """Return `evaluate` after each point (1 breaching, 0 not, -1 missing), as indexes into STATES."""
    codes = np.asarray(points, dtype=np.int8)
    real, breach = codes >= 0, codes == 1
    in_range = _last(real, rule.range)
    breaching = _last(breach, rule.range)
    newest = np.concatenate([[0], _last(breach[real], rule.n)])[np.cumsum(real)]
    ok, alarm, none = range(len(STATES))

    if rule.missing in ("breaching", "notBreaching"):
        filled = rule.n - in_range if rule.missing == "breaching" else 0
        short = np.where(breaching + filled >= rule.needed, alarm, ok)
    else:
        keep_or = _KEEP if rule.missing == "ignore" else none
        old_enough = _age_of_oldest(real, rule.range) >= rule.needed
        early = np.where(old_enough & (rule.missing == "missing"), alarm, _KEEP)
        short = np.where(breaching == in_range, early, ok)
        short = np.where(breaching >= rule.needed, alarm, short)
        short = np.where(in_range == 0, keep_or, short)
    states = np.where(in_range >= rule.n, np.where(newest >= rule.needed, alarm, ok), short)
    return _kept(states, STATES.index(state))


def _last(flags: Flags, length: int) -> Places:
    """Return for each place how many flags are set among the last `length`, itself included."""
    total = np.concatenate([[0], np.cumsum(flags)])
    counts: Places = total[1:] - total[np.maximum(np.arange(1, len(total)) - length, 0)]
    return counts


def _age_of_oldest(real: Flags, length: int) -> Places:
    """Return for each place how many periods ago the oldest real point of the last `length` began."""
    places = np.arange(len(real))
    # The first real point at or after each place.
    following = np.minimum.accumulate(np.where(real, places, len(real))[::-1])[::-1]
    return places - following[np.maximum(places - length + 1, 0)] + 1


def _kept(states: Places, first: int) -> Codes:
    """Return the states with every KEEP replaced by the state before it."""
    source = np.maximum.accumulate(np.where(states == _KEEP, -1, np.arange(len(states))))
    return np.where(source < 0, first, states[source]).astype(np.int8)


def alarm_starts(states: ArrayLike, first: str = INSUFFICIENT_DATA) -> Places:
    """Return the places at which the alarm newly goes to ALARM; only these notify."""
    in_alarm = np.asarray(states) == STATES.index(ALARM)
    before = np.concatenate([[first == ALARM], in_alarm[:-1]])
    return np.flatnonzero(in_alarm & ~before)


def samples_needed(statistic: str) -> int:
    """Return how many samples a percentile needs to mean something (the user guide's rule); else 0."""
    match = re.fullmatch(r"p(\d{1,2}(?:\.\d+)?|100)", statistic)
    share = float(match[1]) / 100 if match else 0
    tail = min(share, 1 - share)
    return round(10 / tail) if tail > 0 else 0


def too_few_samples(statistic: str, counts: Iterable[float]) -> bool:
    """Return whether a percentile has too few: an alarm that ignores those then keeps its state."""
    return sum(counts) < samples_needed(statistic)
