"""A chart as an SVG, styled by classes alone: the pages' security policy allows no style in the markup."""

from collections.abc import Iterator
from datetime import timedelta
from html import escape
from itertools import chain
from typing import Any

import numpy as np

from alarms.analysis.arrays import Floats
from alarms.analysis.charts.chart import Chart, Spans, describe
from alarms.cloudwatch.constants import DAY, HOUR

HEIGHT = 320
WIDE, NARROW = 960, 400
_STEPS = [900, 1800, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY]


def svg(chart: Chart, width: int = WIDE, name: str = "chart") -> str:
    """Return the chart as SVG; `name` keeps the ids of several charts on one page apart."""
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 {width} {HEIGHT}" '
        f'role="img" aria-labelledby="{name}-t {name}-d"><title id="{name}-t">{escape(chart.title)}</title>'
        f'<desc id="{name}-d">{escape(describe(chart))}</desc>'
    )
    if not len(chart.times) or not np.isfinite(chart.values).any():
        return f'{head}<text class="chart-value" x="{width / 2}" y="{HEIGHT / 2}">No data</text></svg>'
    frame = _Frame(chart, width)
    columns = _columns(chart, frame)
    parts = chain(
        _spans(chart.excluded, frame, "chart-excluded"),
        _impossible(chart, frame, name),
        _band(columns, frame),
        _grid(chart, frame),
        _spans(chart.alarms, frame, "chart-alarm"),
        _spans(chart.mutes, frame, "chart-mute", f"url(#{name}-hatch)"),
        _thresholds(chart, frame),
        _line(columns, frame),
    )
    return f"{head}{_patterns(name)}{''.join(parts)}</svg>"


# x, least and most of the values, lower and upper edge; one place for each pixel column with a value.
Columns = tuple[Floats, Floats, Floats, Floats | None, Floats | None]


class _Frame:
    def __init__(self, chart: Chart, width: int) -> None:
        self.left, self.right = 56, width - 12
        self.top, self.bottom = 12, HEIGHT - 28
        self.start, self.end = chart.start, chart.end
        self.low, self.high = _extent(chart)

    def x(self, seconds: float) -> float:
        inside = min(max(seconds, self.start), self.end)
        return self.left + (inside - self.start) / (self.end - self.start) * (self.right - self.left)

    def y(self, value: Any) -> Any:
        share = (np.clip(value, self.low, self.high) - self.low) / (self.high - self.low)
        return self.bottom - share * (self.bottom - self.top)


def _extent(chart: Chart) -> tuple[float, float]:
    """Return (low, high) of the drawing: data and band, and thresholds that do not dwarf them."""
    drawn = np.concatenate([part for part in (chart.values, chart.lower, chart.upper) if part is not None])
    low, high = float(drawn[np.isfinite(drawn)].min()), float(drawn[np.isfinite(drawn)].max())
    room = max(high - low, abs(high) * 0.01, 1e-9)
    for threshold in (chart.floor, chart.ceiling):
        if threshold is not None and low - room <= threshold <= high + room:
            low, high = min(low, threshold), max(high, threshold)
    margin = 0.06 * max(high - low, abs(high) * 0.01, 1e-9)
    return low - margin, high + margin


def _columns(chart: Chart, frame: _Frame) -> Columns:
    # Least and most of a column are drawn, so that no spike of two weeks is lost in a thousand pixels.
    pixels = int(frame.right - frame.left)
    share = (chart.times - frame.start) / (frame.end - frame.start)
    column = np.minimum(share * pixels, pixels - 1).astype(int)
    first = np.flatnonzero(np.diff(column, prepend=-1))
    x = frame.left + column[first] + 0.5
    with np.errstate(invalid="ignore"):
        least, most = np.fmin.reduceat(chart.values, first), np.fmax.reduceat(chart.values, first)
        lower = None if chart.lower is None else np.fmin.reduceat(chart.lower, first)
        upper = None if chart.upper is None else np.fmax.reduceat(chart.upper, first)
    return x, least, most, lower, upper


def _line(columns: Columns, frame: _Frame) -> Iterator[str]:
    x, least, most, *_ = columns
    known = np.isfinite(least)
    top, bottom = frame.y(most), frame.y(least)
    # A column without a value where its neighbours have some is a gap, and drawn as one.
    begins = known & ~np.concatenate([[False], known[:-1]])
    path = []
    for i in np.flatnonzero(known):
        path.append(f"{'M' if begins[i] else 'L'}{x[i]:.1f} {top[i]:.1f}")
        if bottom[i] - top[i] >= 0.5 or begins[i]:
            path.append(f"L{x[i]:.1f} {bottom[i] + 0.1:.1f}")
    yield f'<path class="chart-line" d="{"".join(path)}"/>'


def _band(columns: Columns, frame: _Frame) -> Iterator[str]:
    x, _, _, lower, upper = columns
    if lower is None or upper is None:
        return
    known = np.isfinite(lower) & np.isfinite(upper)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], known.astype(int), [0]])))
    for begin, end in edges.reshape(-1, 2):
        there = [f"{x[i]:.1f} {frame.y(upper[i]):.1f}" for i in range(begin, end)]
        back = [f"{x[i]:.1f} {frame.y(lower[i]):.1f}" for i in range(end - 1, begin - 1, -1)]
        yield f'<path class="chart-band" d="M{"L".join(there + back)}Z"/>'


def _patterns(name: str) -> str:
    return (
        f'<defs><pattern id="{name}-hatch" width="8" height="8" patternUnits="userSpaceOnUse">'
        '<path class="chart-hatch" d="M0 8L8 0"/></pattern>'
        f'<pattern id="{name}-cross" width="8" height="8" patternUnits="userSpaceOnUse">'
        '<path class="chart-hatch" d="M0 0L8 8M0 8L8 0"/></pattern></defs>'
    )


def _spans(spans: Spans, frame: _Frame, kind: str, fill: str | None = None) -> Iterator[str]:
    for start, end in spans:
        if end > frame.start and start < frame.end:
            left, right = frame.x(start), frame.x(end)
            yield _rect(kind, left, frame.top, max(right - left, 2), frame.bottom - frame.top, fill)


def _impossible(chart: Chart, frame: _Frame, name: str) -> Iterator[str]:
    sides = []
    if chart.natural_min is not None and chart.natural_min > frame.low:
        sides.append((frame.y(chart.natural_min), frame.bottom))
    if chart.natural_max is not None and chart.natural_max < frame.high:
        sides.append((frame.top, frame.y(chart.natural_max)))
    width, fill = frame.right - frame.left, f"url(#{name}-cross)"
    for top, bottom in sides:
        yield _rect("chart-impossible", frame.left, top, width, bottom - top, fill)


def _rect(kind: str, x: float, y: float, width: float, height: float, fill: str | None = None) -> str:
    fill = f' fill="{fill}"' if fill else ""
    return f'<rect class="{kind}"{fill} x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"/>'


def _thresholds(chart: Chart, frame: _Frame) -> Iterator[str]:
    for name, value in (("floor", chart.floor), ("ceiling", chart.ceiling)):
        if value is None:
            continue
        y, arrow = frame.y(value) - 4, ""
        if value > frame.high:
            y, arrow = frame.top + 12, " ↑"
        elif value < frame.low:
            y, arrow = frame.bottom - 4, " ↓"
        else:
            yield f'<path class="chart-{name}" d="M{frame.left} {frame.y(value):.1f}H{frame.right}"/>'
        yield f'<text class="chart-label" x="{frame.right - 4}" y="{y:.1f}">{name} {value:.6g}{arrow}</text>'


def _grid(chart: Chart, frame: _Frame) -> Iterator[str]:
    for value in _nice(frame.low, frame.high):
        y = frame.y(value)
        yield f'<path class="chart-grid" d="M{frame.left} {y:.1f}H{frame.right}"/>'
        yield f'<text class="chart-value" x="{frame.left - 6}" y="{y + 4:.1f}">{_short(value)}</text>'
    for seconds, label in _moments(chart, frame):
        x = frame.x(seconds)
        yield f'<path class="chart-grid" d="M{x:.1f} {frame.top}V{frame.bottom}"/>'
        if x < frame.right - 70:  # the rest of its text would be cut off
            yield f'<text class="chart-time" x="{x:.1f}" y="{HEIGHT - 8}">{label}</text>'


def _nice(low: float, high: float, count: int = 5) -> list[float]:
    raw = (high - low) / count
    size = 10 ** np.floor(np.log10(raw))
    step = size * next(m for m in (1, 2, 5, 10) if m * size >= raw)
    return [round(n * step, 12) for n in range(int(np.ceil(low / step)), int(np.floor(high / step)) + 1)]


def _short(value: float) -> str:
    for least, divisor, sign in ((1e9, 1e9, "G"), (1e6, 1e6, "M"), (1e4, 1e3, "k")):
        if abs(value) >= least:
            return f"{value / divisor:g}{sign}"
    return f"{value:g}"


def _moments(chart: Chart, frame: _Frame) -> Iterator[tuple[float, str]]:
    """Yield (seconds, label) at round times of the zone, as many as fit."""
    room = max(2, int((frame.right - frame.left) / 90))
    step = next((s for s in _STEPS if (frame.end - frame.start) / s <= room), None)
    step = step or _STEPS[-1] * int(np.ceil((frame.end - frame.start) / _STEPS[-1] / room))
    begin = chart.moment(frame.start)
    midnight = begin.replace(hour=0, minute=0, second=0, microsecond=0)
    day = timedelta(days=max(1, step // DAY))
    while midnight.timestamp() < frame.end:
        # Days are stepped by the wall clock: on two of them a year they have 23 or 25 hours.
        for offset in range(0, DAY, step) if step < DAY else (0,):
            seconds = midnight.timestamp() + offset
            if frame.start <= seconds < frame.end and chart.moment(seconds).date() == midnight.date():
                clock = chart.moment(seconds)
                yield seconds, f"{clock:%H:%M}" if offset else f"{clock:%a} {clock.day} {clock:%b}"
        midnight += day
