from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from alarms.analysis.arrays import Codes, Flags, Floats, Places
from alarms.analysis.bands.band import Band, walk_forward
from alarms.analysis.evaluation import Rule, alarm_starts, evaluate_all, outside
from alarms.cloudwatch.constants import ALARM, DEFAULT_K, HOUR, OK, STATES

# An alarm that comes back this soon after it was over is the same trouble, not a new one.
QUIET = 6 * HOUR


@dataclass(frozen=True)
class Score:
    """The band, and for each datapoint whether it is outside and whether it newly notifies."""

    band: Band
    breaching: Flags
    notified: Flags


def usual_m_of_n(period: float) -> tuple[int, int]:
    """Return (M, N) for datapoints of so many seconds.

    A longer datapoint has averaged out more of chance, and M of them keep somebody waiting for longer.
    """
    if period < 300:
        return 3, 5
    return (2, 3) if period < HOUR else (1, 1)


def score(
    timestamps: ArrayLike,
    values: ArrayLike,
    k: float = DEFAULT_K,
    m: int | None = None,
    n: int | None = None,
    quiet: float = QUIET,
    **options: Any,
) -> Score:
    """Return the Score; `options` are those of `walk_forward`, M and N by default usual for the period."""
    band = walk_forward(timestamps, values, **options)
    usual_m, usual_n = usual_m_of_n(band.period)
    n = max(usual_n, m or 1) if n is None else n
    rule = Rule(n=n, m=min(usual_m, n) if m is None else m, missing="ignore")
    points = outside(band.values, band.lower(k), band.upper(k))
    states = evaluate_all(points, rule, OK)
    notified = np.zeros(len(points), dtype=bool)
    notified[notifications(band.timestamps, states, quiet)] = True
    return Score(band, points == 1, notified)


def notifications(timestamps: Floats, states: Codes, quiet: float = QUIET) -> Places:
    """Return the places at which the alarm notifies: it goes to ALARM after `quiet` seconds out of it."""
    starts = alarm_starts(states, first=OK)
    ends = np.flatnonzero(np.diff((np.asarray(states) == STATES.index(ALARM)).astype(int)) < 0) + 1
    # When the alarm was last over before each start.
    over = np.concatenate([[-np.inf], timestamps[ends]])[: len(starts)]
    notified: Places = starts[timestamps[starts] - over >= quiet]
    return notified
