from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import ArrayLike

from alarms.analysis.arrays import Flags, Floats

Spans = tuple[tuple[float, float], ...]  # (start, end) in seconds since 1970


@dataclass(frozen=True)
class Chart:
    title: str
    times: Floats  # seconds since 1970, rising
    values: Floats  # NaN missing
    period: float
    lower: Floats | None = None
    upper: Floats | None = None
    floor: float | None = None
    ceiling: float | None = None
    natural_min: float | None = None
    natural_max: float | None = None
    alarms: Spans = ()
    mutes: Spans = ()
    excluded: Spans = ()
    tz: str = "UTC"

    @property
    def start(self) -> float:
        return float(self.times[0])

    @property
    def end(self) -> float:
        return float(self.times[-1]) + self.period

    def moment(self, seconds: float) -> datetime:
        return datetime.fromtimestamp(seconds, ZoneInfo(self.tz))


def describe(chart: Chart) -> str:
    known = chart.values[np.isfinite(chart.values)]
    if not len(known):
        return "No data in this time."
    first, last = (f"{chart.moment(seconds):%d %b %Y %H:%M}" for seconds in (chart.start, chart.end))
    alarms = f"In alarm {len(chart.alarms)} time{'' if len(chart.alarms) == 1 else 's'}."
    edges = f"between {known.min():.6g} and {known.max():.6g}"
    return f"{len(known)} values from {first} to {last}, {edges}. {alarms}"


def rows(chart: Chart, count: int = 48) -> list[dict[str, Any]]:
    """Return the chart as at most `count` rows of even length, for the table below it."""
    if not len(chart.times):
        return []
    length = max(chart.period, (chart.end - chart.start) / count)
    place = ((chart.times - chart.start) // length).astype(int)
    return [
        _row(chart, chart.start + number * length, length, place == number) for number in np.unique(place)
    ]


def _row(chart: Chart, start: float, length: float, here: Flags) -> dict[str, Any]:
    def known(column: Floats | None, combine: Callable[[Floats], float]) -> float | None:
        finite = column[here & np.isfinite(column)] if column is not None else np.zeros(0)
        return float(combine(finite)) if len(finite) else None

    def touches(spans: Spans) -> bool:
        return any(first < start + length and last > start for first, last in spans)

    return {
        "at": chart.moment(start),
        "least": known(chart.values, np.min),
        "mean": known(chart.values, np.mean),
        "most": known(chart.values, np.max),
        "lower": known(chart.lower, np.mean),
        "upper": known(chart.upper, np.mean),
        "alarm": touches(chart.alarms),
        "muted": touches(chart.mutes),
        "excluded": touches(chart.excluded),
    }


def alarm_spans(states: ArrayLike, times: Floats, period: float, state: int) -> Spans:
    """Return the spans in which the states equal `state`."""
    flags = np.concatenate([[0], (np.asarray(states) == state).astype(int), [0]])
    edges = np.flatnonzero(np.diff(flags)).reshape(-1, 2)
    return tuple((float(times[begin]), float(times[end - 1]) + period) for begin, end in edges)
