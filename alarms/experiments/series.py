"""Pure: the article's metrics, made from a seed. One value a minute; places count minutes."""

from itertools import accumulate

import numpy as np

HOUR, DAY, WEEK = 60, 1440, 10_080
BEGIN = 1_767_571_200  # Monday 5 January 2026, 00:00 UTC

# CPU in percent for each minute of one run of the script that draws the skyline.
SKYLINE = np.repeat(
    [22, 35, 28, 48, 40, 62, 55, 70, 45, 88, 96, 88, 52, 66, 42, 75, 58, 38, 46, 26],
    [2, 3, 1, 2, 3, 2, 2, 1, 2, 2, 1, 2, 3, 2, 2, 2, 3, 2, 2, 2],
)
RUN = len(SKYLINE)  # 41 minutes
IDLE = 4

# Orders a minute at each hour of a day, and the weight of each day from Monday.
_DAY = [320, 260, 230, 220, 230, 290, 450, 800, 1250, 1650, 1950, 2200, 2400, 2350, 2200, 2100, 2150, 2300]
_DAY += [2500, 2600, 2300, 1700, 1000, 550]
_WEEK = [0.96, 0.97, 0.99, 1.0, 1.05, 1.12, 0.91]


def dice(rng, minutes):
    return rng.integers(1, 7, minutes).astype(float)


def skyline_loop(rng, minutes):
    """Return CPU of a script that sleeps half an hour after each run: a period of about 71 minutes."""
    starts, moment = [], 0.0
    while moment < minutes:
        starts.append(moment)
        # A run takes a few seconds more or less, so the period drifts as a real one does.
        moment += RUN + 30 + rng.normal(0, 5 / 60)
    return _cpu(rng, minutes, np.array(starts))


def skyline_every(rng, minutes, every=HOUR, skip=()):
    """Return CPU of the script started by cron; skip: numbers of the runs that did not start."""
    starts = np.arange(0, minutes, every, dtype=float)
    kept = np.delete(starts, [number for number in skip if number < len(starts)])
    return _cpu(rng, minutes, kept)


def orders(rng, minutes):
    """Return the coconut shop's orders a minute: a day and a week pattern, noise, slow drift of demand."""
    clock = np.arange(minutes)
    hour = np.interp(clock % DAY / HOUR, np.arange(25) + 0.5, [*_DAY, _DAY[0]], period=24)
    week = np.interp(clock % WEEK / DAY, np.arange(7) + 0.5, _WEEK, period=7)
    return rng.poisson(hour * week * _wandering(rng, minutes)).astype(float)


def changed(values, first, length, factor):
    """Return a copy in which `length` values are multiplied, rounded to whole ones."""
    return replaced(values, first, length, np.rint(values[first : first + length] * factor))


def replaced(values, first, length, value):
    values = values.copy()
    values[first : first + length] = value
    return values


def _cpu(rng, minutes, starts):
    """Return the CPU when runs begin at these moments (minutes, fractions allowed)."""
    values = np.full(minutes, float(IDLE))
    for start in starts:
        places = np.arange(max(int(np.ceil(start)), 0), min(int(np.ceil(start + RUN)), minutes))
        values[places] = SKYLINE[np.minimum((places - start).astype(int), RUN - 1)]
    noise = rng.normal(0, 1, minutes) * (0.4 + 0.015 * values)
    return np.clip(values + noise, 0, 100).round(2)


def _wandering(rng, minutes):
    """Return factors around 1 that drift over hours: demand is never exactly what it was last week."""
    keep = np.exp(-1 / 120)
    steps = rng.normal(0, 0.03 * np.sqrt(1 - keep**2), minutes)
    return np.exp(list(accumulate(steps, lambda level, step: keep * level + step, initial=0.0))[1:])
