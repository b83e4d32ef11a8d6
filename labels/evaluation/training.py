"""Train the scene model: `python -m labels.evaluation.training FOLDER`.

FOLDER holds photos and ground_truth.csv (columns `file` and one a label: 1 present, 0 absent, ? unknown).
The same photos give the same model.npz, byte for byte, on the same machine.
"""

import argparse
import hashlib
from pathlib import Path

import numpy as np

from labels.detectors.local.features import describe
from labels.detectors.local.pixels import decode
from labels.detectors.local.scenes import MODEL_FILE, OPERATING_POINT, probabilities
from labels.evaluation import ground_truth
from labels.evaluation.fitting import Photos, fit_model, stratified_folds
from labels.evaluation.scores import Score, score
from labels.pictures import redrawing

FOLDS, REPEATS = 5, 5
# Precision an accepted label must reach; None: never better than a suggestion in cross-validation.
# Person, mountain, sunset, night, snow and sand have 2 to 6 examples and are not attempted.
GOALS = {"Sky": 0.85, "Vegetation": 0.85, "Building": 0.80, "Animal": None, "Water": None, "Flower": None}
ACCEPTED = [label for label, goal in GOALS.items() if goal is not None]


def read_photos(folder: Path) -> Photos:
    """Return features and targets of the photos in a folder's ground_truth.csv, rendered as a worker does."""
    columns = {label.lower(): label for label in GOALS}
    table = ground_truth.from_csv((folder / "ground_truth.csv").read_bytes(), columns)
    views, digests = [], []
    for name in table.annotations:
        with (folder / name).open("rb") as file:
            digests.append(hashlib.file_digest(file, "sha256").hexdigest())
            views.append(describe(decode(redrawing.rendition(redrawing.upright(file)))))
    targets = {
        label: np.array([-1 if row[label] is None else int(row[label]) for row in table.annotations.values()])
        for label in table.labels
    }
    return Photos(views, targets, digests)


def train(photos: Photos) -> dict:
    """Return the arrays of the model to ship, trained on every photo."""
    arrays, _ = fit_model(photos, np.arange(len(photos.views)), list(GOALS))
    return arrays | {
        "accepted": np.array([label in ACCEPTED for label in GOALS]),
        "learnt_from": np.array(sorted(photos.digests), np.bytes_),
    }


def cross_validate(photos: Photos, repeats: int = REPEATS, labels: list[str] | None = None) -> dict:
    """Return each label's Score of each repeat at the operating point, on photos its model has not seen.

    Everything is fitted again in each fold; all labels share the folds, stratified by the accepted ones.
    """
    labels = labels or list(GOALS)
    kinds = sum(3**power * (photos.targets[label] + 1) for power, label in enumerate(ACCEPTED))
    rows = np.arange(len(kinds))
    p = np.empty((repeats, len(rows), len(labels)))
    for repeat in range(repeats):
        folds = stratified_folds(kinds, FOLDS, seed=repeat)
        for fold in range(FOLDS):
            arrays, features = fit_model(photos, rows[folds != fold], labels)
            test = rows[folds == fold]
            p[repeat, test] = probabilities(arrays, *(values[test] for values in features))
    scores = {}
    for label, found in zip(labels, np.moveaxis(p, -1, 0), strict=True):
        known = photos.targets[label] >= 0
        targets = photos.targets[label][known]
        scores[label] = [score(one[known], one[known] >= OPERATING_POINT, targets) for one in found]
    return scores


def table(results: dict[str, list[Score]]) -> str:
    """Return the results as a Markdown table; nan is the precision of a label that was never said."""
    lines = [
        "| label | present | base rate | precision (worst) | recall (worst) | average precision | target |",
        "|---|---|---|---|---|---|---|",
    ]
    for label, scores in results.items():
        present, known, goal = scores[0].present, scores[0].known, GOALS[label]
        precision, recall, average_precision = (
            np.array([getattr(one, name) for one in scores], float)  # None becomes nan
            for name in ("precision", "recall", "average_precision")
        )
        verdict = "reached" if precision.mean() >= (goal or 0) and recall.mean() >= 0.75 else "missed"
        lines.append(
            f"| {label} | {present} of {known} | {present / known:.2f}"
            f" | {precision.mean():.3f} ({precision.min():.2f}) | {recall.mean():.3f} ({recall.min():.2f})"
            f" | {average_precision.mean():.3f} | {'suggestion' if goal is None else verdict} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the scene model.")
    parser.add_argument("folder", type=Path, help="photos and ground_truth.csv")
    parser.add_argument("--output", type=Path, default=MODEL_FILE, help="where to write the model")
    parser.add_argument("--repeats", type=int, default=REPEATS, help="of the cross-validation; 0: none")
    options = parser.parse_args()
    photos = read_photos(options.folder)
    if options.repeats:
        print(f"{options.repeats} repeats of {FOLDS} folds, {len(photos.views)} photos\n")  # noqa: T201
        print(table(cross_validate(photos, options.repeats)))  # noqa: T201
    with options.output.open("wb") as file:
        np.savez(file, **train(photos))


if __name__ == "__main__":
    main()
