from dataclasses import dataclass

from alarms.backends import backend_for
from alarms.cloudwatch.definitions import band_of
from alarms.cloudwatch.plan import Existing, Plan, plan
from alarms.config import configuration
from alarms.models import AlarmSet


@dataclass(frozen=True)
class Planned:
    """A plan and what it was made of; with problems there is no plan."""

    alarm_set: AlarmSet
    problems: list
    existing: Existing | None = None
    plan: Plan | None = None

    def as_json(self):
        return {
            "set": self.alarm_set.name,
            "prefix": self.alarm_set.prefix,
            "problems": [problem.as_json() for problem in self.problems],
            **(self.plan.as_json() if self.plan else {}),
        }


def plan_for(alarm_set, prune=False, tags=False):
    """Return what applying the set would do now; `tags` compares them too, by one call an alarm."""
    wanted, problems = configuration.load(alarm_set)
    if problems:
        return Planned(alarm_set, problems)
    backend = backend_for(alarm_set.region)
    alarms, foreign = backend.alarms(tags)
    ours = [alarm.definition for name, alarm in alarms.items() if name.startswith(wanted.prefix)]
    banded = wanted.detectors or wanted.known_detectors or any(map(band_of, [*ours, *wanted.alarms.values()]))
    existing = Existing(alarms, backend.detectors() if banded else {}, foreign)
    return Planned(alarm_set, [], existing, plan(wanted, existing, prune))
