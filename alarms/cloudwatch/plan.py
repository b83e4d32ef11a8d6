"""Wanted alarms compared with existing ones: what to create, update and delete, in which order.

Only alarms whose names begin with the prefix are changed, and detectors, which have no names, only when an
alarm of ours uses them, or used them, and no other does.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from alarms.cloudwatch import composite_rules, cost
from alarms.cloudwatch.definitions import (
    Definition,
    Differences,
    alarm_name,
    detector_differences,
    detector_name,
    detectors_of,
    differences,
    is_composite,
)

CREATE, UPDATE, DELETE = "create", "update", "delete"
ALARM, COMPOSITE, DETECTOR = "alarm", "composite", "detector"


@dataclass(frozen=True)
class Wanted:
    prefix: str
    alarms: dict[str, Definition]  # by name
    # By key: settings that are wanted; bands without an entry get CloudWatch's own.
    detectors: dict[str, Definition]
    switched_off: frozenset[str] = frozenset()  # names of alarms that are configured, but not to exist
    known_detectors: frozenset[str] = frozenset()  # keys of detectors that once were ours
    tags: dict[str, dict[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class ExistingAlarm:
    definition: Definition
    arn: str = ""
    state: str = ""
    reason: str = ""
    state_at: object = None
    tags: dict[str, str] | None = None  # None: not fetched

    @property
    def name(self) -> str:
        return str(self.definition["AlarmName"])


@dataclass(frozen=True)
class Existing:
    alarms: dict[str, ExistingAlarm]
    detectors: dict[str, Definition]
    foreign: frozenset[str] = frozenset()  # names of kinds that are never touched: log and PromQL alarms


@dataclass(frozen=True)
class Change:
    verb: str
    subject: str
    name: str
    fields: Differences = ()  # of an update
    before: Definition | None = None
    after: Definition | None = None
    tags: dict[str, str] | None = None  # wanted ones; None leaves them alone
    why: str = ""

    def as_json(self) -> dict[str, Any]:
        found = {name: value for name, value in vars(self).items() if name != "tags"}
        return {**found, "fields": [list(difference) for difference in self.fields]}


@dataclass(frozen=True)
class Plan:
    changes: tuple[Change, ...]
    unmanaged: tuple[str, ...]  # under the prefix, and not in the configuration
    notes: tuple[str, ...]
    cost_before: float
    cost_after: float

    @property
    def fingerprint(self) -> str:
        """Return a short text that is another as soon as anything in the plan is."""
        content = [change.as_json() for change in self.changes]
        return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()

    def count(self, verb: str) -> int:
        return sum(1 for change in self.changes if change.verb == verb)

    def as_json(self) -> dict[str, Any]:
        return {
            "changes": [change.as_json() for change in self.changes],
            **{verb: self.count(verb) for verb in (CREATE, UPDATE, DELETE)},
            "unmanaged": list(self.unmanaged),
            "notes": list(self.notes),
            "cost": {
                "before": self.cost_before,
                "after": self.cost_after,
                "change": round(self.cost_after - self.cost_before, 2),
                "unit": "USD/month",
            },
            "fingerprint": self.fingerprint,
        }


def plan(wanted: Wanted, existing: Existing, prune: bool = False) -> Plan:
    """Return the Plan; `prune` also deletes alarms under the prefix that no configuration names."""

    def managed(name: str) -> bool:
        return name.startswith(wanted.prefix) and name not in existing.foreign

    ours = {name: alarm for name, alarm in existing.alarms.items() if managed(name)}
    goal = {name: definition for name, definition in wanted.alarms.items() if managed(name)}
    extra = sorted(name for name in ours if name not in goal and name not in wanted.switched_off)
    gone = sorted(name for name in ours if name in wanted.switched_off and name not in goal)
    gone += extra if prune else []
    kept = {n: a.definition for n, a in existing.alarms.items() if n not in gone and n not in goal}

    changed = [alarm.definition for name, alarm in ours.items() if name in goal or name in gone]
    first, last, notes = _detector_changes(wanted, existing.detectors, goal.values(), changed, kept)
    deletions = []
    for name in gone:
        why = "it is switched off" if name in wanted.switched_off else "no configuration names it"
        deletions.append(_deletion(ours[name], why))
    left_alone = [name for name in sorted(existing.foreign) if name.startswith(wanted.prefix)]
    notes += [f"{name} is a log or PromQL alarm; those are left alone." for name in left_alone]
    after = {**{n: d for n, d in kept.items() if n in ours}, **goal}
    return Plan(
        changes=(*first, *_alarm_changes(goal, ours, wanted.tags), *_parents_first(deletions), *last),
        unmanaged=() if prune else tuple(extra),
        notes=tuple(notes),
        cost_before=cost.total(alarm.definition for alarm in ours.values()),
        cost_after=cost.total(after.values()),
    )


def _alarm_changes(
    goal: dict[str, Definition], ours: dict[str, ExistingAlarm], tags: dict[str, dict[str, str]]
) -> list[Change]:
    changes, freed = [], []
    for name in sorted(goal):
        after, before, wanted = goal[name], ours.get(name), tags.get(name, {})
        subject = _subject(after)
        if before and is_composite(before.definition) != is_composite(after):
            # One name cannot be both; it has to be free first.
            freed.append(_deletion(before, "it becomes another kind of alarm"))
            before = None
        if before is None:
            changes.append(Change(CREATE, subject, name, after=after, tags=wanted))
            continue
        fields = differences(before.definition, after)
        if before.tags not in (None, wanted):
            fields += (("Tags", before.tags, wanted),)
        if fields:
            new_tags = None if before.tags is None else wanted
            changes.append(Change(UPDATE, subject, name, fields, before.definition, after, new_tags))
    plain, composites = _by_depth(changes)
    return _parents_first(freed) + plain + composites


def _subject(definition: Definition) -> str:
    return COMPOSITE if is_composite(definition) else ALARM


def _deletion(alarm: ExistingAlarm, why: str) -> Change:
    return Change(DELETE, _subject(alarm.definition), alarm.name, before=alarm.definition, why=why)


def _parents_first(deletions: list[Change]) -> list[Change]:
    plain, composites = _by_depth(deletions)
    return composites[::-1] + plain


def _by_depth(changes: list[Change]) -> tuple[list[Change], list[Change]]:
    """Return (those of plain alarms, those of composites: first what depends on no other of them)."""
    plain = [change for change in changes if change.subject != COMPOSITE]
    composites = [change for change in changes if change.subject == COMPOSITE]
    needed = {change.name: dependencies(change.after or change.before or {}) for change in composites}
    done: list[str] = []

    def visit(name: str, path: tuple[str, ...]) -> None:
        # A cycle cannot be ordered; validation refuses it, and what exists in one is taken as it comes.
        if name in needed and name not in done and name not in path:
            for child in needed[name]:
                visit(child, (*path, name))
            done.append(name)

    for name in sorted(needed):
        visit(name, ())
    return plain, sorted(composites, key=lambda change: done.index(change.name))


def dependencies(definition: Definition) -> list[str]:
    """Return the names of the alarms a composite needs: its children and its suppressor."""
    rule = definition["AlarmRule"]
    try:
        composite_rules.parse(rule)
        names = composite_rules.children(rule)
    except composite_rules.BadRule:
        names = []
    suppressor = definition.get("ActionsSuppressor")
    return [*names, alarm_name(suppressor)] if suppressor else names


def _detector_changes(
    wanted: Wanted,
    existing: dict[str, Definition],
    goal: Iterable[Definition],
    changed: list[Definition],
    kept: dict[str, Definition],
) -> tuple[list[Change], list[Change], list[str]]:
    """Return (changes before the alarms, changes after them, notes)."""
    needed = {**detectors_of(goal), **wanted.detectors}
    others = {name: definition for name, definition in kept.items() if not name.startswith(wanted.prefix)}
    elsewhere = {key: name for name, definition in others.items() for key in detectors_of([definition])}
    first, notes = [], []
    for key in sorted(needed, key=lambda key: detector_name(needed[key])):
        after, before = needed[key], existing.get(key)
        name = detector_name(after)
        if before is None:
            first.append(Change(CREATE, DETECTOR, name, after=after))
        elif key in wanted.detectors and (fields := detector_differences(before, after)):
            if key in elsewhere:
                notes.append(f"The detector of {name} is also used by {elsewhere[key]}; it is left as it is.")
            else:
                first.append(Change(UPDATE, DETECTOR, name, fields, before, after))
    # Those that our alarms leave behind now, or left behind when an earlier run was interrupted.
    left = {*wanted.known_detectors, *detectors_of(changed)} - {*needed, *detectors_of(kept.values())}
    unused = [existing[key] for key in sorted(left & existing.keys())]
    why = "no alarm uses it, and it is billed"
    last = [Change(DELETE, DETECTOR, detector_name(each), before=each, why=why) for each in unused]
    return first, last, notes
