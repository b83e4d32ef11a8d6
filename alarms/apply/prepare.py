"""A set's plan against the configured backend, as it is at this moment."""

from dataclasses import dataclass

from alarms.backends import backend_for
from alarms.cloudwatch.definitions import band_of
from alarms.cloudwatch.plan import Existing, Plan, Wanted, plan
from alarms.config import configuration


@dataclass(frozen=True)
class Planned:
    """A plan and what it was made of; with problems there is no plan."""

    alarm_set: object
    wanted: Wanted
    existing: Existing | None
    plan: Plan | None
    problems: list

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
        return Planned(alarm_set, wanted, None, None, problems)
    existing = read_existing(backend_for(alarm_set.region), wanted, tags)
    return Planned(alarm_set, wanted, existing, plan(wanted, existing, prune), [])


def read_existing(backend, wanted, tags=False):
    """Return what exists, with detectors only when there are bands on either side."""
    existing = backend.existing(detectors=False, tags=tags)
    ours = [a.definition for n, a in existing.alarms.items() if n.startswith(wanted.prefix)]
    if wanted.detectors or wanted.known_detectors or any(map(band_of, [*ours, *wanted.alarms.values()])):
        existing = Existing(existing.alarms, backend.detectors(), existing.foreign)
    return existing
