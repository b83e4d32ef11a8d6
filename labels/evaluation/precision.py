"""Pure: how often a detector was right, by how sure it was, and from where on to believe it."""

from dataclasses import dataclass
from math import sqrt

BANDS = (0, 55, 70, 80, 90, 95)
ENOUGH = 30


@dataclass(frozen=True)
class Band:
    """Decisions about labels of `start` percent up to the next band."""

    start: int
    right: int
    total: int

    @property
    def share(self):
        return self.right / self.total

    @property
    def interval(self):
        return wilson(self.right, self.total)


def wilson(right, total):
    """Return the 95 % score interval of a share, (0, 1) when nothing is known (Wilson, 1927)."""
    if not total:
        return 0.0, 1.0
    z, share = 1.959964, right / total
    square = z**2
    middle = (share + square / (2 * total)) / (1 + square / total)
    half = z / (1 + square / total) * sqrt(share * (1 - share) / total + square / (4 * total**2))
    return max(0.0, middle - half), min(1.0, middle + half)


def bands(decisions):
    """Return the bands with decisions, the surest first; a decision is (confidence, whether right)."""
    found = []
    for start, end in zip(BANDS, (*BANDS[1:], 101), strict=True):
        right = [is_right for confidence, is_right in decisions if start <= confidence < end]
        if right:
            found.append(Band(start, sum(right), len(right)))
    return found[::-1]


def proposed_threshold(decisions):
    """Return from which confidence on 9 of 10 are right for sure enough, or None."""
    if len(decisions) < ENOUGH:  # a few lucky ones prove nothing
        return None
    ranked = sorted(decisions, reverse=True)
    best, right = None, 0
    for number, (confidence, is_right) in enumerate(ranked, start=1):
        right += is_right
        is_last = number == len(ranked) or ranked[number][0] < confidence
        if is_last and wilson(right, number)[0] >= 0.9:
            best = confidence
    return best
