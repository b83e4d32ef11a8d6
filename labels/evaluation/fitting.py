"""Fit the scene model: dictionary of patches, four linear classifiers a label, and one that weighs them.

Everything is Newton's method on a penalised logistic loss, so the result does not depend on a learning rate
or on when to stop. Random choices use numpy's RandomState, whose streams are frozen for good.
"""

from dataclasses import dataclass

import numpy as np

from labels.detectors.local.features import Views
from labels.detectors.local.scenes import CLASSIFIERS, logistic, pool_cells, standardise, vectors
from labels.detectors.local.structure import PATCH, patches

WORDS = 128
RIDGE = 0.05  # of a view whose features have variance 1 / size of their group
INNER_FOLDS = 5


@dataclass(frozen=True)
class Photos:
    """Features of n photos, each label's targets (1 present, 0 absent, -1 unknown), the files' SHA-256."""

    views: list[Views]
    targets: dict[str, np.ndarray]
    digests: list[str]


def fit_model(photos: Photos, rows: np.ndarray, labels: list[str]) -> tuple[dict, tuple]:
    """Return a model's arrays trained on some rows only, and the vectors of all rows as it reads them."""
    arrays = _fit_words(np.array([photos.views[row].light for row in rows]))
    features = vectors(arrays, photos.views)
    first = photos.views[0]
    widths = {
        "structure": [*map(len, first.structure.values()), 4 * WORDS],
        "colour": [*map(len, first.colour.values())],
        "cells": [first.cells.shape[-1]],
    }
    views = []
    for view, values in zip(widths, features, strict=True):
        seen = values[rows].reshape(-1, values.shape[-1])
        arrays[f"{view}_centre"], arrays[f"{view}_scale"] = seen.mean(0), _scales(seen, widths[view])
        views.append(standardise(values, arrays, view))
    # Every group of features gets the same total variance: 300 bins must not outvote 30 line lengths.
    share = [np.repeat(1 / np.sqrt(widths[view]), widths[view]) for view in ("structure", "colour")]
    views[0], views[1] = views[0] * share[0], views[1] * share[1]
    views.append(np.hstack(views[:2]))
    fitted = [_fit_label(views, photos.targets[label], rows) for label in labels]
    for name in fitted[0]:
        arrays[name] = np.array([one[name] for one in fitted])
    arrays["structure_weights"] *= share[0]
    arrays["colour_weights"] *= share[1]
    arrays["whole_weights"] *= np.concatenate(share)
    arrays = {name: value.astype(np.float32) for name, value in arrays.items()}
    arrays["labels"] = np.array(labels)
    return arrays, features


def _scales(values: np.ndarray, widths: list[int]) -> np.ndarray:
    """Return standard deviations, none below a twentieth of its group's median: no constant may blow up."""
    groups = np.split(values.std(0) + 1e-3, np.cumsum(widths)[:-1])
    return np.concatenate([np.maximum(group, 0.05 * np.median(group)) for group in groups])


def _fit_words(lights: np.ndarray, per_photo: int = 200, rounds: int = 15) -> dict:
    """Return a whitening (64, 64), its offset, and 128 typical patches found by k-means."""
    random = np.random.RandomState(7)
    photos = (patches(light).reshape(-1, PATCH**2) for light in lights)
    sample = [photo[random.choice(len(photo), per_photo, replace=False)] for photo in photos]
    sample = np.concatenate(sample).astype(np.float64)
    values, axes = np.linalg.eigh(np.cov(sample.T))
    whiten = (axes / np.sqrt(values + 0.1 * values.mean())) @ axes.T
    offset = sample.mean(0) @ whiten
    white = (sample @ whiten - offset).astype(np.float32)
    words = white[random.choice(len(white), WORDS, replace=False)]
    for _ in range(rounds):
        nearest = np.argmin((words**2).sum(1) - 2 * white @ words.T, 1)
        for word in range(WORDS):
            if (nearest == word).any():  # an empty word stays where it was
                words[word] = white[nearest == word].mean(0)
    return {"whiten": whiten.astype(np.float32), "offset": offset.astype(np.float32), "words": words}


def _fit_label(views: list[np.ndarray], targets: np.ndarray, rows: np.ndarray) -> dict:
    """Return one label's weights: four classifiers, fused by their scores of photos they have not seen."""
    rows = rows[targets[rows] >= 0]
    unseen = np.empty((len(rows), len(CLASSIFIERS)))
    folds = stratified_folds(targets[rows], INNER_FOLDS, seed=100)
    for fold in range(INNER_FOLDS):
        classifiers = _fit_classifiers(views, targets, rows[folds != fold])
        scores = [
            values[rows[folds == fold]] @ weights + bias
            for values, (weights, bias) in zip(views, classifiers, strict=True)
        ]
        scores[CLASSIFIERS.index("cells")] = pool_cells(scores[CLASSIFIERS.index("cells")])
        unseen[folds == fold] = np.stack(scores, 1)
    fusion, bias = fit_fusion(unseen, targets[rows])
    fitted = {"fusion": fusion, "fusion_bias": bias}
    for name, (weights, constant) in zip(CLASSIFIERS, _fit_classifiers(views, targets, rows), strict=True):
        fitted |= {f"{name}_weights": weights, f"{name}_bias": constant}
    return fitted


def _fit_classifiers(views: list[np.ndarray], targets: np.ndarray, rows: np.ndarray) -> list:
    structure, colour, cells, whole = (values[rows] for values in views)
    return [
        fit_logistic(structure, targets[rows], RIDGE),
        fit_logistic(colour, targets[rows], RIDGE),
        fit_cells(cells, targets[rows]),
        # Its features carry the variance of two views.
        fit_logistic(whole, targets[rows], 2 * RIDGE),
    ]


def fit_logistic(values: np.ndarray, targets: np.ndarray, ridge: float) -> tuple[np.ndarray, float]:
    """Return weights and bias of a ridge-penalised logistic regression with more features than photos."""
    # In the photos' own subspace: the penalty keeps the weights inside it, and it is ten times smaller.
    left, singular, right = np.linalg.svd(values, full_matrices=False)
    kept = singular > 1e-8 * singular[0]
    solution = _newton(left[:, kept] * singular[kept], targets, np.ones(len(targets)), ridge)
    return right[kept].T @ solution[:-1], solution[-1]


def fit_cells(cells: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, float]:
    """Return weights and bias that score a single cell, trained on targets of whole photos (n, 64, D).

    Multiple-instance learning: at first each cell of a photo carries an equal part of its target; then,
    where it is 1, the cells that look most like it carry more. Three rounds, because more drift.
    """
    count, per_photo, width = cells.shape
    flat, each = cells.reshape(-1, width), np.repeat(targets, per_photo)
    shares = np.full((count, per_photo), 1 / per_photo)
    solution = np.zeros(width + 1)
    for _ in range(3):
        solution = _newton(flat, each, shares.ravel(), RIDGE, start=solution, steps=8)
        scores = (flat @ solution[:-1] + solution[-1]).reshape(count, per_photo)
        grown = np.exp(2 * (scores - scores.max(1, keepdims=True)))
        shares = np.where(targets[:, None] == 1, grown / grown.sum(1, keepdims=True), 1 / per_photo)
    return solution[:-1], solution[-1]


def fit_fusion(scores: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, float]:
    """Return non-negative weights and a bias that turn the scores (n, 4) into a calibrated logit."""
    scale = scores.std(0)
    used = np.ones(scores.shape[1], bool)
    while True:
        prior = np.append(np.full(used.sum(), 0.7), 0)  # without evidence each gets the same say
        solution = _newton((scores / scale)[:, used], targets, np.ones(len(targets)), 2.0, prior=prior)
        if (solution[:-1] >= 0).all():
            break
        # A negative weight fits noise: drop the worst classifier and weigh the rest again.
        used[np.flatnonzero(used)[np.argmin(solution[:-1])]] = False
    weights = np.zeros(scores.shape[1])
    weights[used] = solution[:-1]
    return weights / scale, solution[-1]


def _newton(values, targets, shares, ridge, *, prior=0.0, start=None, steps=30) -> np.ndarray:
    """Minimise sum(share x logistic loss) + ridge / 2 |weights - prior|^2; the bias comes last, free."""
    design = np.hstack([values, np.ones((len(values), 1))])
    # 1e-6 keeps the bias finite when all targets agree.
    penalty = np.append(np.full(values.shape[1], ridge), 1e-6)
    solution = np.zeros(len(penalty)) if start is None else start
    for _ in range(steps):
        p = logistic(design @ solution)
        gradient = design.T @ (shares * (p - targets)) + penalty * (solution - prior)
        curvature = (design * (shares * p * (1 - p))[:, None]).T @ design + np.diag(penalty)
        step = np.linalg.solve(curvature, gradient)
        solution = solution - step
        if np.abs(step).max() < 1e-7:
            break
    return solution


def stratified_folds(kinds: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Return a fold number a row, each kind spread as evenly as it can be."""
    random = np.random.RandomState(seed)
    order = [random.permutation(np.flatnonzero(kinds == kind)) for kind in np.unique(kinds)]
    folds = np.empty(len(kinds), int)
    # Dealing on from kind to kind keeps the folds equally large when kinds are rare.
    folds[np.concatenate(order)] = np.arange(len(kinds)) % count
    return folds
