"""Wanted alarms compared with existing ones: what to create, update and delete, in which order.

Only alarms whose names begin with the prefix are changed. A detector has no name: it is changed only
when an alarm of ours uses it, or used it, and no other does.
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
    detector_key,
    detector_name,
    detector_of,
    differences,
    is_composite,
)

CREATE, UPDATE, DELETE = "create", "update", "delete"
ALARM, COMPOSITE, DETECTOR = "alarm", "composite", "detector"


@dataclass(frozen=True)
class Wanted:
    """What shall be: definitions by name, detectors by key, and what of ours is to go."""

    prefix: str
    alarms: dict[str, Definition]
    detectors: dict[str, Definition]  # settings that are wanted; bands without an entry get CloudWatch's own
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
    """What the backend holds: all alarms whatever their names, and all detectors."""

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
        return {
            "verb": self.verb,
            "subject": self.subject,
            "name": self.name,
            "fields": [list(found) for found in self.fields],
            "before": self.before,
            "after": self.after,
            "why": self.why,
        }


@dataclass(frozen=True)
class Plan:
    """The changes in the order they are to be made, and what is left alone."""

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
            "create": self.count(CREATE),
            "update": self.count(UPDATE),
            "delete": self.count(DELETE),
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
    """Return what to do so that what exists is what is wanted.

    `prune` also deletes alarms under the prefix that no configuration names.
    """

    def managed(name: str) -> bool:
        return name.startswith(wanted.prefix) and name not in existing.foreign

    ours = {name: alarm for name, alarm in existing.alarms.items() if managed(name)}
    goal = {name: definition for name, definition in wanted.alarms.items() if managed(name)}
    extra = sorted(name for name in ours if name not in goal and name not in wanted.switched_off)
    gone = sorted(name for name in ours if name in wanted.switched_off and name not in goal)
    gone += extra if prune else []
    kept = {n: a.definition for n, a in existing.alarms.items() if n not in gone and n not in goal}

    first, last, notes = _detector_changes(wanted, existing, goal, ours, gone, kept)
    deletions = [_deletion(ours[name], name in wanted.switched_off) for name in gone]
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
    """Return creations and updates: what a composite depends on before the composite."""
    changes, freed = [], []
    for name in sorted(goal):
        after, before = goal[name], ours.get(name)
        subject = COMPOSITE if is_composite(after) else ALARM
        if before is None:
            changes.append(Change(CREATE, subject, name, after=after, tags=tags.get(name, {})))
        elif is_composite(before.definition) != is_composite(after):
            # One name cannot be both; it has to be free first.
            freed.append(_deletion(before, False, "it becomes another kind of alarm"))
            changes.append(Change(CREATE, subject, name, after=after, tags=tags.get(name, {})))
        elif fields := differences(before.definition, after) + _tag_differences(before, tags.get(name)):
            new_tags = tags.get(name, {}) if before.tags is not None else None
            changes.append(Change(UPDATE, subject, name, fields, before.definition, after, new_tags))
    return _parents_first(freed) + _children_first(changes)


def _tag_differences(before: ExistingAlarm, wanted: dict[str, str] | None) -> Differences:
    if before.tags is None or before.tags == (wanted or {}):
        return ()
    return (("Tags", before.tags, wanted or {}),)


def _deletion(alarm: ExistingAlarm, switched_off: bool, why: str = "") -> Change:
    subject = COMPOSITE if is_composite(alarm.definition) else ALARM
    why = why or ("it is switched off" if switched_off else "no configuration names it")
    return Change(DELETE, subject, alarm.name, before=alarm.definition, why=why)


def _children_first(changes: list[Change]) -> list[Change]:
    plain = [change for change in changes if change.subject != COMPOSITE]
    return plain + _by_depth([change for change in changes if change.subject == COMPOSITE])


def _parents_first(deletions: list[Change]) -> list[Change]:
    composites = _by_depth([change for change in deletions if change.subject == COMPOSITE])
    return composites[::-1] + [change for change in deletions if change.subject != COMPOSITE]


def _by_depth(changes: list[Change]) -> list[Change]:
    """Return the changes of composites, those first that depend on no other of them."""
    needed = {change.name: dependencies(change.after or change.before or {}) for change in changes}
    done: list[str] = []

    def visit(name: str, path: tuple[str, ...]) -> None:
        # A cycle cannot be ordered; validation refuses it, and what exists in one is taken as it comes.
        if name in needed and name not in done and name not in path:
            for child in needed[name]:
                visit(child, (*path, name))
            done.append(name)

    for name in sorted(needed):
        visit(name, ())
    return [change for name in done for change in changes if change.name == name]


def dependencies(definition: Definition) -> list[str]:
    """Return the names of the alarms a composite needs: its children and its suppressor."""
    try:
        composite_rules.parse(definition["AlarmRule"])
        names = composite_rules.children(definition["AlarmRule"])
    except composite_rules.BadRule:
        names = []
    suppressor = definition.get("ActionsSuppressor")
    return [*names, alarm_name(suppressor)] if suppressor else names


def _detector_changes(
    wanted: Wanted,
    existing: Existing,
    goal: dict[str, Definition],
    ours: dict[str, ExistingAlarm],
    gone: list[str],
    kept: dict[str, Definition],
) -> tuple[list[Change], list[Change], list[str]]:
    """Return (changes before the alarms, changes after them, notes)."""
    needed = {**_used(goal.values()), **wanted.detectors}
    others = {name: definition for name, definition in kept.items() if not name.startswith(wanted.prefix)}
    elsewhere = {key: name for name, definition in others.items() for key in _used([definition])}
    first, notes = [], []
    for key in sorted(needed, key=lambda key: detector_name(needed[key])):
        after, before = needed[key], existing.detectors.get(key)
        name = detector_name(after)
        if before is None:
            first.append(Change(CREATE, DETECTOR, name, after=after))
        elif key in wanted.detectors and (fields := detector_differences(before, after)):
            if key in elsewhere:
                notes.append(f"The detector of {name} is also used by {elsewhere[key]}; it is left as it is.")
            else:
                first.append(Change(UPDATE, DETECTOR, name, fields, before, after))
    # Those that our alarms leave behind now, or left behind when an earlier run was interrupted.
    changed = [alarm.definition for name, alarm in ours.items() if name in goal or name in gone]
    left = {*wanted.known_detectors, *_used(changed)} - {*needed, *_used(kept.values())}
    unused = [existing.detectors[key] for key in sorted(left) if key in existing.detectors]
    why = "no alarm uses it, and it is billed"
    last = [Change(DELETE, DETECTOR, detector_name(each), before=each, why=why) for each in unused]
    return first, last, notes


def _used(definitions: Iterable[Definition]) -> dict[str, Definition]:
    """Return the detectors that these alarms learn from, by key."""
    found = [detector_of(definition) for definition in definitions]
    return {detector_key(detector): detector for detector in found if detector}
