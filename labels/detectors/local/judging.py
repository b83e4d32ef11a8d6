"""Measure labels against the truth: folds, precision and recall, average precision."""

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


def precision_recall(said: np.ndarray, answers: np.ndarray) -> tuple[float, float]:
    """Return precision (nan when nothing was said) and recall."""
    hits = (said & (answers == 1)).sum()
    return (hits / said.sum() if said.any() else float("nan")), hits / (answers == 1).sum()


def average_precision(scores: np.ndarray, answers: np.ndarray) -> float:
    """Return the mean of the precisions at each present photo, best score first."""
    ranked = answers[np.argsort(-scores, kind="stable")] == 1
    return float((np.cumsum(ranked) / np.arange(1, len(ranked) + 1))[ranked].mean())
