"""Pure: what a raw detector response means for a photo's labels, by rules that are data.

A label is shown, hidden, called something else, or kept back until a person has looked.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any

from labels.text.names import fold

MAX_NAME = 100
ACTIVE, SUGGESTED, REVIEW, HIDDEN = "active", "suggested", "review", "hidden"
# Of two answers about one label the more open one counts.
OPENNESS = {ACTIVE: 3, REVIEW: 2, SUGGESTED: 1, HIDDEN: 0}

ACCEPT, HIDE, REPLACE = "accept", "hide", "replace"
ROLL_UP, DROP_CHILDREN, TO_REVIEW = "roll_up", "drop_children", "review"
LABEL, CATEGORY, ANCESTOR, GLOB = "label", "category", "ancestor", "glob"
PHOTO, GRAPHIC = "photo", "graphic"
# Formats of cameras, as labels.pictures.decoding names them; what comes in another one, without a word from
# a camera, was drawn or is a screenshot.
_CAMERA_FORMATS = {"JPEG", "HEIC", "TIFF"}


@dataclass(frozen=True)
class Rule:
    """Of the enabled rules, in order, the first that matches a label decides about it.

    `detector` and `version` are globs, empty for any. Below `min_confidence` percent what the rule lets
    through is only a suggestion (None: the limit of the whole library). The largest box of the label must
    have at least `min_box_area`, a share of the picture.
    """

    name: str
    action: str
    patterns: tuple[str, ...]
    match: str = LABEL
    pk: int | None = None
    target: str = ""
    min_confidence: float | None = None
    detector: str = ""
    version: str = ""
    requires_any: tuple[str, ...] = ()
    unless_any: tuple[str, ...] = ()
    min_box_area: float | None = None
    photo_is: str = ""

    @cached_property
    def keys(self) -> frozenset[str]:
        return frozenset(map(fold, self.patterns))


@dataclass(frozen=True)
class Setting:
    """What rules may ask about besides the label: who answered, and what kind of picture it was."""

    detector: str = ""
    version: str = ""
    photo_is: str = PHOTO


@dataclass(frozen=True)
class Decision:
    """One label of one photo: what becomes of it, and the rule that said so (None: the limit alone)."""

    name: str
    confidence: float
    outcome: str
    parents: tuple[str, ...] = ()
    category: str = ""
    aliases: tuple[str, ...] = ()
    rule: Rule | None = None
    why: str = ""

    @property
    def active(self) -> bool:
        return self.outcome == ACTIVE


@dataclass(frozen=True)
class SeenLabel:
    """A label of a response, cleaned. `areas` are those of its boxes, as shares of the picture."""

    name: str
    confidence: float
    parents: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    areas: tuple[float, ...] = ()

    @cached_property
    def key(self) -> str:
        return fold(self.name)


@dataclass
class _Case:
    """Everything one response is judged by, and what was found so far: {key: Decision}."""

    seen: dict[str, SeenLabel]
    rules: tuple[Rule, ...]
    setting: Setting
    min_confidence: float
    found: dict[str, Decision] = field(default_factory=dict)

    def rule_for(self, label: SeenLabel) -> Rule | None:
        return next((rule for rule in self.rules if _applies(rule, label, self)), None)

    def put(self, decision: Decision) -> None:
        """Keep the decision unless a more open one, or as open and as sure, is known."""
        key = fold(decision.name)
        known = self.found.get(key)
        if known is None or _rank(known) < _rank(decision):
            self.found[key] = decision


def decide(
    response: Mapping[str, Any],
    min_confidence: float,
    rules: Iterable[Rule] = (),
    setting: Setting | None = None,
) -> list[Decision]:
    """Return the decisions on a response in DetectLabels' shape, the surest first.

    Without a rule a label is active from `min_confidence` percent on. A name that comes twice counts
    once, at its higher confidence; a blank one, or one over MAX_NAME characters, is no label.
    """
    case = _Case(_read(response), tuple(rules), setting or Setting(), min_confidence)
    for label in case.seen.values():
        _decide_one(label, case)
    _drop_children(case)
    _hide_parents(case)
    return sorted(case.found.values(), key=lambda decision: (-decision.confidence, decision.name))


def photo_kind(format_name: str, camera: str, response: Mapping[str, Any]) -> str:
    """Return PHOTO or GRAPHIC: what the local detector measured, else what format and camera suggest."""
    if any(fold(label["Name"]) == "graphic" for label in _named(response, "Labels")):
        return GRAPHIC
    return PHOTO if camera or format_name in _CAMERA_FORMATS else GRAPHIC


def bars(rules: Iterable[Rule], name: str, category: str = "", ancestors: Iterable[str] = ()) -> bool:
    """Return whether a rule keeps this label from being shown merely because a child of it is."""
    label = SeenLabel(name, 100.0, tuple(ancestors), (category,) if category else ())
    rule = next((rule for rule in rules if matches(rule, label)), None)
    return rule is not None and rule.action not in (ACCEPT, DROP_CHILDREN)


def _read(response: Mapping[str, Any]) -> dict[str, SeenLabel]:
    seen: dict[str, SeenLabel] = {}
    for raw in _named(response, "Labels"):
        name, confidence = clean_name(raw["Name"]), raw.get("Confidence")
        if not name or not isinstance(confidence, int | float) or not math.isfinite(confidence):
            continue
        label = SeenLabel(
            name,
            float(confidence),
            parents=_names(raw, "Parents"),
            categories=_names(raw, "Categories"),
            aliases=_names(raw, "Aliases"),
            areas=tuple(_area(instance) for instance in raw.get("Instances") or [] if instance),
        )
        if label.key not in seen or seen[label.key].confidence < label.confidence:
            seen[label.key] = label
    return seen


def _decide_one(
    label: SeenLabel, case: _Case, via: Rule | None = None, why: str = "", trail: frozenset[str] = frozenset()
) -> None:
    """Put the decision on a label, and on what its rule makes of it; `via` is the rule that named it."""
    rule = case.rule_for(label)
    # A circle that validation could not see ends where it closes.
    if rule and rule.action in (REPLACE, ROLL_UP) and label.key not in trail:
        targets = (rule.target,) if rule.target else _nearest(label, case)
        verb = "replaced by" if rule.action == REPLACE else "rolled up to"
        what = f"{verb} {', '.join(targets)}" if targets else "nothing to roll up to"
        case.put(_decision(label, HIDDEN, rule, what))
        for name in targets:
            known = case.seen.get(fold(name), SeenLabel(name, 0.0))
            raised = replace(known, confidence=label.confidence)
            _decide_one(raised, case, rule, f"from {label.name}", trail | {label.key})
        return
    limits = (one.min_confidence for one in (rule, via) if one and one.min_confidence is not None)
    enough = label.confidence >= next(limits, case.min_confidence)
    if rule and rule.action == HIDE:
        case.put(_decision(label, HIDDEN, rule, "hidden"))
    elif rule and rule.action == TO_REVIEW:
        outcome, what = (REVIEW, "kept for review") if enough else (HIDDEN, "too unsure")
        case.put(_decision(label, outcome, rule, what))
    else:
        case.put(_decision(label, ACTIVE if enough else SUGGESTED, rule or via, why))


def _drop_children(case: _Case) -> None:
    for parent in case.seen.values():
        rule = case.rule_for(parent)
        if rule and rule.action == DROP_CHILDREN:
            for child in case.seen.values():
                if parent.key in map(fold, child.parents):
                    case.found[child.key] = _decision(child, HIDDEN, rule, f"dropped below {parent.name}")


def _hide_parents(case: _Case) -> None:
    """Hide a parent that is there only because of hidden children, or keep it for review with them.

    Seen on its own it stays: surer than its children, with a box, with a rule, or with another child.
    """
    gone = {
        key: decision
        for key, decision in case.found.items()
        if decision.rule and decision.rule.action in (HIDE, TO_REVIEW, DROP_CHILDREN)
        and decision.outcome in (HIDDEN, REVIEW)
    }  # fmt: skip
    children: dict[str, set[str]] = defaultdict(set)
    for label in case.seen.values():
        for parent in label.parents:
            if fold(parent) in case.seen:
                children[fold(parent)].add(label.key)
    while alone := [key for key in children.keys() - gone.keys() if children[key] <= gone.keys()]:
        for key in alone:
            label, below = case.seen[key], children.pop(key)
            surest = max(case.seen[child].confidence for child in below)
            if not label.areas and case.found[key].rule is None and label.confidence <= surest:
                first = max((gone[child] for child in below), key=_rank)
                gone[key] = _decision(label, first.outcome, first.rule, f"only seen as {first.name}")
                case.found[key] = gone[key]


def _applies(rule: Rule, label: SeenLabel, case: _Case) -> bool:
    setting = case.setting
    return (
        matches(rule, label)
        and fnmatchcase(setting.detector, rule.detector or "*")
        and fnmatchcase(setting.version, rule.version or "*")
        and rule.photo_is in ("", setting.photo_is)
        and (rule.min_box_area is None or max(label.areas, default=0.0) >= rule.min_box_area)
        and (not rule.requires_any or any(fold(name) in case.seen for name in rule.requires_any))
        and not any(fold(name) in case.seen for name in rule.unless_any)
    )


def matches(rule: Rule, label: SeenLabel) -> bool:
    if rule.match == LABEL:
        return label.key in rule.keys
    if rule.match == CATEGORY:
        return any(fold(category) in rule.keys for category in label.categories)
    if rule.match == ANCESTOR:
        return any(fold(parent) in rule.keys for parent in label.parents)
    return any(fnmatchcase(label.key, key) for key in rule.keys)


def _nearest(label: SeenLabel, case: _Case) -> tuple[str, ...]:
    """Return the parents of a label that are no ancestors of another parent of it."""
    above = {
        fold(name)
        for parent in label.parents
        for name in case.seen.get(fold(parent), SeenLabel("", 0)).parents
    }
    return tuple(name for name in label.parents if fold(name) not in above) or label.parents


def _decision(label: SeenLabel, outcome: str, rule: Rule | None, why: str) -> Decision:
    category = label.categories[0] if label.categories else ""
    return Decision(label.name, label.confidence, outcome, label.parents, category, label.aliases, rule, why)


def _rank(decision: Decision) -> tuple[int, float, bool]:
    # What was seen counts before what a rule made of something else.
    return OPENNESS[decision.outcome], decision.confidence, decision.rule is None


def _area(instance: Mapping[str, Any]) -> float:
    box = instance.get("BoundingBox") or {}
    return float(box.get("Width") or 0) * float(box.get("Height") or 0)


def _named(answer: Mapping[str, Any], field_name: str) -> list[Any]:
    """Return the named things of a list; an answer is kept as it came, and what is malformed left out."""
    return [row for row in answer.get(field_name) or [] if row and isinstance(row.get("Name"), str)]


def _names(raw: Mapping[str, Any], field_name: str) -> tuple[str, ...]:
    return tuple(filter(None, (clean_name(item["Name"]) for item in _named(raw, field_name))))


def clean_name(name: str) -> str:
    """Return the name with single spaces, or "" when it is none; folding may make it longer."""
    name = " ".join(name.split())
    return name if max(len(name), len(fold(name))) <= MAX_NAME else ""
