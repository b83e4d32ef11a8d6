"""Pure: what the responses of REKOGNITION_ALSO say to a person. They are shown, and never become labels.

A response was stored as it came, perhaps years ago: what is missing or malformed in it is left out.
"""

import math
from dataclasses import dataclass

# A page is not the place for more lines, nor for longer ones.
MOST, LONGEST = 20, 200
# In the order in which people care: (heading, key of the rows, key of a row's text, key of its confidence).
_SHAPES = {
    "rekognition text": ("Text", "TextDetections", "DetectedText", "Confidence"),
    "rekognition celebrities": ("Well-known people", "CelebrityFaces", "Name", "MatchConfidence"),
    "rekognition moderation": ("For moderators", "ModerationLabels", "Name", "Confidence"),
}
DETECTORS = tuple(_SHAPES)


@dataclass(frozen=True)
class Finding:
    words: str
    confidence: float | None = None  # percent
    note: str = ""


@dataclass(frozen=True)
class Findings:
    name: str  # the heading
    found: tuple[Finding, ...]
    more: int = 0  # than are shown


def read_findings(responses):
    """Return the Findings of {detector: response}."""
    return [
        Findings(name, tuple(found[:MOST]), max(0, len(found) - MOST))
        for detector, (name, *keys) in _SHAPES.items()
        if detector in responses
        for found in [_findings(responses[detector], *keys)]
    ]


def _findings(response, rows_key, text_key, confidence_key):
    rows = response.get(rows_key) if isinstance(response, dict) else None
    rows = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    if rows_key == "TextDetections":
        # Their words come once more as rows of their own.
        rows = [row for row in rows if row.get("Type") == "LINE"]
    # A moderation label that is the parent of another only leads to something finer.
    parents = {_text(row.get("ParentName")) for row in rows}
    found = {}
    for row in rows:
        text = _text(row.get(text_key))
        if text and text not in parents:
            new = Finding(text, _percent(row.get(confidence_key)), _text(row.get("ParentName")))
            # Somebody who is seen twice is named once.
            found[text] = max(found.get(text, new), new, key=lambda one: one.confidence or 0)
    return list(found.values())


def _text(value):
    """Return a text on one line, cut where it is too long; empty for what is none."""
    if not isinstance(value, str):
        return ""
    text = " ".join("".join(char if char.isprintable() else " " for char in value).split())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _percent(value):
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and math.isfinite(value) and 0 <= value <= 100 else None
