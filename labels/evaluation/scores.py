"""Pure: how well a label's scores agree with the truth."""

import math
from dataclasses import asdict, dataclass
from itertools import groupby


@dataclass(frozen=True)
class Score:
    """How one label fared on the photos of which its truth is known.

    `said` of `judged` photos got the label, `right` of them rightly; `present` show it. Precision is
    None when it was never said, recall and average precision are None when no photo shows it.
    """

    judged: int
    present: int
    said: int
    right: int
    average_precision: float | None

    @property
    def precision(self) -> float | None:
        return self.right / self.said if self.said else None

    @property
    def recall(self) -> float | None:
        return self.right / self.present if self.present else None

    def as_dict(self) -> dict:
        return asdict(self) | {"precision": self.precision, "recall": self.recall}


def score(scores, said, answers) -> Score:
    """Return how a label fared: one number, one bool and one truth (1 or 0) a photo."""
    return Score(
        judged=len(answers),
        present=sum(1 for answer in answers if answer),
        said=sum(1 for one in said if one),
        right=sum(1 for one, answer in zip(said, answers, strict=True) if one and answer),
        average_precision=average_precision(scores, answers),
    )


def average_precision(scores, answers) -> float | None:
    """Return the area under precision over recall, best score first, or None when nothing is present.

    Photos of equal score come together: their order in the file must not decide (a detector that says
    nothing of most photos ties them all at 0). Without ties it is the mean precision at each hit.
    """
    present = sum(1 for answer in answers if answer)
    if not present:
        return None
    ranked = sorted(zip(scores, answers, strict=True), key=lambda pair: -pair[0])
    seen = right = 0
    areas = []
    for _, tied in groupby(ranked, key=lambda pair: pair[0]):
        hits = [bool(answer) for _, answer in tied]
        seen, right = seen + len(hits), right + sum(hits)
        areas.append(sum(hits) * right / seen)
    # Divided once and added exactly: a perfect ranking is 1 and not a hair less or more.
    return math.fsum(areas) / present
