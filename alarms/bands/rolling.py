"""Statistics of the datapoints before each datapoint."""

import numpy as np


def mean_before(values, count):
    """Return (mean, number) of the finite ones of the `count` values before each; NaN for none."""
    finite = np.isfinite(values)
    sums = np.concatenate([[0.0], np.cumsum(np.where(finite, values, 0.0))])
    numbers = np.concatenate([[0], np.cumsum(finite)])
    end = np.arange(len(values))
    begin = np.maximum(end - count, 0)
    number = numbers[end] - numbers[begin]
    mean = (sums[end] - sums[begin]) / np.maximum(number, 1)
    return np.where(number > 0, mean, np.nan), number


def rows(seconds, period, least=1):
    """Return how many datapoints a stretch of time holds."""
    return max(least, round(seconds / period))
