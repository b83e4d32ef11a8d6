"""Statistics of the datapoints before each datapoint."""

import numpy as np


def mean_before(values, count):
    """Return (mean, number) of the finite ones of the `count` values before each; NaN for none."""
    finite = np.isfinite(values)
    number = _sum_before(finite, count)
    total = _sum_before(np.where(finite, values, 0.0), count)
    return np.divide(total, number, out=np.full(len(values), np.nan), where=number > 0), number


def _sum_before(values, count):
    sums = np.concatenate([[0], np.cumsum(values)])[:-1]
    recent = sums.copy()
    recent[count:] -= sums[: max(len(sums) - count, 0)]
    return recent


def rows(seconds, period, least=1):
    """Return how many datapoints a stretch of time holds."""
    return max(least, round(seconds / period))
