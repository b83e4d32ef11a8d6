"""How far off the expectation has been: the error scale below and above it."""

import numpy as np

from alarms.analysis.arrays import Floats
from alarms.analysis.bands.rolling import mean_before, rows
from alarms.cloudwatch.constants import DAY, HOUR

_MEMORY = 14 * DAY


def scales(
    local: Floats, values: Floats, expected: Floats, period: float, since: int = 0
) -> tuple[Floats, Floats]:
    """Return (down, up): the error scale below and above the expectation; NaN with too little history."""
    errors = values - expected
    # A flat series does not make a band without width: never below a share of the usual size of its values.
    floor = 0.02 * np.nan_to_num(mean_before(np.abs(values), rows(_MEMORY, period))[0]) + 1e-9
    shape = _shape(local, errors, floor, period)
    down, up = _calibrated(errors / shape, period, since)
    larger = np.maximum(up, down)
    down, up = (np.maximum(np.maximum(side, larger / 4) * shape, floor) for side in (down, up))
    return down, up


def _shape(local: Floats, errors: Floats, floor: Floats, period: float) -> Floats:
    """Return how large errors are expected to be: usual at this time of day, and lately."""
    memory = rows(_MEMORY, period)
    size = np.abs(errors)
    usual = np.maximum(np.nan_to_num(mean_before(size, memory)[0]), floor)
    near = np.minimum(size, 6 * usual)
    lately, _ = mean_before(near, rows(3 * HOUR, period, 6))
    lately = np.where(np.isnan(lately), usual, lately)
    return np.maximum(np.sqrt(_at_this_hour(local, near, usual, period) * lately), floor)


def _at_this_hour(local: Floats, size: Floats, usual: Floats, period: float) -> Floats:
    """Return the mean error at this time of the days before, drawn to the usual one while they are few."""
    places = min(int(DAY / period), 96)
    if places < 12 or not len(local):
        return usual
    day = (local // DAY).astype(int)
    day -= day[0]
    place = np.minimum((local % DAY / DAY * places).astype(int), places - 1)
    sums, numbers = np.zeros((2, day.max() + 1, places))
    known = np.isfinite(size)
    np.add.at(sums, (day[known], place[known]), size[known])
    np.add.at(numbers, (day[known], place[known]), 1)
    days = rows(_MEMORY, DAY)
    total, number = (_days_before(table, days)[day, place] for table in (sums, numbers))
    drawn = 8 * DAY / places / period
    mean: Floats = (total + drawn * usual) / (number + drawn)
    return mean


def _days_before(table: Floats, days: int) -> Floats:
    """Return for each day and place the sum over the days before, its two neighbours included."""
    sums = np.vstack([np.zeros((1, table.shape[1])), np.cumsum(table, axis=0)])
    end = np.arange(len(table))
    recent: Floats = sums[end] - sums[np.maximum(end - days, 0)]
    return np.roll(recent, -1, axis=1) + recent + np.roll(recent, 1, axis=1)


def _calibrated(relative: Floats, period: float, since: int) -> Floats:
    """Return the scales (down, up) of the errors' two sides, found anew four times a day from `since` on."""
    memory, step = rows(_MEMORY, period), rows(DAY / 4, period)
    # No band before a day of history, nor before 50 datapoints.
    least = rows(DAY, period, 50)
    scales = np.full((2, len(relative)), np.nan)
    for begin in range(since // step * step, len(relative), step):
        past = relative[max(0, begin - memory) : begin]
        past = past[np.isfinite(past)]
        if len(past) >= least:
            low, lower, upper, high = np.quantile(past, [1 - 0.998, 1 - 0.98, 0.98, 0.998])
            # Little history has not shown its tails yet.
            unsure = 1 + least / len(past) / 2
            scales[0, begin : begin + step] = _reach(-lower, -low) * unsure
            scales[1, begin : begin + step] = _reach(upper, high) * unsure
    return scales


def _reach(inner: float, outer: float) -> float:
    """Return a third of how far errors are to be expected to reach.

    Beyond where 998 of 1,000 have been, one more step as wide as the last 18 were: a long tail will reach
    further, and one that ends, as with dice, does not.
    """
    # k = 3 lies just beyond what the past shows; for normal errors that is 3.7 standard deviations.
    return max(outer + (outer - inner), 0.0) / 2.95
