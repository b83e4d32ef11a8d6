"""Pure: what a raw detector response means for a photo's labels, by rules that are data.

A rule never changes what the detector said. It says what becomes of it: shown, hidden, called
something else, or kept back until a person has looked. Every decision names the rule that made it.
"""

import math
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

from labels.text.names import fold

MAX_NAME = 100
ACTIVE, SUGGESTED, REVIEW, HIDDEN = "active", "suggested", "review", "hidden"
# Of two answers about one label the more open one counts.
_OPENNESS = {ACTIVE: 3, REVIEW: 2, SUGGESTED: 1, HIDDEN: 0}

ACCEPT, HIDE, REPLACE, ROLL_UP, DROP_CHILDREN, TO_REVIEW = (
    "accept",
    "hide",
    "replace",
    "roll_up",
    "drop_children",
    "review",
)
LABEL, CATEGORY, ANCESTOR, GLOB = "label", "category", "ancestor", "glob"
PHOTO, GRAPHIC = "photo", "graphic"
# Formats of cameras; what comes in another one, without a word from a camera, was drawn or is a screenshot.
# As intake names them (labels.pictures.decoding.FORMATS); an MPO is a JPEG there.
_CAMERA_FORMATS = {"JPEG", "HEIC", "TIFF"}


@dataclass(frozen=True)
class Rule:
    """Of the enabled rules, in order, the first that matches a label decides about it.

    `patterns`, `target` and the lists of co-detected labels hold names as they are written; `detector`
    and `version` are globs, empty for any. `min_confidence` is percent: below it what the rule lets
    through is only a suggestion (None: the limit of the whole library). `min_box_area` is a share of
    the picture, 0 to 1: the rule applies when the largest box of the label is at least as large.
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
    def active(self):
        return self.outcome == ACTIVE


@dataclass(frozen=True)
class _Seen:
    """A label of the response, cleaned."""

    name: str
    confidence: float
    parents: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    areas: tuple[float, ...] = ()

    @property
    def key(self):
        return fold(self.name)


@dataclass
class _Case:
    """Everything one response is judged by, and what was found so far: {key: Decision}."""

    seen: dict[str, _Seen]
    rules: tuple[Rule, ...]
    setting: Setting
    min_confidence: float
    found: dict[str, Decision] = field(default_factory=dict)

    def rule_for(self, label):
        return next((rule for rule in self.rules if _applies(rule, label, self)), None)

    def put(self, decision):
        """Keep the decision unless a more open one, or as open and as sure, is known."""
        key = fold(decision.name)
        known = self.found.get(key)
        if known is None or _rank(known) < _rank(decision):
            self.found[key] = decision


def decide(response, min_confidence, rules=(), setting=None):
    """Return the decisions on a response in DetectLabels' shape, the surest first.

    Without a rule a label is active from `min_confidence` percent on. A name that comes twice counts
    once, at its higher confidence; a blank one, or one over MAX_NAME characters, is no label.
    """
    case = _Case(_read(response), tuple(rules), setting or Setting(), min_confidence)
    for label in case.seen.values():
        _judge(label, case)
    _drop_children(case)
    _take_parents_along(case)
    return sorted(case.found.values(), key=lambda decision: (-decision.confidence, decision.name))


def photo_kind(format_name, camera, response):
    """Return PHOTO or GRAPHIC: what the local detector measured, else what format and camera suggest."""
    if any(fold(label["Name"]) == "graphic" for label in _named(response, "Labels")):
        return GRAPHIC
    return PHOTO if camera or format_name in _CAMERA_FORMATS else GRAPHIC


def bars(rules, name, category="", ancestors=()):
    """Return whether a rule keeps this label from being shown merely because a child of it is."""
    label = _Seen(name, 100.0, tuple(ancestors), (category,) if category else ())
    rule = next((rule for rule in rules if _matches(rule, label)), None)
    return rule is not None and rule.action not in (ACCEPT, DROP_CHILDREN)


def problems(rule, others=(), is_known=lambda name: True, place=lambda name: ((), ())):
    """Return [(field, what is wrong)] of a rule beside the others that are in force with it.

    `place(name)` returns (names above it, categories) of a label.
    """
    wrong = [("patterns", "Name at least one label.")] if not any(map(_clean, rule.patterns)) else []
    wrong += _out_of_range(rule)
    if rule.action == REPLACE and not _clean(rule.target):
        wrong.append(("target", "Say by which label it is replaced."))
    elif rule.target and rule.action not in (REPLACE, ROLL_UP):
        wrong.append(("target", "Only labels that are replaced or rolled up have a target."))
    elif rule.target and not is_known(rule.target):
        wrong.append(("target", f"No label is called “{rule.target}”. Choose one that exists."))
    elif rule.target and (circle := _circle(rule, others, place)):
        wrong.append(("target", f"This would go round in a circle: {' → '.join(circle)}."))
    both = {fold(n) for n in rule.requires_any} & {fold(n) for n in rule.unless_any}
    if both:
        wrong.append(("unless_any", f"Both required and excluded: {', '.join(sorted(both))}."))
    return wrong


def _out_of_range(rule):
    limits = (
        ("min_confidence", 100, "0 to 100 percent"),
        ("min_box_area", 1, "0 to 1, a share of the picture"),
    )
    return [
        (name, f"{value:g} is out of range; it may be {words}.")
        for name, most, words in limits
        if (value := getattr(rule, name)) is not None and not 0 <= value <= most
    ]


def _circle(rule, others, place):
    """Return the names of a circle of replacements that this rule closes, or ()."""
    moves = [r for r in (*others, rule) if r.target and r.action in (REPLACE, ROLL_UP)]
    path, name = [rule.target], rule.target
    while True:
        label = _Seen(name, 100.0, *place(name))
        step = next((r for r in moves if _matches(r, label)), None)
        # A category rolled up to a label of that very category comes to rest there.
        if step is None or (step.match in (CATEGORY, ANCESTOR) and fold(step.target) == label.key):
            return ()
        name = step.target
        path.append(name)
        if fold(name) in {fold(before) for before in path[:-1]}:
            return tuple(path)


def _read(response):
    """Return {key: _Seen} of the labels in a response."""
    seen = {}
    for raw in _named(response, "Labels"):
        name = _clean(raw["Name"])
        if not name or not _is_number(raw.get("Confidence")):
            continue
        label = _Seen(
            name,
            float(raw["Confidence"]),
            parents=_names(raw, "Parents"),
            categories=_names(raw, "Categories"),
            aliases=_names(raw, "Aliases"),
            areas=tuple(_area(instance) for instance in raw.get("Instances") or [] if instance),
        )
        if label.key not in seen or seen[label.key].confidence < label.confidence:
            seen[label.key] = label
    return seen


def _judge(label, case, via=None, why="", trail=frozenset()):
    """Put the decision on a label, and on what its rule makes of it; `via` is the rule that named it."""
    rule = case.rule_for(label)
    action = rule.action if rule else ACCEPT
    # A circle that validation could not see ends where it closes.
    if action in (REPLACE, ROLL_UP) and label.key not in trail:
        targets = (rule.target,) if rule.target else _nearest(label, case)
        verb = "replaced by" if action == REPLACE else "rolled up to"
        said = f"{verb} {', '.join(targets)}" if targets else "nothing to roll up to"
        case.put(_decision(label, HIDDEN, rule, said))
        for name in targets:
            known = case.seen.get(fold(name), _Seen(name, 0.0))
            raised = replace(known, confidence=label.confidence)
            _judge(raised, case, rule, f"from {label.name}", trail | {label.key})
        return
    limit = _first(rule and rule.min_confidence, via and via.min_confidence, case.min_confidence)
    enough = label.confidence >= limit
    if action == HIDE:
        case.put(_decision(label, HIDDEN, rule, "hidden"))
    elif action == TO_REVIEW:
        case.put(
            _decision(
                label, REVIEW if enough else HIDDEN, rule, "kept for review" if enough else "too unsure"
            )
        )
    else:
        case.put(_decision(label, ACTIVE if enough else SUGGESTED, rule or via, why))


def _drop_children(case):
    for parent in list(case.seen.values()):
        rule = case.rule_for(parent)
        if rule is None or rule.action != DROP_CHILDREN:
            continue
        for child in case.seen.values():
            if parent.key in map(fold, child.parents):
                case.found[child.key] = _decision(child, HIDDEN, rule, f"dropped below {parent.name}")


def _take_parents_along(case):
    """Hide a parent that is there only because of hidden children, or keep it for review with them.

    Seen on its own it stays: surer than its children, with a box, with a rule, or with another child.
    """
    gone = {
        key: decision
        for key, decision in case.found.items()
        if decision.rule and decision.rule.action in (HIDE, TO_REVIEW, DROP_CHILDREN)
        and decision.outcome in (HIDDEN, REVIEW)
    }  # fmt: skip
    children = {}
    for label in case.seen.values():
        for parent in label.parents:
            children.setdefault(fold(parent), set()).add(label.key)
    found_more = True
    while found_more:
        found_more = False
        for key, below in children.items():
            if key in gone or key not in case.seen or not below <= gone.keys():
                continue
            if _seen_on_its_own(case.seen[key], below, case):
                continue
            first = max((gone[child] for child in below), key=_rank)
            gone[key] = _decision(case.seen[key], first.outcome, first.rule, f"only seen as {first.name}")
            case.found[key] = gone[key]
            found_more = True


def _seen_on_its_own(label, below, case):
    surest = max(case.seen[key].confidence for key in below)
    decided = case.found[label.key]
    return bool(label.areas) or decided.rule is not None or label.confidence > surest


def _applies(rule, label, case):
    setting = case.setting
    if rule.detector and not fnmatchcase(setting.detector, rule.detector):
        return False
    if rule.version and not fnmatchcase(setting.version, rule.version):
        return False
    if rule.photo_is and rule.photo_is != setting.photo_is:
        return False
    if rule.min_box_area is not None and max(label.areas, default=0.0) < rule.min_box_area:
        return False
    if rule.requires_any and not any(fold(name) in case.seen for name in rule.requires_any):
        return False
    if any(fold(name) in case.seen for name in rule.unless_any):
        return False
    return _matches(rule, label)


def _matches(rule, label):
    patterns = {fold(pattern) for pattern in rule.patterns}
    if rule.match == LABEL:
        return label.key in patterns
    if rule.match == CATEGORY:
        return any(fold(category) in patterns for category in label.categories)
    if rule.match == ANCESTOR:
        return any(fold(parent) in patterns for parent in label.parents)
    return any(fnmatchcase(label.key, pattern) for pattern in patterns)


def _nearest(label, case):
    """Return the parents of a label that are no ancestors of another parent of it."""
    above = {
        fold(name) for parent in label.parents for name in case.seen.get(fold(parent), _Seen("", 0)).parents
    }
    return tuple(name for name in label.parents if fold(name) not in above) or label.parents


def _decision(label, outcome, rule, why):
    category = label.categories[0] if label.categories else ""
    return Decision(label.name, label.confidence, outcome, label.parents, category, label.aliases, rule, why)


def _rank(decision):
    # What was seen speaks before what a rule made of something else.
    return _OPENNESS[decision.outcome], decision.confidence, decision.rule is None


def _first(*values):
    return next(value for value in values if value is not None)


def _area(instance):
    box = instance.get("BoundingBox") or {}
    return float(box.get("Width") or 0) * float(box.get("Height") or 0)


def _named(answer, field_name):
    """Return the named things of a list; an answer is kept as it came, and what is malformed left out."""
    return [row for row in answer.get(field_name) or [] if row and isinstance(row.get("Name"), str)]


def _is_number(value):
    return isinstance(value, int | float) and math.isfinite(value)


def _names(raw, field_name):
    return tuple(filter(None, (_clean(item["Name"]) for item in _named(raw, field_name))))


def _clean(name):
    """Return the name with single spaces, or "" when it is none; folding may make it longer."""
    name = " ".join(name.split())
    return name if max(len(name), len(fold(name))) <= MAX_NAME else ""
