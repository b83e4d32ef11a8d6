"""What is expected of each datapoint: a season and a level, whichever pair has been least wrong so far."""

import numpy as np

from alarms.bands.clock import MONDAY
from alarms.bands.rolling import mean_before, rows

HOUR, DAY, WEEK = 3_600, 86_400, 604_800

# Name, length, how many of the last cycles the median is taken from, how many there must be at least.
_SEASONS = [("hourly", HOUR, 24, 4), ("daily", DAY, 14, 2), ("weekly", WEEK, 4, 2)]
# Over how much of the past the level is averaged.
_LEVELS = [WEEK, DAY, 3 * HOUR, HOUR // 2]
_LEAST_ROWS = 6
# How far back errors are compared, and what a season must gain over none at all to be preferred.
_MEMORY = 14 * DAY
_GAIN = 1.05
# A smoothed season takes in so many neighbours on either side.
_AROUND = 2


def expect(local, values, period):
    """Return (expected, name of the season) of each datapoint, from earlier ones alone."""
    best = np.full(len(values), np.inf)
    expected = np.full(len(values), np.nan)
    season = np.zeros(len(values), dtype=np.int8)
    names = ["none", *(name for name, *_ in _SEASONS)]
    for name, profile in _profiles(local, values, period):
        for level in _levels(values - profile, period):
            candidate = profile + level
            cost = _cost(np.abs(values - candidate), period) * (1 if name == "none" else _GAIN)
            better = np.isfinite(candidate) & ((cost < best) | np.isnan(expected))
            best = np.where(better, cost, best)
            expected = np.where(better, candidate, expected)
            season[better] = names.index(name)
    return expected, np.array(names)[season]


def _profiles(local, values, period):
    """Yield (name, profile) of each season the period allows; fine ones, then smoothed along the clock."""
    yield "none", np.zeros(len(values))
    for name, length, cycles, least in _SEASONS:
        if length < 6 * period or not len(local) or local[-1] - local[0] < length * least:
            continue
        place = ((local - MONDAY) % length // period).astype(np.int64)
        order = np.argsort(place, kind="stable")
        yield name, _medians(values, place, order, cycles, least)
        if length > 24 * period:
            yield name, _medians(_smoothed(values), place, order, cycles, least, _AROUND)


def _medians(values, place, order, cycles, least, ahead=0):
    """Return for each row the median of its place in the cycles before; NaN of fewer than `least` values.

    `order` sorts rows by place, earlier first, so that the cycles before a row lie before it. Values of the
    `ahead` rows before a row are not looked at. Cycles in which nothing was measured are not counted, so
    that a gap of years takes no more room than one of a day.
    """
    found = _before(values[order], cycles, np.nan)
    rows_before, places = (_before(numbers[order], cycles, -1) for numbers in (np.arange(len(order)), place))
    usable = (places == place[order, None]) & (order[:, None] - rows_before > ahead)
    found = np.sort(np.where(usable, found, np.nan), axis=1)  # NaN comes last
    number = np.isfinite(found).sum(axis=1)
    row = np.arange(len(found))
    middle = found[row, np.maximum(number - 1, 0) // 2] + found[row, np.minimum(number // 2, cycles - 1)]
    medians = np.empty(len(order))
    medians[order] = np.where(number >= least, middle / 2, np.nan)
    return medians


def _before(numbers, count, filling):
    """Return a view: for each number the `count` numbers before it."""
    padded = np.concatenate([np.full(count, filling, numbers.dtype), numbers])
    return np.lib.stride_tricks.sliding_window_view(padded, count)[:-1]


def _smoothed(values):
    """Return the mean of each value and its neighbours on either side."""
    padded = np.pad(values, _AROUND, constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * _AROUND + 1)
    finite = np.isfinite(windows)
    return np.where(finite, windows, 0).sum(axis=1) / np.where(finite.any(axis=1), finite.sum(axis=1), np.nan)


def _levels(rest, period):
    """Yield the level of what the season leaves, averaged over less and less of the past."""
    memory = rows(_MEMORY, period)
    middle, _ = mean_before(rest, memory)
    spread, _ = mean_before(np.abs(rest - middle), memory)
    for seconds in _LEVELS:
        count = rows(seconds, period, _LEAST_ROWS)
        slow = seconds >= DAY
        # What lies far out counts for less in a slow level, which would carry it for days.
        near = np.clip(rest, middle - 3 * spread, middle + 3 * spread) if slow else rest
        level, number = mean_before(np.where(np.isnan(near), rest, near), count)
        enough = rows(DAY, period) if seconds > DAY else 1
        yield np.where(number >= min(count, enough), level, np.nan)


def _cost(errors, period):
    """Return the mean error of the past at each datapoint; infinite where too little of it is known."""
    memory = rows(_MEMORY, period)
    mean, number = mean_before(errors, memory)
    needed = np.maximum(np.minimum(np.arange(len(errors)), memory) / 2, 10)
    return np.where(number >= needed, mean, np.inf)
