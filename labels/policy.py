"""Pure: what a raw detector response means for a photo's labels."""

from dataclasses import dataclass

from labels.names import fold

MAX_NAME = 100


@dataclass(frozen=True)
class Decision:
    """One label of one photo: shown when `active`, else offered as a suggestion."""

    name: str
    confidence: float
    active: bool
    parents: tuple[str, ...] = ()
    category: str = ""


def decide(response, min_confidence):
    """Return the decisions on a response in DetectLabels' shape, the surest first.

    A label is active from `min_confidence` percent on. A name that comes twice counts once, at its
    higher confidence; a blank one, or one over MAX_NAME characters, is no label.
    """
    best = {}
    for raw in response.get("Labels", []):
        name = _clean(raw["Name"])
        if not name:
            continue
        decision = Decision(
            name=name,
            confidence=float(raw["Confidence"]),
            active=raw["Confidence"] >= min_confidence,
            parents=tuple(filter(None, (_clean(parent["Name"]) for parent in raw.get("Parents", [])))),
            category=next((_clean(category["Name"]) for category in raw.get("Categories", [])), ""),
        )
        key = fold(name)
        if key not in best or best[key].confidence < decision.confidence:
            best[key] = decision
    return sorted(best.values(), key=lambda decision: (-decision.confidence, decision.name))


def _clean(name):
    """Return the name with single spaces, or "" when it is none; folding may make it longer."""
    name = " ".join(name.split())
    return name if max(len(name), len(fold(name))) <= MAX_NAME else ""
