"""Pure: what an alarm would have done to somebody's nights, for each width k and each M of N.

All arrays have one place per period, oldest first; NaN is a missing value or a band that is not
there yet. A false alarm is a change to ALARM outside every marked incident: what would have sent mail.
"""

from dataclasses import dataclass

import numpy as np

from alarms.analysis.bands.band import Band
from alarms.analysis.evaluation import Rule, alarm_starts, evaluate_all, outside
from alarms.cloudwatch.constants import ALARM, OK, STATES, WEEK

K_STEP = 0.25
K_TABLE = tuple(float(k) for k in np.arange(1, 10 + K_STEP, K_STEP))
M_OF_N = ((1, 1), (2, 2), (2, 3), (3, 3), (3, 5), (5, 5), (4, 6), (8, 10))


@dataclass(frozen=True)
class History:
    """A metric as an alarm would have seen it.

    values: floats, NaN missing; band: of the same places, None for a threshold; incidents: (first, last + 1)
    places; begin: the first place that is judged, before it is warm-up.
    """

    period: float
    values: np.ndarray
    band: Band | None = None
    incidents: tuple = ()
    begin: int = 0

    @property
    def weeks(self):
        """Return how many weeks are judged; what was not measured and incidents do not count."""
        judged = np.isfinite(self.values)
        judged[: self.begin] = False
        judged &= ~self.in_incident()
        return judged.sum() * self.period / WEEK

    def in_incident(self):
        inside = np.zeros(len(self.values), dtype=bool)
        for first, end in self.incidents:
            inside[max(first, 0) : end] = True
        return inside


@dataclass(frozen=True)
class Verdict:
    """What one setting would have done."""

    k: float | None
    m: int
    n: int
    false_alarms: int
    false_alarms_per_week: float
    worst_week: int
    time_in_alarm: float  # share of the judged time
    delays: tuple  # seconds from the start of each incident to ALARM; None = not noticed
    starts: tuple  # places at which it would have notified


def band_points(history, k, side="both"):
    """Return 1 breaching, 0 not, -1 missing for each value against the band of width k."""
    return outside(history.values, history.band.lower(k), history.band.upper(k), side)


def judge(history, points, rule, k=None):
    """Return the verdict on breaching points of the history under a rule."""
    states = evaluate_all(points, rule, OK)
    starts = alarm_starts(states, first=OK)
    ringing = states == STATES.index(ALARM)
    inside = history.in_incident()
    judged = np.arange(len(states)) >= history.begin
    false = starts[~_blamed(history, starts, rule) & (starts >= history.begin)]
    weeks = history.weeks
    calm = judged & ~inside
    return Verdict(
        k=k,
        m=rule.needed,
        n=rule.n,
        false_alarms=len(false),
        false_alarms_per_week=float(len(false) / weeks) if weeks else 0.0,
        worst_week=_worst_week(history, false),
        time_in_alarm=float(ringing[calm].mean()) if calm.any() else 0.0,
        delays=tuple(_delay(history, states, incident) for incident in history.incidents),
        starts=tuple(int(start) for start in starts if start >= history.begin),
    )


def k_table(history, rule, side="both", ks=K_TABLE):
    """Return the verdict for each width."""
    return [judge(history, band_points(history, k, side), rule, k) for k in ks]


def m_of_n_table(history, k, rule, side="both", pairs=M_OF_N):
    """Return the verdict for each M of N at one width."""
    points = band_points(history, k, side)
    rules = [Rule(n=n, m=m, missing=rule.missing, extra=rule.extra) for m, n in pairs]
    return [judge(history, points, each, k) for each in rules]


def smallest_k(table, budget):
    """Return the smallest width from which on the budget of false alarms a week is kept, or None."""
    return _first_from_which_on(table, lambda verdict: verdict.false_alarms_per_week <= budget)


def suggested_k(table, budget):
    """Return the width to take, or None when no width of the table will do.

    A rate seen in four weeks is a rough one: the mean may keep the budget because two bad weeks were
    followed by two good ones. So no single week may exceed it, and one step is added for the next.
    """
    quiet = _first_from_which_on(table, lambda verdict: verdict.worst_week <= budget)
    if quiet is None:
        return None
    return min([v.k for v in table if v.k > quiet], default=quiet)


def _first_from_which_on(table, keeps):
    """Return the smallest k such that it and every wider band keep; a lucky narrow one does not count."""
    found = None
    for verdict in sorted(table, key=lambda verdict: -verdict.k):
        if not keeps(verdict):
            break
        found = verdict.k
    return found


def _blamed(history, starts, rule):
    """Return which alarms belong to an incident: they began in it, or while its last points were in range."""
    blamed = np.zeros(len(starts), dtype=bool)
    for first, end in history.incidents:
        blamed |= (starts >= first) & (starts < end + rule.range)
    return blamed


def _delay(history, states, incident):
    first, end = incident
    ringing = np.flatnonzero(states[max(first, 0) : end] == STATES.index(ALARM))
    # The datapoint of a period is there when the period is over.
    return int((ringing[0] + 1) * history.period) if len(ringing) else None


def _worst_week(history, false):
    places = np.asarray(false) - history.begin
    counts = np.bincount((places * history.period // WEEK).astype(int)) if len(places) else [0]
    return int(max(counts))
