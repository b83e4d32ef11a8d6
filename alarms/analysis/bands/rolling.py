from typing import Any

import numpy as np
from numpy.typing import NDArray

from alarms.analysis.arrays import Floats

Numbers = NDArray[Any]


def mean_before(values: Floats, count: int, seen: Numbers | None = None) -> tuple[Floats, Numbers]:
    """Return (mean, number) of the finite ones of the `count` values before each; NaN for none.

    `seen`: `finite_before` of anything finite in the same places, counted once for several calls.
    """
    finite = np.isfinite(values)
    number = _last(finite_before(values) if seen is None else seen, count)
    total = _last(_before(values if finite.all() else np.where(finite, values, 0.0)), count)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean: Floats = total / number
    mean[number == 0] = np.nan
    return mean, number


def finite_before(values: Floats) -> Numbers:
    return _before(np.isfinite(values))


def _before(values: Numbers) -> Numbers:
    """Return the sum of all values before each."""
    sums = np.zeros(len(values), dtype=int if values.dtype == bool else values.dtype)
    np.cumsum(values[:-1], out=sums[1:])
    return sums


def _last(sums: Numbers, count: int) -> Numbers:
    recent = sums.copy()
    recent[count:] -= sums[: max(len(sums) - count, 0)]
    return recent


def rows(seconds: float, period: float, least: int = 1) -> int:
    return max(least, round(seconds / period))
