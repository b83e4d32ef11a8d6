"""What is expected of each datapoint: a season and a level, whichever pair has been least wrong so far."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alarms.analysis.arrays import Flags, Floats, Places
from alarms.analysis.bands.clock import MONDAY
from alarms.analysis.bands.rolling import finite_before, mean_before, rows
from alarms.cloudwatch.constants import DAY, HOUR, WEEK

# Name, length, how many of the last cycles the median is taken from, how many there must be at least.
_SEASONS = [("hourly", HOUR, 24, 4), ("daily", DAY, 14, 2), ("weekly", WEEK, 4, 2)]
# How far back errors are compared.
_MEMORY = 14 * DAY
# A smoothed season takes in so many neighbours on either side.
_AROUND = 2


def expect(local: Floats, values: Floats, period: float) -> tuple[Floats, NDArray[np.str_]]:
    """Return (expected, name of the season) of each datapoint, from earlier ones alone."""
    best = np.full(len(values), np.inf)
    expected = np.full(len(values), np.nan)
    season = np.zeros(len(values), dtype=np.int8)
    names = ["none", *(name for name, *_ in _SEASONS)]
    needed = np.maximum(np.minimum(np.arange(len(values)), rows(_MEMORY, period)) / 2, 10)
    for name, profile in _profiles(local, values, period):
        for level in _levels(values - profile, period):
            candidate = profile + level
            mean, number = mean_before(np.abs(values - candidate), rows(_MEMORY, period))
            # A season must gain something over none at all to be preferred.
            cost = np.where(number >= needed, mean, np.inf) * (1 if name == "none" else 1.05)
            better = np.isfinite(candidate) & ((cost < best) | np.isnan(expected))
            np.copyto(best, cost, where=better)
            np.copyto(expected, candidate, where=better)
            np.copyto(season, names.index(name), where=better)
    return expected, np.array(names)[season]


def _profiles(local: Floats, values: Floats, period: float) -> Iterator[tuple[str, Floats]]:
    """Yield (name, profile) of each season the period allows; fine ones, then smoothed along the clock."""
    yield "none", np.zeros(len(values))
    if not len(local):
        return
    smoothed = _smoothed(values)
    for name, length, cycles, least in _SEASONS:
        if length < 6 * period or local[-1] - local[0] < length * least:
            continue
        place = ((local - MONDAY) % length // period).astype(np.int64)
        order = np.argsort(place, kind="stable")
        usable = _same_place(place[order], cycles)
        yield name, _medians(values, order, usable, least)
        if length > 24 * period:
            rows_before = _before(order, cycles, -1)
            # A smoothed value holds what comes after it: none may reach the row itself.
            usable &= order[:, None] - rows_before > _AROUND
            yield name, _medians(smoothed, order, usable, least)


def _same_place(place: Places, cycles: int) -> Flags:
    """Return a bool for each of the `cycles` rows before each row, sorted by place: whether it has its place.

    Cycles in which nothing was measured have no row: a gap of years takes no more room than one of a day.
    """
    begins = np.flatnonzero(np.diff(place, prepend=-1))
    rank = np.arange(len(place)) - np.repeat(begins, np.diff(begins, append=len(place)))
    same: Flags = rank[:, None] >= np.arange(cycles, 0, -1)
    return same


def _medians(values: Floats, order: Places, usable: Flags, least: int) -> Floats:
    """Return for each row the median of the usable ones before it in `order`; NaN of fewer than `least`."""
    before = _before(values[order], usable.shape[1], np.nan)
    medians = np.empty(len(order))
    # So many rows at once stay in the processor's cache.
    for begin in range(0, len(order), 2_048):
        some = slice(begin, begin + 2_048)
        medians[order[some]] = _median(np.where(usable[some], before[some], np.nan), least)
    return medians


def _median(found: Floats, least: int) -> Floats:
    """Return the median of each row, which is sorted on the way; NaN of fewer than `least` finite values."""
    found.sort(axis=1)  # NaN comes last
    number = np.isfinite(found).sum(axis=1)
    row = np.arange(len(found))
    lower, upper = np.maximum(number - 1, 0) // 2, np.minimum(number // 2, found.shape[1] - 1)
    return np.where(number >= least, (found[row, lower] + found[row, upper]) / 2, np.nan)


def _before(numbers: NDArray[Any], count: int, filling: float) -> NDArray[Any]:
    """Return a view: for each number the `count` numbers before it."""
    padded = np.concatenate([np.full(count, filling, numbers.dtype), numbers])
    return np.lib.stride_tricks.sliding_window_view(padded, count)[:-1]


def _smoothed(values: Floats) -> Floats:
    padded = np.pad(values, _AROUND, constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * _AROUND + 1)
    finite = np.isfinite(windows)
    sums: Floats = np.where(finite, windows, 0).sum(axis=1)
    return sums / np.where(finite.any(axis=1), finite.sum(axis=1), np.nan)


def _levels(rest: Floats, period: float) -> Iterator[Floats]:
    """Yield the level of what the season leaves, averaged over less and less of the past."""
    memory, seen = rows(_MEMORY, period), finite_before(rest)
    middle, _ = mean_before(rest, memory, seen)
    spread, _ = mean_before(np.abs(rest - middle), memory)
    # What lies far out counts for less in a slow level, which would carry it for days.
    near = np.clip(rest, middle - 3 * spread, middle + 3 * spread)
    near = np.where(np.isnan(near), rest, near)
    for seconds in (WEEK, DAY, 3 * HOUR, HOUR // 2):
        count = rows(seconds, period, 6)
        level, number = mean_before(near if seconds >= DAY else rest, count, seen)
        enough = rows(DAY, period) if seconds > DAY else 1
        yield np.where(number >= min(count, enough), level, np.nan)
