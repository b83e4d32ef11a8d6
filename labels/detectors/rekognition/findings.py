"""Pure: what the answers of REKOGNITION_ALSO say to a person. They are shown, and never become labels.

An answer was kept as it came, perhaps years ago: what is missing or malformed in it is left out.
"""

import math
from dataclasses import dataclass

# DetectText finds up to 100 words; a page is not the place for more lines, nor for longer ones.
MOST, LONGEST = 20, 200


@dataclass(frozen=True)
class Finding:
    words: str
    confidence: float | None = None  # percent
    note: str = ""


@dataclass(frozen=True)
class Findings:
    """What one question found, `more` beyond those that are shown."""

    name: str
    found: tuple[Finding, ...]
    more: int = 0


def read(answers):
    """Return the Findings of {detector: answer}, in the order in which people care."""
    return [
        Findings(name, tuple(found[:MOST]), max(0, len(found) - MOST))
        for detector, (name, reader) in _READERS.items()
        if detector in answers
        for found in [reader(answers[detector])]
    ]


def _lines(answer):
    """Return the lines of text from top to bottom, as Amazon orders them; its words are in them already."""
    rows = [row for row in _rows(answer, "TextDetections") if row.get("Type") == "LINE"]
    return _findings(rows, "DetectedText", "Confidence")


def _people(answer):
    return _findings(_rows(answer, "CelebrityFaces"), "Name", "MatchConfidence")


def _moderation(answer):
    """Return what a moderator would look for, without the groups that only lead to something finer."""
    rows = _rows(answer, "ModerationLabels")
    groups = {_text(row.get("ParentName")) for row in rows}
    fine = [row for row in rows if _text(row.get("Name")) not in groups]
    return _findings(fine, "Name", "Confidence", "ParentName")


_READERS = {
    "rekognition text": ("Text", _lines),
    "rekognition celebrities": ("Well-known people", _people),
    "rekognition moderation": ("For moderators", _moderation),
}
DETECTORS = tuple(_READERS)


def _rows(answer, key):
    rows = answer.get(key) if isinstance(answer, dict) else None
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _findings(rows, words, confidence, note=""):
    found = {}
    for row in rows:
        if said := _text(row.get(words)):
            new = Finding(said, _percent(row.get(confidence)), _text(row.get(note)))
            # Somebody who is seen twice is named once.
            found[said] = max(found.get(said, new), new, key=lambda one: one.confidence or 0)
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
