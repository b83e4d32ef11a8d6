"""Share photos out into folds, so that a model is judged on photos it has not seen."""

import numpy as np


def stratified_folds(kinds: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Return a fold number a row, each kind spread as evenly as it can be."""
    random = np.random.RandomState(seed)
    order = []
    for kind in np.unique(kinds):
        rows = np.flatnonzero(kinds == kind)
        random.shuffle(rows)
        order.extend(rows)
    folds = np.empty(len(kinds), int)
    # Dealing on from kind to kind keeps the folds equally large when kinds are rare.
    folds[order] = np.arange(len(kinds)) % count
    return folds
