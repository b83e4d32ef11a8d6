"""What the doctor looks at and what it finds: plain values."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from alarms.analysis.alarm_spec import AlarmSpec
from alarms.analysis.backtest import History
from alarms.analysis.bands.band import Band
from alarms.cloudwatch.constants import DAY

NOTE, WARNING, ERROR = "note", "warning", "error"
SEVERITIES = (NOTE, WARNING, ERROR)


@dataclass(frozen=True)
class Fix:
    """What one click changes in the configuration; the next plan shows it before it is applied."""

    label: str
    do: str  # a key of alarms.doctor.fixes.FIXES
    values: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Finding:
    code: str
    severity: str
    message: str
    numbers: dict = field(default_factory=dict)
    fix: Fix | None = None


@dataclass(frozen=True)
class DoctorContext:
    spec: AlarmSpec
    values: np.ndarray  # one each period, NaN missing, oldest first
    band: Band | None = None
    role: str = "custom"
    guarded: frozenset = frozenset()  # roles that stand beside it on the same metric, itself included
    kind: str = "gauge"
    natural_min: float | None = None
    natural_max: float | None = None
    budget: float = 0.5  # false alarms a week
    actions: tuple = ()  # ARNs that are notified of ALARM
    actions_enabled: bool = True
    # ARN -> confirmed subscriptions, None = there is no such topic
    topics: dict = field(default_factory=dict)
    muted_for_ever: bool = False
    detector_state: str = ""
    fresh_threshold: float | None = None  # what the threshold's rule gives today
    threshold_age: float | None = None  # days since it was computed

    @cached_property
    def seen(self):
        return self.values[np.isfinite(self.values)]

    @cached_property
    def days(self):
        known = np.flatnonzero(np.isfinite(self.values))
        return (known[-1] - known[0] + 1) * self.spec.period / DAY if len(known) else 0.0

    @cached_property
    def history(self):
        """Return it for the backtest: the band has learnt from half of it, at most two weeks."""
        warm_up = min(len(self.values) // 2, int(14 * DAY / self.spec.period)) if self.band else 0
        return History(self.spec.period, self.values, self.band, begin=warm_up)

    @cached_property
    def last_week(self):
        """Return (expected, down, up) of the band, as far as it was known."""
        last = slice(-int(7 * DAY / self.spec.period), None)
        known = np.isfinite(self.band.expected[last])
        return [column[last][known] for column in (self.band.expected, self.band.down, self.band.up)]

    @cached_property
    def edges(self):
        """Return (lower, upper) of the last week as CloudWatch draws them: it knows no natural bounds."""
        expected, down, up = self.last_week
        return expected - self.spec.k * down, expected + self.spec.k * up

    @property
    def has_band(self):
        return self.spec.k is not None and self.band is not None and len(self.edges[0]) > 0

    @cached_property
    def worst_low(self):
        """Return the value that would mean "broken" on the low side: the nearest one below all others."""
        lowest = float(self.seen.min(initial=np.inf))
        if self.natural_min is not None and np.inf > lowest > self.natural_min:
            return self.natural_min
        if step := _step(self.seen):
            return lowest - step
        return 0.0 if self.natural_min is None and np.inf > lowest > 0 else None

    @cached_property
    def worst_high(self):
        highest = float(self.seen.max(initial=-np.inf))
        if self.natural_max is not None and -np.inf < highest < self.natural_max:
            return self.natural_max
        step = _step(self.seen)
        return highest + step if step else None


def _step(values):
    """Return the distance of neighbouring values of a metric that takes few (as a die does), or None."""
    distinct = np.unique(values)
    if not 2 <= len(distinct) <= 50 or len(values) < 10 * len(distinct):
        return None
    return float(np.diff(distinct).min())
