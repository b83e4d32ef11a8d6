"""Sky, Vegetation, Building and a few suggestions, by a small linear model (`labels.evaluation.training`).

Four linear classifiers: one of a photo's structure, one of its colours, one of each of 64 cells, of which
the best scores count (foliage may fill a corner only), and one of structure and colours. A fifth, again
linear, weighs the four and gives a probability that was calibrated on photos the four had not seen.
"""

import functools
import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from labels.detectors.local.features import Views, describe
from labels.detectors.local.structure import word_histograms

MODEL_FILE = Path(__file__).with_name("model.npz")
# "More likely than not": thresholds chosen inside training folds did no better and swung with the folds.
OPERATING_POINT = 0.5
CLIP = 4.0  # standard deviations: a photo unlike all training photos must not shout
CLASSIFIERS = ("structure", "colour", "cells", "whole")


@dataclass(frozen=True)
class Model:
    arrays: dict
    digest: str


@functools.cache
def load_model() -> Model:
    data = MODEL_FILE.read_bytes()
    with np.load(io.BytesIO(data), allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    return Model(arrays, hashlib.sha256(data).hexdigest()[:12])


def label_scenes(image: Image.Image, is_photo: bool = True) -> dict[str, float]:
    """Return the confidence (0..100) of every scene label worth mentioning."""
    arrays = load_model().arrays
    found = probabilities(arrays, *vectors(arrays, [describe(image)]))[0]
    confidences = {}
    for name, p, accepted in zip(arrays["labels"], found, arrays["accepted"], strict=True):
        # The model has seen photos only: before that rule it found vegetation on 69 of 326 flags.
        value = confidence(float(p)) if accepted and is_photo else suggestion(float(p))
        if value >= 20:  # below it is noise, even as a suggestion
            confidences[str(name)] = value
    return confidences


def confidence(p: float) -> float:
    """Return 55 at the operating point, from where on the application accepts, and 100 at 1."""
    return 110 * p if p <= OPERATING_POINT else 10 + 90 * p


def suggestion(p: float) -> float:
    """Return the confidence of a label that cross-validation found too often wrong to be accepted."""
    # A hair below 50, so that a certain suggestion does not round up to it.
    return min(50 * p, 49.99)


def vectors(arrays: dict, views: list[Views]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the structure (n, D), colour (n, D) and cells (n, 64, D) that the classifiers read."""
    structure = [
        np.concatenate([*one.structure.values(), word_histograms(one.light, arrays)]) for one in views
    ]
    colour = [np.concatenate(list(one.colour.values())) for one in views]
    return np.array(structure), np.array(colour), np.array([one.cells for one in views])


def probabilities(arrays: dict, structure: np.ndarray, colour: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """Return the probability of each label for a batch of n photos: (n, labels)."""
    views = {"structure": structure, "colour": colour, "cells": cells}
    views = {name: standardise(values, arrays, name) for name, values in views.items()}
    views["whole"] = np.hstack([views["structure"], views["colour"]])
    scores = {
        name: views[name] @ arrays[f"{name}_weights"].T + arrays[f"{name}_bias"] for name in CLASSIFIERS
    }
    scores["cells"] = pool_cells(scores["cells"])
    stacked = np.array(list(scores.values()))
    return logistic(np.einsum("vnl,lv->nl", stacked, arrays["fusion"]) + arrays["fusion_bias"])


def standardise(values: np.ndarray, arrays: dict, view: str) -> np.ndarray:
    return np.clip((values - arrays[f"{view}_centre"]) / arrays[f"{view}_scale"], -CLIP, CLIP)


def pool_cells(scores: np.ndarray) -> np.ndarray:
    """Return the mean of the best 4 and best 12 cells' means: (n, 64, labels) becomes (n, labels)."""
    ranked = -np.sort(-scores, axis=1)
    return (ranked[:, :4].mean(1) + ranked[:, :12].mean(1)) / 2


def logistic(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(x, -30, 30)))
