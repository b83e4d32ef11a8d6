from dataclasses import dataclass, field
from datetime import datetime

from alarms.cloudwatch.plan import Existing


class BackendError(Exception):
    """A call that was refused or did not get through; `code` is CloudWatch's own word for it."""

    def __init__(self, code, message):
        super().__init__(f"{message} ({code})")
        self.code = code


@dataclass(frozen=True)
class Transition:
    alarm_name: str
    at: datetime
    old: str
    new: str
    reason: str = ""
    reason_data: dict = field(default_factory=dict)


class Backend:
    """A place where alarms live. Each has a name and these methods, which may raise BackendError:

    alarms(tags=False)            -> ({name: ExistingAlarm}, frozenset of the names of kinds we never touch)
    detectors()                   -> {key: definition} of both kinds
    detector_states()             -> {key: PENDING_TRAINING | TRAINED_INSUFFICIENT_DATA | TRAINED}
    put_alarm(definition, tags)   create or replace wholly; tags are only looked at when it is new
    put_detector(definition)      create or replace
    put_mute(rule)                create or replace; a dict in PutAlarmMuteRule's shape
    delete_alarm(name), delete_detector(definition), delete_mute(name)   no error when it is gone already
    retag_alarm(name, tags)       leave these tags and no others
    set_state(name, state, reason)   until the next evaluation, to try what happens then
    transitions(since, name=None) -> [Transition] of one alarm or of all, oldest first
    put_data(namespace, data)     up to 1000 dicts in the shape of PutMetricData's MetricData
    statistics(metric, period, start, end)   -> [(start of period, value), …], oldest first, without
        periods that have no data; `metric` has namespace, name, dimensions (dict) and stat

    Definitions are as in alarms.cloudwatch.definitions.
    """

    def __init__(self, region=""):
        self.region = region

    def existing(self, tags=False):
        alarms, foreign = self.alarms(tags)
        return Existing(alarms, self.detectors(), foreign)
