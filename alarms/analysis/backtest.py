"""What an alarm would have done, for each width k and each M of N.

A false alarm is a change to ALARM outside every marked incident: what would have sent mail.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np

from alarms.analysis.arrays import Codes, Flags, Floats, Places
from alarms.analysis.bands.band import Band
from alarms.analysis.evaluation import Rule, alarm_starts, evaluate_all, outside
from alarms.cloudwatch.constants import ALARM, OK, STATES, WEEK

K_TABLE = tuple(float(k) for k in np.arange(1, 10.25, 0.25))
_M_OF_N = ((1, 1), (2, 2), (2, 3), (3, 3), (3, 5), (5, 5), (4, 6), (8, 10))


@dataclass(frozen=True)
class History:
    """A metric as an alarm would have seen it."""

    period: float
    values: Floats
    band: Band | None = None  # None for a threshold
    incidents: tuple[tuple[int, int], ...] = ()  # (first, last + 1) places
    begin: int = 0  # the first place that is judged, before it is warm-up

    @property
    def weeks(self) -> float:
        """Return how many weeks are judged; what was not measured and incidents do not count."""
        return float((self.calm() & np.isfinite(self.values)).sum() * self.period / WEEK)

    def calm(self) -> Flags:
        """Return which places are judged and in no incident."""
        calm = np.arange(len(self.values)) >= self.begin
        for first, end in self.incidents:
            calm[max(first, 0) : end] = False
        return calm


@dataclass(frozen=True)
class Verdict:
    k: float | None
    m: int
    n: int
    false_alarms: int
    false_alarms_per_week: float
    worst_week: int
    time_in_alarm: float  # share of the judged time
    delays: tuple[int | None, ...]  # seconds from the start of each incident to ALARM; None = not noticed
    starts: tuple[int, ...]  # places at which it would have notified


def band_points(history: History, k: float, side: str = "both") -> Codes:
    if history.band is None:
        raise ValueError("The history has no band.")
    return outside(history.values, history.band.lower(k), history.band.upper(k), side)


def judge(history: History, points: Codes, rule: Rule, k: float | None = None) -> Verdict:
    states = evaluate_all(points, rule, OK)
    starts = alarm_starts(states, first=OK)
    starts = starts[starts >= history.begin]
    in_alarm = states == STATES.index(ALARM)
    false = starts[~_blamed(history, starts, rule)]
    calm = history.calm()
    weeks = history.weeks
    in_week = ((false - history.begin) * history.period // WEEK).astype(int)
    return Verdict(
        k=k,
        m=rule.needed,
        n=rule.n,
        false_alarms=len(false),
        false_alarms_per_week=float(len(false) / weeks) if weeks else 0.0,
        worst_week=int(np.bincount(in_week, minlength=1).max()),
        time_in_alarm=float(in_alarm[calm].mean()) if calm.any() else 0.0,
        delays=tuple(_delay(history, in_alarm, incident) for incident in history.incidents),
        starts=tuple(starts.tolist()),
    )


def k_table(history: History, rule: Rule, side: str = "both", ks: Iterable[float] = K_TABLE) -> list[Verdict]:
    return [judge(history, band_points(history, k, side), rule, k) for k in ks]


def m_of_n_table(history: History, k: float, rule: Rule, side: str = "both") -> list[Verdict]:
    points = band_points(history, k, side)
    return [judge(history, points, replace(rule, n=n, m=m), k) for m, n in _M_OF_N]


def smallest_k(table: list[Verdict], budget: float) -> float | None:
    return _first_from_which_on(table, lambda verdict: verdict.false_alarms_per_week <= budget)


def suggested_k(table: list[Verdict], budget: float) -> float | None:
    """Return the width to take, or None when no width of the table will do.

    The mean may keep the budget because two bad weeks were followed by two good ones. So no single week
    may exceed it, and one step is added for the next.
    """
    quiet = _first_from_which_on(table, lambda verdict: verdict.worst_week <= budget)
    if quiet is None:
        return None
    return min([verdict.k for verdict in table if verdict.k and verdict.k > quiet], default=quiet)


def _first_from_which_on(table: list[Verdict], keeps: Callable[[Verdict], bool]) -> float | None:
    """Return the smallest k such that it and every wider band keep; a lucky narrow one does not count."""
    found = None
    for verdict in sorted(table, key=lambda verdict: verdict.k or 0, reverse=True):
        if not keeps(verdict):
            break
        found = verdict.k
    return found


def _blamed(history: History, starts: Places, rule: Rule) -> Flags:
    """Return which alarms belong to an incident: they began in it, or while its last points were in range."""
    blamed = np.zeros(len(starts), dtype=bool)
    for first, end in history.incidents:
        blamed |= (starts >= first) & (starts < end + rule.range)
    return blamed


def _delay(history: History, in_alarm: Flags, incident: tuple[int, int]) -> int | None:
    first, end = incident
    noticed = np.flatnonzero(in_alarm[max(first, 0) : end])
    # The datapoint of a period is there when the period is over.
    return int((noticed[0] + 1) * history.period) if len(noticed) else None
