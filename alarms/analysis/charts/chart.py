"""What a chart shows, in a sentence and in rows."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import ArrayLike

from alarms.analysis.arrays import Floats, Places

Spans = tuple[tuple[float, float], ...]  # (start, end) in seconds since 1970


@dataclass(frozen=True)
class Chart:
    """What is drawn. times: seconds since 1970, rising; arrays of the same length, NaN missing."""

    title: str
    times: Floats
    values: Floats
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
    summary = (
        f"{len(known)} values from {chart.moment(chart.start):%d %b %Y %H:%M} "
        f"to {chart.moment(chart.end):%d %b %Y %H:%M}, between {known.min():.6g} and {known.max():.6g}."
    )
    times = len(chart.alarms)
    return f"{summary} In alarm {times} time{'' if times == 1 else 's'}."


def rows(chart: Chart, count: int = 48) -> list[dict[str, Any]]:
    """Return the chart as at most `count` rows of even length, for the table below it."""
    if not len(chart.times):
        return []
    length = max(chart.period, (chart.end - chart.start) / count)
    place = ((chart.times - chart.start) // length).astype(int)
    return [
        _row(chart, chart.start + number * length, length, np.flatnonzero(place == number))
        for number in np.unique(place)
    ]


def _row(chart: Chart, start: float, length: float, places: Places) -> dict[str, Any]:
    values = chart.values[places]
    known = values[np.isfinite(values)]
    return {
        "at": chart.moment(start),
        "least": float(known.min()) if len(known) else None,
        "mean": _mean(chart.values, places),
        "most": float(known.max()) if len(known) else None,
        "lower": _mean(chart.lower, places),
        "upper": _mean(chart.upper, places),
        "alarm": _touches(chart.alarms, start, start + length),
        "muted": _touches(chart.mutes, start, start + length),
        "excluded": _touches(chart.excluded, start, start + length),
    }


def _mean(column: Floats | None, places: Places) -> float | None:
    if column is None:
        return None
    known = column[places][np.isfinite(column[places])]
    return float(known.mean()) if len(known) else None


def _touches(spans: Spans, start: float, end: float) -> bool:
    return any(first < end and last > start for first, last in spans)


def alarm_spans(states: ArrayLike, times: Floats, period: float, state: int) -> Spans:
    """Return the spans in which the states equal `state`."""
    flags = np.concatenate([[0], (np.asarray(states) == state).astype(int), [0]])
    edges = np.flatnonzero(np.diff(flags)).reshape(-1, 2)
    return tuple((float(times[begin]), float(times[end - 1]) + period) for begin, end in edges)
