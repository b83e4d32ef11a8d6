from dataclasses import dataclass

import numpy as np

from alarms.analysis.arrays import Floats, Places
from alarms.cloudwatch.constants import DAY, HOUR, WEEK

# Of the strongest repetition, how much its basic period must reach: every multiple of a period repeats, too.
_BASIC = 0.85


@dataclass(frozen=True)
class Period:
    seconds: float
    strength: float  # correlation with itself one period later, 0..1

    @property
    def season(self) -> str | None:
        """Return hourly, daily or weekly when a band of that season holds this period, else None.

        Dividing the week is not enough: nobody's loop of 71 minutes is meant by "weekly".
        """
        for name, length in (("hourly", HOUR), ("daily", DAY)):
            if round(length / self.seconds) >= 1 and _is_whole(length / self.seconds):
                return name
        return "weekly" if _is_whole(WEEK / self.seconds) and _is_whole(self.seconds / DAY) else None


def _is_whole(cycles: float) -> bool:
    # Drift of a fiftieth of a cycle each time is half a cycle within a month.
    return abs(cycles - round(cycles)) <= 0.02


def find_period(values: Floats, period: float) -> Period | None:
    """Return the Period of the values (NaN = missing, one every `period` seconds), or None."""
    correlation = _autocorrelation(values)
    longest = len(correlation) // 4
    peaks = _peaks(correlation[:longest])
    best = correlation[peaks].max(initial=0)
    # Below this a repetition is too weak to speak of; noise of a thousand points stays under a tenth.
    if best < 0.3:
        return None
    lag = peaks[correlation[peaks] >= _BASIC * best][0]
    return Period(_refined(correlation, lag, longest) * period, float(correlation[lag]))


def _autocorrelation(values: Floats) -> Floats:
    """Return the correlation of the values with themselves at each lag; 1 at lag 0."""
    known = np.isfinite(values)
    if known.sum() < 20:
        return np.zeros(0)
    low, high = np.nanquantile(values, [0.005, 0.995])
    # Single outliers would hide everything else.
    centred = np.where(known, np.clip(values, low, high), 0)
    centred = np.where(known, centred - centred[known].mean(), 0)
    size = 2 ** int(np.ceil(np.log2(2 * len(values))))
    products, pairs = (
        np.fft.irfft(np.abs(np.fft.rfft(each, size)) ** 2, size)[: len(values)]
        for each in (centred, known.astype(float))
    )
    if products[0] <= 0:
        return np.zeros(0)
    correlation: Floats = products / np.maximum(pairs, 1) * (pairs[0] / products[0])
    return correlation


def _peaks(correlation: Floats) -> Places:
    """Return the lags of the local maxima after the first fall below zero."""
    below = np.flatnonzero(correlation < 0)
    if not len(below):
        return below
    lags = np.arange(max(below[0], 2), len(correlation) - 1)
    here = correlation[lags]
    peaks: Places = lags[(here >= correlation[lags - 1]) & (here > correlation[lags + 1]) & (here > 0)]
    return peaks


def _refined(correlation: Floats, lag: int, longest: int) -> float:
    """Return the lag as a fraction of a place: a late multiple of it is where a small error shows."""
    exact = float(lag)
    for multiple in range(2, longest // lag):
        around, reach = round(exact * multiple), max(1, int(lag * 0.1))
        begin = max(around - reach, 0)
        window = correlation[begin : around + reach + 1]
        if not len(window) or window.max() < _BASIC * correlation[lag] * 0.5:
            break
        exact = (begin + int(window.argmax())) / multiple
    return exact


@dataclass(frozen=True)
class RegimeChange:
    before: Period
    after: Period
    since: int  # place of the change, roughly


def find_regime_change(values: Floats, period: float) -> RegimeChange | None:
    """Return how the repetition of the last days differs from that of the time before, or None."""
    for recent in (DAY, 2 * DAY, 4 * DAY, WEEK):
        places = int(recent / period)
        if places < 40 or len(values) < 3 * places:
            continue
        before, after = (find_period(part, period) for part in (values[:-places], values[-places:]))
        if (
            before
            and after
            and recent >= 6 * before.seconds
            and abs(after.seconds / before.seconds - 1) > 0.1
        ):
            return RegimeChange(before, after, len(values) - places)
    return None
