"""A band of expected values for a series, made from its own past.

`seasons` finds what is expected, `widths` how far off that has been.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alarms.analysis.arrays import Flags, Floats
from alarms.analysis.bands import clock, seasons, widths
from alarms.cloudwatch.constants import DEFAULT_K, LARGEST_VALUE


@dataclass(frozen=True)
class Band:
    """The band at every datapoint, each computed from earlier datapoints alone; NaN where none could be.

    At k = 3 the band reaches just beyond what the past has shown, even where errors are lopsided.
    """

    timestamps: Floats  # seconds since 1970
    values: Floats  # NaN = no datapoint
    expected: Floats
    down: Floats  # the error scale below `expected`
    up: Floats  # and above it
    season: NDArray[np.str_]  # that `expected` follows: none, hourly, daily or weekly; "" without a band
    period: float  # seconds
    natural_min: float | None = None
    natural_max: float | None = None

    def lower(self, k: float = DEFAULT_K) -> Floats:
        return _inside(self.expected - k * self.down, self.natural_min, None)

    def upper(self, k: float = DEFAULT_K) -> Floats:
        return _inside(self.expected + k * self.up, None, self.natural_max)

    def breaching(self, k: float = DEFAULT_K) -> Flags:
        """Return a bool for each datapoint: outside the band. A missing value or band does not breach."""
        outside: Flags = (self.values < self.lower(k)) | (self.values > self.upper(k))
        return outside


@dataclass(frozen=True)
class Forecast:
    """The band of one coming datapoint; `expected` is NaN while there is too little history for one."""

    timestamp: float
    expected: float
    down: float
    up: float
    season: str
    natural_min: float | None = None
    natural_max: float | None = None

    def band(self, k: float = DEFAULT_K) -> tuple[float, float]:
        lower, upper = self.expected - k * self.down, self.expected + k * self.up
        return (
            lower if self.natural_min is None else max(lower, self.natural_min),
            upper if self.natural_max is None else min(upper, self.natural_max),
        )


def walk_forward(
    timestamps: ArrayLike,
    values: ArrayLike,
    period: float | None = None,
    *,
    tz: str = "UTC",
    excluded: Iterable[tuple[float, float]] = (),
    natural_min: float | None = None,
    natural_max: float | None = None,
    since: int = 0,
) -> Band:
    """Return the band of every datapoint, each from the datapoints before it.

    `timestamps`: seconds since 1970, rising or equal. `values`: NaN for a missing datapoint. `period`:
    seconds between datapoints, found from the first 20 when None. `tz`: the zone whose hours, days and weeks
    the seasons follow. `excluded`: (start, end) in seconds, ends included, from which nothing is learnt.
    `since`: the first datapoint whose band is wanted. Raises ValueError.
    """
    times, given = _checked(timestamps, values, natural_min, natural_max)
    period = _period(times, period)
    learnt = given.copy()
    for start, end in excluded:
        learnt[(times >= start) & (times <= end)] = np.nan
    local = clock.local_seconds(times, tz)
    expected, season = seasons.expect(local, learnt, period)
    down, up = widths.scales(local, learnt, expected, period, since)
    known = np.isfinite(expected) & np.isfinite(down) & np.isfinite(up)
    expected = _inside(np.where(known, expected, np.nan), natural_min, natural_max)
    season = np.where(known, season, "")
    return Band(times, given, expected, down, up, season, period, natural_min, natural_max)


def fit(
    timestamps: ArrayLike,
    values: ArrayLike,
    period: float | None = None,
    *,
    at: float | None = None,
    **options: Any,
) -> Forecast:
    """Return what `walk_forward` says of the coming datapoint, at `at` or one period after the last."""
    times = np.asarray(timestamps, float)
    if not len(times):
        raise ValueError("There is no datapoint to begin from.")
    period = _period(times, period)
    at = times[-1] + period if at is None else float(at)
    since, times, values = len(times), np.append(times, at), np.append(np.asarray(values, float), np.nan)
    band = walk_forward(times, values, period, since=since, **options)
    expected, down, up = (float(column[-1]) for column in (band.expected, band.down, band.up))
    return Forecast(at, expected, down, up, str(band.season[-1]), band.natural_min, band.natural_max)


def _inside(values: Floats, minimum: float | None, maximum: float | None) -> Floats:
    return values if minimum is None and maximum is None else np.clip(values, minimum, maximum)


def _checked(
    given_times: ArrayLike, given_values: ArrayLike, natural_min: float | None, natural_max: float | None
) -> tuple[Floats, Floats]:
    timestamps, values = np.asarray(given_times, float), np.asarray(given_values, float)
    if timestamps.shape != values.shape or timestamps.ndim != 1:
        raise ValueError(f"There are {timestamps.size} timestamps for {values.size} values.")
    if not np.isfinite(timestamps).all():
        raise ValueError("A timestamp is not a finite number.")
    if len(falls := np.flatnonzero(np.diff(timestamps) < 0)):
        raise ValueError(f"Timestamps must rise: datapoint {falls[0] + 2} is before the one ahead of it.")
    if len(wrong := np.flatnonzero(np.abs(values) > LARGEST_VALUE)):
        raise ValueError(f"Datapoint {wrong[0] + 1} is {values[wrong[0]]:g}; the limit is 2^360 either side.")
    if natural_min is not None and natural_max is not None and natural_min >= natural_max:
        raise ValueError(f"The natural minimum {natural_min:g} is not below the maximum {natural_max:g}.")
    return timestamps, values


def _period(timestamps: Floats, period: float | None) -> float:
    """Return the seconds between datapoints: as given, or the median of the first 20 steps."""
    if period is None:
        # Later steps are not looked at, so that no row of a file changes for what comes after it.
        steps = np.diff(timestamps[:21])
        return float(np.median(steps[steps > 0])) if (steps > 0).any() else 60.0
    if not (np.isfinite(period) and period > 0):
        raise ValueError(f"The period must be above 0 seconds, not {period}.")
    return float(period)
