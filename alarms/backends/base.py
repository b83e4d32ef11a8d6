"""What plans, pages and commands need of a place where alarms live."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from alarms.cloudwatch.plan import Existing


class BackendError(Exception):
    """A call that was refused or did not get through; `code` is CloudWatch's own word for it."""

    def __init__(self, code, message):
        super().__init__(f"{message} ({code})")
        self.code = code


@dataclass(frozen=True)
class Transition:
    """An alarm changed its state."""

    alarm_name: str
    at: datetime
    old: str
    new: str
    reason: str = ""
    reason_data: dict = field(default_factory=dict)


class Backend(Protocol):
    """Names and definitions are as in alarms.cloudwatch.definitions; every method may raise BackendError."""

    name = ""

    def __init__(self, region=""):
        self.region = region

    def existing(self, detectors=True, tags=False):
        """Return all alarms, whatever their names, and all detectors unless `detectors` is False."""
        alarms, foreign = self.alarms(tags)
        return Existing(alarms, self.detectors() if detectors else {}, foreign)

    def alarms(self, tags=False):
        """Return ({name: ExistingAlarm}, names of kinds we never touch)."""

    def detectors(self):
        """Return {key: definition} of both kinds of detectors."""

    def detector_states(self):
        """Return {key: PENDING_TRAINING | TRAINED_INSUFFICIENT_DATA | TRAINED}."""

    def put_alarm(self, definition, tags):
        """Create the alarm, or replace it wholly; tags are only looked at when it is new."""

    def delete_alarm(self, name):
        """Delete the alarm; one that is gone already is no error."""

    def retag_alarm(self, name, tags):
        """Have the alarm carry these tags and no others."""

    def put_detector(self, definition): ...

    def delete_detector(self, definition):
        """Delete the detector; one that is gone already is no error."""

    def set_state(self, name, state, reason):
        """Put an alarm into a state until its next evaluation, to try what happens then."""

    def transitions(self, since, name=None):
        """Return the Transitions since a moment, of one alarm or of all, oldest first."""

    def put_mute(self, rule):
        """Create or replace a mute rule: a dict in PutAlarmMuteRule's shape."""

    def delete_mute(self, name): ...

    def put_data(self, namespace, data):
        """Publish up to 1000 data: dicts in the shape of PutMetricData's MetricData."""

    def statistics(self, metric, period, start, end):
        """Return [(start of period, value), …] of a metric and its statistic, oldest first.

        `metric` has namespace, name, dimensions (dict) and stat, as alarms.models.Metric; periods
        without data are left out.
        """
