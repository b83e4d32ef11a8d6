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
_NEIGHBOURS = (-2, -1, 0, 1, 2)


def expect(local, values, period):
    """Return (expected, name of the season) of each datapoint, from earlier ones alone."""
    best = np.full(len(values), np.inf)
    expected = np.full(len(values), np.nan)
    season = np.full(len(values), "none", dtype="<U6")
    for name, profile in _profiles(local, values, period):
        for level in _levels(values - profile, period):
            candidate = profile + level
            cost = _cost(np.abs(values - candidate), period) * (1 if name == "none" else _GAIN)
            better = np.isfinite(candidate) & ((cost < best) | np.isnan(expected))
            best = np.where(better, cost, best)
            expected = np.where(better, candidate, expected)
            season = np.where(better, name, season)
    return expected, season


def _profiles(local, values, period):
    """Yield (name, profile) of each season the period allows; fine ones, then smoothed along the clock."""
    yield "none", np.zeros(len(values))
    for name, length, cycles, least in _SEASONS:
        if length < 6 * period or not len(local) or local[-1] - local[0] < length * least:
            continue
        table, cell = _medians(local - MONDAY, values, length, period, cycles, least)
        yield name, table[cell]
        if length > 24 * period:
            smooth = sum(np.roll(table, step, axis=1) for step in _NEIGHBOURS) / len(_NEIGHBOURS)
            yield name, smooth[cell]


def _medians(clock, values, length, period, cycles, least):
    """Return (table, cell): for each cycle and place in it, the median of that place in the cycles before."""
    cycle = (clock // length).astype(int)
    cycle -= cycle[0]
    places = int(np.ceil(length / period))
    place = np.minimum((clock % length // period).astype(int), places - 1)
    table = np.full((cycles + cycle.max() + 1, places), np.nan)
    table[cycles + cycle, place] = values
    before = np.lib.stride_tricks.sliding_window_view(table, cycles, axis=0)[:-1]
    ordered = np.sort(before, axis=2)  # NaN comes last
    number = np.isfinite(ordered).sum(axis=2, keepdims=True)
    middle = [
        np.take_along_axis(ordered, np.clip(at, 0, cycles - 1), axis=2)[..., 0]
        for at in ((number - 1) // 2, number // 2)
    ]
    medians = (middle[0] + middle[1]) / 2
    return np.where(number[..., 0] >= least, medians, np.nan), (cycle, place)


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
