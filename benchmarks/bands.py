"""Score the band on labelled series: `python -m benchmarks.bands`; prints Markdown.

The series and their windows are those of the Numenta Anomaly Benchmark in the shared folder. All methods see
only the past, notify by the same rule (M of N by period, six quiet hours) and are scored alike.
"""

import os

# Before numpy is imported: one core is what the figures are about.
os.environ["OMP_NUM_THREADS"] = "1"

import json
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from alarms.analysis.bands.band import fit, walk_forward
from alarms.analysis.bands.rolling import mean_before, rows
from alarms.analysis.evaluation import Rule, evaluate_all, outside
from alarms.analysis.scoring import notifications, usual_m_of_n
from alarms.analysis.series_file import read_series
from alarms.cloudwatch.constants import DAY, DEFAULT_K, OK, WEEK
from benchmarks.workbench import table

KS = [1.5, 2, 2.5, 3, 3.5, 4, 5, 6, 8, 10]

_EXPLANATION = """
A window is found if a notification falls inside it; a notification outside all windows is false.
Precision is windows found / (windows found + false notifications). All rows see only the past, one k for
all files, M of N by period, one notification until six hours have been quiet. Even and odd: every other
file by name. Parameters were chosen on these files; where both halves agree, there is less overfitting."""


@dataclass(frozen=True)
class Labelled:
    name: str
    timestamps: np.ndarray
    values: np.ndarray
    period: float
    windows: list  # (start, end) in seconds


@dataclass(frozen=True)
class Edges:
    """An expectation and one scale either side: all that a method is to the scorer."""

    expected: np.ndarray
    down: np.ndarray
    up: np.ndarray


def labelled_series():
    """Return the series; end the run with a sentence where they are not at hand."""
    beside = Path(__file__).resolve().parents[2] / "shared"
    folder = Path(os.environ.get("PHOTOMGR_SHARED", beside)) / "metrics"
    if not (folder / "windows.json").exists():
        sys.exit("No series: PHOTOMGR_SHARED names the folder that holds metrics/windows.json.")
    windows = json.loads((folder / "windows.json").read_text())
    return [_labelled(folder, name, windows[name]) for name in sorted(windows)]


def _labelled(folder, name, windows):
    with open(folder / name, newline="") as lines:
        series = read_series(lines)
    period = float(np.median(np.diff(series.seconds[:21])))
    spans = [tuple(map(_seconds, window)) for window in windows]
    return Labelled(name, series.seconds, series.values, period, spans)


def _seconds(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def ours(series):
    band = walk_forward(series.timestamps, series.values)
    return Edges(band.expected, band.down, band.up)


def plain(series):
    """The mean and standard deviation of the last two weeks, from the second day on."""
    count = rows(2 * WEEK, series.period)
    mean, number = mean_before(series.values, count)
    square, _ = mean_before(series.values**2, count)
    deviation = np.sqrt(np.maximum(square - mean**2, 0))
    deviation[number < rows(DAY, series.period, 50)] = np.nan
    return Edges(mean, deviation, deviation)


def hour_of_week(series):
    """The mean and standard deviation of the same hour of all weeks so far, once it was seen three times."""
    expected, deviation = np.full((2, len(series.values)), np.nan)
    hours = ((series.timestamps - 4 * DAY) % WEEK // 3_600).astype(int)
    for hour in np.unique(hours):
        at = np.flatnonzero(hours == hour)
        mean, number = mean_before(series.values[at], len(at))
        square, _ = mean_before(series.values[at] ** 2, len(at))
        expected[at] = np.where(number >= 3, mean, np.nan)
        deviation[at] = np.sqrt(np.maximum(square - mean**2, 0))
    return Edges(expected, deviation, deviation)


def notified(series, edges, k):
    """Return the times at which somebody would have been notified."""
    m, n = usual_m_of_n(series.period)
    points = outside(series.values, edges.expected - k * edges.down, edges.expected + k * edges.up)
    states = evaluate_all(points, Rule(n=n, m=m, missing="ignore"), OK)
    return series.timestamps[notifications(series.timestamps, states)]


def scored(all_series, all_edges, k):
    """Return the row of the table: precision, recall, F1, false notifications per metric-week."""
    found = windows = false = 0
    weeks = 0.0
    for series, edges in zip(all_series, all_edges, strict=True):
        times = notified(series, edges, k)
        hits = [(start <= times) & (times <= end) for start, end in series.windows]
        found += sum(hit.any() for hit in hits)
        windows += len(hits)
        false += len(times) - int(np.any(hits, axis=0).sum() if hits else 0)
        weeks += (series.timestamps[-1] - series.timestamps[0]) / WEEK
    precision = found / (found + false) if found else 0.0
    recall = found / windows
    f1 = 2 * precision * recall / (precision + recall) if found else 0.0
    return precision, recall, f1, false / weeks


def shown(name, k, score):
    return [name, f"{k:g}", *(f"{number:.2f}" for number in score)]


def milliseconds(work, repeats=5):
    """Return the best processor time; what else runs on the machine makes it longer, never shorter."""
    times = []
    for _ in range(repeats):
        started = time.process_time()
        work()
        times.append(time.process_time() - started)
    return f"{min(times) * 1000:.0f} ms"


def print_quality(series):
    halves = {"all": series, "even": series[::2], "odd": series[1::2]}
    lines = []
    for name, method in (
        ("our band", ours),
        ("mean ± k deviations of two weeks", plain),
        ("mean ± k deviations of the hour of the week", hour_of_week),
    ):
        edges = dict(zip((one.name for one in series), map(method, series), strict=True))
        score = {
            (half, k): scored(some, [edges[one.name] for one in some], k)
            for half, some in halves.items()
            for k in KS
        }
        best = max(KS, key=lambda k: score["all", k][2])
        lines.append(shown(name, DEFAULT_K, score["all", DEFAULT_K]))
        if best != DEFAULT_K:
            lines.append(shown(f"{name}, its best k", best, score["all", best]))
        for half in ("even", "odd"):
            k = DEFAULT_K if method is ours else best
            lines.append(shown(f"{name}, {half} files", k, score[half, k]))
    print(table(["band", "k", "precision", "recall", "F1", "false per metric-week"], *lines))


def print_speed():
    """Two weeks of one-minute data: a day's rhythm and noise."""
    times = 60.0 * np.arange(20_160)
    random = np.random.default_rng(1)
    values = 300 + 200 * np.sin(times / DAY * 2 * np.pi) + random.normal(0, 10, len(times))
    next_one, each = (milliseconds(lambda work=work: work(times, values)) for work in (fit, walk_forward))
    print(f"\nTwo weeks of one-minute data, {len(times):,} datapoints, on one core:")
    print(f"{next_one} for the band of the next datapoint (`fit`, goal 100),")
    print(f"{each} for the band at every datapoint (`walk_forward`, goal 1,000).")


def main():
    series = labelled_series()
    windows = sum(len(one.windows) for one in series)
    print(f"{len(series)} labelled series with {windows} incident windows.\n")
    print_quality(series)
    print(_EXPLANATION)
    print_speed()
    return 0


if __name__ == "__main__":
    sys.exit(main())
