"""Pure: a metric, its band and what happened, as an SVG and as rows for those who read.

Styled by classes of the stylesheet alone: the pages' security policy allows no style in the markup.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape
from zoneinfo import ZoneInfo

import numpy as np

HEIGHT = 320
WIDE, NARROW = 960, 400
_TOP, _RIGHT, _BOTTOM, _LEFT = 12, 12, 28, 56
_STEPS = [900, 1800, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 86_400, 2 * 86_400, 7 * 86_400]


@dataclass(frozen=True)
class Chart:
    """What is drawn. times: seconds since 1970, rising; arrays of the same length, NaN missing.

    alarms, mutes, excluded: (start, end) in seconds since 1970.
    """

    title: str
    times: np.ndarray
    values: np.ndarray
    period: float
    lower: np.ndarray | None = None
    upper: np.ndarray | None = None
    floor: float | None = None
    ceiling: float | None = None
    natural_min: float | None = None
    natural_max: float | None = None
    alarms: tuple = ()
    mutes: tuple = ()
    excluded: tuple = ()
    tz: str = "UTC"

    @property
    def start(self):
        return float(self.times[0])

    @property
    def end(self):
        return float(self.times[-1]) + self.period

    def moment(self, seconds):
        return datetime.fromtimestamp(seconds, ZoneInfo(self.tz))


def svg(chart, width=WIDE, name="chart"):
    """Return the chart as SVG; `name` keeps the ids of several charts on one page apart."""
    title = escape(chart.title)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 {width} {HEIGHT}" '
        f'role="img" aria-labelledby="{name}-t {name}-d"><title id="{name}-t">{title}</title>'
        f'<desc id="{name}-d">{escape(describe(chart))}</desc>'
    )
    if not len(chart.times) or not np.isfinite(chart.values).any():
        return f'{head}<text class="chart-value" x="{width / 2}" y="{HEIGHT / 2}">No data</text></svg>'
    frame = _Frame(chart, width)
    columns = _columns(chart, frame)
    parts = [
        head,
        _patterns(name),
        *_spans(chart.excluded, frame, "chart-excluded"),
        *_impossible(chart, frame, name),
        *_band(columns, frame),
        *_grid(chart, frame),
        *_spans(chart.alarms, frame, "chart-alarm"),
        *_spans(chart.mutes, frame, "chart-mute", f"url(#{name}-hatch)"),
        *_thresholds(chart, frame),
        *_line(columns, frame),
        "</svg>",
    ]
    return "".join(parts)


def describe(chart):
    """Return the chart in a sentence."""
    known = chart.values[np.isfinite(chart.values)]
    if not len(known):
        return "No data in this time."
    told = (
        f"{len(known)} values from {chart.moment(chart.start):%d %b %Y %H:%M} "
        f"to {chart.moment(chart.end):%d %b %Y %H:%M}, between {known.min():.6g} and {known.max():.6g}."
    )
    rung = len(chart.alarms)
    return f"{told} In alarm {rung} time{'' if rung == 1 else 's'}."


def rows(chart, count=48):
    """Return the chart as at most `count` rows of even length, for the table below it."""
    if not len(chart.times):
        return []
    length = max(chart.period, (chart.end - chart.start) / count)
    place = ((chart.times - chart.start) // length).astype(int)
    return [
        _row(chart, chart.start + number * length, length, np.flatnonzero(place == number))
        for number in np.unique(place)
    ]


def _row(chart, start, length, places):
    values = chart.values[places]
    known = values[np.isfinite(values)]
    return {
        "at": chart.moment(start),
        "least": float(known.min()) if len(known) else None,
        "mean": float(known.mean()) if len(known) else None,
        "most": float(known.max()) if len(known) else None,
        "lower": _mean(chart.lower, places),
        "upper": _mean(chart.upper, places),
        "alarm": _touches(chart.alarms, start, start + length),
        "muted": _touches(chart.mutes, start, start + length),
        "excluded": _touches(chart.excluded, start, start + length),
    }


def _mean(column, places):
    if column is None:
        return None
    known = column[places][np.isfinite(column[places])]
    return float(known.mean()) if len(known) else None


def _touches(spans, start, end):
    return any(first < end and last > start for first, last in spans)


class _Frame:
    """The drawing's scales."""

    def __init__(self, chart, width):
        self.left, self.right = _LEFT, width - _RIGHT
        self.top, self.bottom = _TOP, HEIGHT - _BOTTOM
        self.start, self.end = chart.start, chart.end
        self.low, self.high = _extent(chart)

    def x(self, seconds):
        share = (np.clip(seconds, self.start, self.end) - self.start) / (self.end - self.start)
        return self.left + share * (self.right - self.left)

    def y(self, value):
        share = (np.clip(value, self.low, self.high) - self.low) / (self.high - self.low)
        return self.bottom - share * (self.bottom - self.top)


def _extent(chart):
    """Return (low, high) of the drawing: data and band, and thresholds that do not dwarf them."""
    drawn = [chart.values[np.isfinite(chart.values)]]
    for edge in (chart.lower, chart.upper):
        if edge is not None:
            drawn.append(edge[np.isfinite(edge)])
    drawn = np.concatenate(drawn)
    low, high = float(drawn.min()), float(drawn.max())
    room = max(high - low, abs(high) * 0.01, 1e-9)
    for threshold in (chart.floor, chart.ceiling):
        if threshold is not None and low - room <= threshold <= high + room:
            low, high = min(low, threshold), max(high, threshold)
    margin = 0.06 * max(high - low, abs(high) * 0.01, 1e-9)
    return low - margin, high + margin


def _columns(chart, frame):
    """Return (x, least, most, last, lower, upper, new) for each pixel column that has a value.

    Least and most of a column are drawn, so that no spike of two weeks is lost in a thousand pixels.
    """
    pixels = int(frame.right - frame.left)
    column = np.minimum((chart.times - frame.start) / (frame.end - frame.start) * pixels, pixels - 1).astype(
        int
    )
    first = np.flatnonzero(np.diff(column, prepend=-1))
    x = frame.left + column[first] + 0.5
    with np.errstate(invalid="ignore"):
        least, most = np.fmin.reduceat(chart.values, first), np.fmax.reduceat(chart.values, first)
        edges = [
            None if edge is None else np.fmax.reduceat(edge, first) if top else np.fmin.reduceat(edge, first)
            for edge, top in ((chart.lower, False), (chart.upper, True))
        ]
    return x, least, most, *edges


def _line(columns, frame):
    x, least, most, *_ = columns
    known = np.isfinite(least)
    if not known.any():
        return
    top, bottom = frame.y(most), frame.y(least)
    # A column without a value where its neighbours have some is a gap, and drawn as one.
    begins = known & ~np.concatenate([[False], known[:-1]])
    path = []
    for i in np.flatnonzero(known):
        path.append(f"{'M' if begins[i] else 'L'}{x[i]:.1f} {top[i]:.1f}")
        if bottom[i] - top[i] >= 0.5 or begins[i]:
            path.append(f"L{x[i]:.1f} {bottom[i] + 0.1:.1f}")
    yield f'<path class="chart-line" d="{"".join(path)}"/>'


def _band(columns, frame):
    x, _, _, lower, upper = columns
    if lower is None or upper is None:
        return
    known = np.isfinite(lower) & np.isfinite(upper)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], known.astype(int), [0]])))
    for begin, end in edges.reshape(-1, 2):
        there = [f"{x[i]:.1f} {frame.y(upper[i]):.1f}" for i in range(begin, end)]
        back = [f"{x[i]:.1f} {frame.y(lower[i]):.1f}" for i in range(end - 1, begin - 1, -1)]
        yield f'<path class="chart-band" d="M{"L".join(there + back)}Z"/>'


def _patterns(name):
    """Return the hatching of mutes and the crosses of what is impossible."""
    return (
        f'<defs><pattern id="{name}-hatch" width="8" height="8" patternUnits="userSpaceOnUse">'
        '<path class="chart-hatch" d="M0 8L8 0"/></pattern>'
        f'<pattern id="{name}-cross" width="8" height="8" patternUnits="userSpaceOnUse">'
        '<path class="chart-hatch" d="M0 0L8 8M0 8L8 0"/></pattern></defs>'
    )


def _spans(spans, frame, kind, fill=None):
    for start, end in spans:
        if end <= frame.start or start >= frame.end:
            continue
        left, right = frame.x(start), frame.x(end)
        yield _rect(kind, left, frame.top, max(right - left, 2), frame.bottom - frame.top, fill)


def _impossible(chart, frame, name):
    fill = f"url(#{name}-cross)"
    width = frame.right - frame.left
    if chart.natural_min is not None and chart.natural_min > frame.low:
        top = frame.y(chart.natural_min)
        yield _rect("chart-impossible", frame.left, top, width, frame.bottom - top, fill)
    if chart.natural_max is not None and chart.natural_max < frame.high:
        bottom = frame.y(chart.natural_max)
        yield _rect("chart-impossible", frame.left, frame.top, width, bottom - frame.top, fill)


def _rect(kind, x, y, width, height, fill=None):
    fill = f' fill="{fill}"' if fill else ""
    return f'<rect class="{kind}"{fill} x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"/>'


def _thresholds(chart, frame):
    for name, value in (("floor", chart.floor), ("ceiling", chart.ceiling)):
        if value is None:
            continue
        if not frame.low <= value <= frame.high:
            above = value > frame.high
            y, arrow = (frame.top + 12, "↑") if above else (frame.bottom - 4, "↓")
            yield _label(frame, y, f"{name} {value:.6g} {arrow}")
            continue
        y = frame.y(value)
        yield f'<path class="chart-{name}" d="M{frame.left} {y:.1f}H{frame.right}"/>'
        yield _label(frame, y - 4, f"{name} {value:.6g}")


def _label(frame, y, text):
    return f'<text class="chart-label" x="{frame.right - 4}" y="{y:.1f}">{text}</text>'


def _grid(chart, frame):
    for value in _nice(frame.low, frame.high):
        y = frame.y(value)
        yield f'<path class="chart-grid" d="M{frame.left} {y:.1f}H{frame.right}"/>'
        yield f'<text class="chart-value" x="{frame.left - 6}" y="{y + 4:.1f}">{_short(value)}</text>'
    for seconds, label in _moments(chart, frame):
        x = frame.x(seconds)
        yield f'<path class="chart-grid" d="M{x:.1f} {frame.top}V{frame.bottom}"/>'
        if x < frame.right - 70:  # the rest of its text would be cut off
            yield f'<text class="chart-time" x="{x:.1f}" y="{HEIGHT - 8}">{label}</text>'


def _nice(low, high, count=5):
    """Return round values between low and high."""
    raw = (high - low) / count
    size = 10 ** np.floor(np.log10(raw))
    step = size * next(m for m in (1, 2, 5, 10) if m * size >= raw)
    return [round(n * step, 12) for n in range(int(np.ceil(low / step)), int(np.floor(high / step)) + 1)]


def _short(value):
    for size, sign in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            divisor = 1e3 if sign == "k" else size
            return f"{value / divisor:g}{sign}"
    return f"{value:g}"


def _moments(chart, frame):
    """Yield (seconds, label) at round times of the zone, as many as fit."""
    room = max(2, int((frame.right - frame.left) / 90))
    step = next((s for s in _STEPS if (frame.end - frame.start) / s <= room), None)
    step = step or _STEPS[-1] * int(np.ceil((frame.end - frame.start) / _STEPS[-1] / room))
    begin = chart.moment(frame.start)
    midnight = begin.replace(hour=0, minute=0, second=0, microsecond=0)
    day = timedelta(days=max(1, step // 86_400))
    while midnight.timestamp() < frame.end:
        # Days are stepped by the wall clock: on two of them a year they have 23 or 25 hours.
        for offset in range(0, 86_400, step) if step < 86_400 else (0,):
            seconds = midnight.timestamp() + offset
            if frame.start <= seconds < frame.end and chart.moment(seconds).date() == midnight.date():
                clock = chart.moment(seconds)
                plain = f"{clock:%H:%M}" if offset else f"{clock:%a} {clock.day} {clock:%b}"
                yield seconds, plain
        midnight += day


def alarm_spans(states, times, period, ringing):
    """Return (start, end) in seconds of each stretch of the array that equals `ringing`."""
    flags = np.concatenate([[0], (np.asarray(states) == ringing).astype(int), [0]])
    edges = np.flatnonzero(np.diff(flags)).reshape(-1, 2)
    return tuple((float(times[begin]), float(times[end - 1]) + period) for begin, end in edges)
