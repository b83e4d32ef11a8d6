"""Pure: what is wrong with a rule that is being edited."""

from collections.abc import Callable, Iterable

from labels.rules.engine import ANCESTOR, CATEGORY, REPLACE, ROLL_UP, Rule, SeenLabel, clean_name, matches
from labels.text.names import fold

# Returns the names above a label, and its categories.
Place = Callable[[str], tuple[tuple[str, ...], tuple[str, ...]]]


def problems(
    rule: Rule,
    others: Iterable[Rule] = (),
    is_known: Callable[[str], bool] = lambda name: True,
    place: Place = lambda name: ((), ()),
) -> list[tuple[str, str]]:
    """Return [(field, what is wrong)] of a rule beside the others that are in force with it."""
    wrong = [("patterns", "Name at least one label.")] if not any(map(clean_name, rule.patterns)) else []
    limits = (("min_confidence", 100, " percent"), ("min_box_area", 1, ", a share of the picture"))
    for name, most, unit in limits:
        if (value := getattr(rule, name)) is not None and not 0 <= value <= most:
            wrong.append((name, f"{value:g} is out of range; it may be 0 to {most}{unit}."))
    if rule.action == REPLACE and not clean_name(rule.target):
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


def _circle(rule: Rule, others: Iterable[Rule], place: Place) -> tuple[str, ...]:
    """Return the names of a circle of replacements that this rule closes, or ()."""
    moves = [r for r in (*others, rule) if r.target and r.action in (REPLACE, ROLL_UP)]
    path = [rule.target]
    while True:
        label = SeenLabel(path[-1], 100.0, *place(path[-1]))
        step = next((r for r in moves if matches(r, label)), None)
        # A category rolled up to a label of that very category comes to rest there.
        if step is None or (step.match in (CATEGORY, ANCESTOR) and fold(step.target) == label.key):
            return ()
        path.append(step.target)
        if fold(step.target) in map(fold, path[:-1]):
            return tuple(path)
