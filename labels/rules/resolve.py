"""Pure: which label rows photos should have, from rules, people, names and the taxonomy, in that order.

Take a rule, a renaming or a verdict away, resolve again, and what was there before is there again.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from labels.rules import engine
from labels.rules.engine import Decision

CONFIRMED, REJECTED = "confirmed", "rejected"
AUTO, BY_RULE, BY_CHILD, BY_PERSON = "auto", "rule", "child", "person"
VISIBLE = (engine.ACTIVE, CONFIRMED)


@dataclass(frozen=True)
class Row:
    status: str
    source: str
    confidence: float
    rule_id: int | None = None
    why: str = ""


@dataclass(frozen=True)
class PersonVerdict:
    """What a person decided; `confidence` is the detector's at that time, None when it had none."""

    label_id: int
    is_there: bool
    added: bool = False
    confidence: float | None = None


@dataclass(frozen=True)
class Taxonomy:
    """Labels above a label, all of them; `facts` imply none above them, `barred` are shown by no child."""

    above: dict[int, frozenset[int]] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    facts: frozenset[int] = frozenset()
    barred: frozenset[int] = frozenset()


def resolve_one(
    decisions: Iterable[tuple[int, Decision]],
    verdicts: Iterable[PersonVerdict],
    renamed: Mapping[int, int],
    taxonomy: Taxonomy,
) -> dict[int, Row]:
    """Return {label id: Row} of one photo from [(label id, decision)] and its verdicts, the oldest first.

    `renamed` is {label id: the one it is shown as}; of several labels shown as one the most open counts.
    """
    rows: dict[int, Row] = {}
    origins = defaultdict(set)
    for label_id, decision in decisions:
        shown = shown_as(label_id, renamed)
        origins[shown].add(label_id)
        row = _row(decision)
        if shown != label_id and not row.why:
            row = replace(row, why=f"detected as {decision.name}"[:200])
        if shown not in rows or _rank(rows[shown]) < _rank(row):
            rows[shown] = row
    for verdict in verdicts:
        shown = shown_as(verdict.label_id, renamed)
        origins[shown].add(verdict.label_id)
        rows[shown] = _judged(rows.get(shown), verdict)
    _add_parents(rows, origins, renamed, taxonomy)
    return rows


def shown_as(label_id: int, renamed: Mapping[int, int]) -> int:
    """Return the label that this one is shown as; a circle ends where it began."""
    seen = {label_id}
    while (target := renamed.get(label_id)) is not None and target not in seen:
        label_id = target
        seen.add(target)
    return label_id


def closure(edges: Iterable[tuple[int, int]]) -> dict[int, frozenset[int]]:
    """Return {child: all above it} from (child, parent) pairs; a circle does no harm."""
    parents = defaultdict(set)
    for child, parent in edges:
        parents[child].add(parent)
    above = {}
    for child in parents:
        found: set[int] = set()
        waiting = parents[child]
        while waiting:
            found |= waiting
            waiting = set[int]().union(*(parents.get(one, ()) for one in waiting)) - found
        above[child] = frozenset(found - {child})
    return above


def _row(decision: Decision) -> Row:
    rule = decision.rule
    moved = rule and rule.action in (engine.REPLACE, engine.ROLL_UP) and decision.outcome != engine.HIDDEN
    source = BY_RULE if moved else AUTO
    return Row(decision.outcome, source, decision.confidence, rule.pk if rule else None, decision.why[:200])


def _judged(row: Row | None, verdict: PersonVerdict) -> Row:
    status = CONFIRMED if verdict.is_there else REJECTED
    row = row or Row(status, AUTO, 100.0)
    known = row.confidence if verdict.confidence is None else verdict.confidence
    return replace(row, status=status, confidence=known, source=BY_PERSON if verdict.added else row.source)


def _add_parents(
    rows: dict[int, Row], origins: Mapping[int, set[int]], renamed: Mapping[int, int], taxonomy: Taxonomy
) -> None:
    """Show what is above the visible labels, so that ticking a parent finds the photos of its children."""
    visible = [(row.confidence, label_id) for label_id, row in rows.items() if row.status in VISIBLE]
    # The surest child speaks for its parents.
    for confidence, label_id in sorted(visible, key=lambda pair: (-pair[0], pair[1])):
        if label_id in taxonomy.facts:
            continue
        shown_here = (label_id, *origins[label_id])
        above = frozenset[int]().union(*(taxonomy.above.get(one, ()) for one in shown_here))
        for parent in sorted(above - taxonomy.barred):
            shown = shown_as(parent, renamed)
            known = rows.get(shown)
            if shown != label_id and (known is None or known.status == engine.SUGGESTED):
                why = f"above {taxonomy.names.get(label_id, '')}".strip()
                rows[shown] = Row(engine.ACTIVE, BY_CHILD, confidence, None, why[:200])


def _rank(row: Row) -> tuple[int, float]:
    return engine.OPENNESS[row.status], row.confidence
