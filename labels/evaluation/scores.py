"""Pure: how well predictions agree with the ground truth."""

import math
from dataclasses import dataclass
from itertools import groupby


@dataclass(frozen=True)
class Score:
    """One label on photos: a figure that divides by none of them is None."""

    known: int  # photos whose ground truth is known
    present: int  # that show it
    predicted: int  # that got it
    correct: int  # that show and got it
    average_precision: float | None

    @property
    def precision(self) -> float | None:
        return self.correct / self.predicted if self.predicted else None

    @property
    def recall(self) -> float | None:
        return self.correct / self.present if self.present else None


def score(confidences, predicted, targets) -> Score:
    """Return the Score of one label: a number, a bool and a target (1 or 0) a photo."""
    return Score(
        known=len(targets),
        present=sum(map(bool, targets)),
        predicted=sum(map(bool, predicted)),
        correct=sum(bool(one and target) for one, target in zip(predicted, targets, strict=True)),
        average_precision=average_precision(confidences, targets),
    )


def average_precision(confidences, targets) -> float | None:
    """Return the area under precision over recall, highest confidence first, or None when nothing is present.

    Photos of equal confidence come together: their order in the file must not decide.
    """
    present = sum(map(bool, targets))
    if not present:
        return None
    ranked = sorted(zip(confidences, targets, strict=True), key=lambda pair: -pair[0])
    seen = correct = 0
    areas = []
    for _, tied in groupby(ranked, key=lambda pair: pair[0]):
        hits = [bool(target) for _, target in tied]
        seen, correct = seen + len(hits), correct + sum(hits)
        areas.append(sum(hits) * correct / seen)
    # Divided once and added exactly: a perfect ranking is 1 and not a hair less or more.
    return math.fsum(areas) / present
