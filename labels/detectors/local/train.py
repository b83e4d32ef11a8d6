"""Train the scene model: `python -m labels.detectors.local.train FOLDER`.

FOLDER holds photos and ground_truth.csv (columns `file` and one a label: 1 present, 0 absent, ? not judged).
Prints how labels fare in cross-validation, then writes model.npz next to this file. The same photos give the
same file, byte for byte, on the same machine.
"""

import argparse
import csv
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from labels.detectors.local.features import describe
from labels.detectors.local.judging import average_precision, precision_recall, stratified_folds
from labels.detectors.local.learning import Photos, fit_model
from labels.detectors.local.pixels import decode
from labels.detectors.local.scenes import MODEL_FILE, OPERATING_POINT, probabilities

FOLDS, REPEATS = 5, 5
COLUMNS = {
    "Sky": "sky",
    "Vegetation": "vegetation",
    "Building": "building",
    "Animal": "animal",
    "Water": "water",
    "Flower": "flower",
}
# Precision an accepted label must reach; None: never better than a suggestion in cross-validation.
# Person, mountain, sunset, night, snow and sand have 2 to 6 examples and are not attempted.
TARGETS = {"Sky": 0.85, "Vegetation": 0.85, "Building": 0.80, "Animal": None, "Water": None, "Flower": None}
ACCEPTED = [label for label, target in TARGETS.items() if target is not None]
LEAST_RECALL = 0.75


@dataclass(frozen=True)
class Result:
    """How one label fared: means over the repeats, with the worst repeat beside precision and recall."""

    label: str
    present: int
    judged: int
    precision: float
    worst_precision: float
    recall: float
    worst_recall: float
    average_precision: float
    suggestion: bool

    @property
    def base_rate(self) -> float:
        return self.present / self.judged

    @property
    def verdict(self) -> str:
        if self.suggestion:
            return "suggestion"
        reached = self.precision >= TARGETS[self.label] and self.recall >= LEAST_RECALL
        return "reached" if reached else "missed"


def read_photos(folder: Path) -> Photos:
    """Return features and truth of the photos a folder's ground_truth.csv lists."""
    with (folder / "ground_truth.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    views = [describe(decode((folder / row["file"]).read_bytes())) for row in rows]
    truth = {
        label: np.array([{"1": 1, "0": 0}.get(row[column], -1) for row in rows])
        for label, column in COLUMNS.items()
    }
    return Photos(views, truth)


def train(photos: Photos) -> dict:
    """Return the arrays of the model to ship, learnt from every photo."""
    arrays, _ = fit_model(photos, np.arange(len(photos.views)), list(TARGETS))
    return arrays | {"accepted": np.array([target is not None for target in TARGETS.values()])}


def cross_validate(photos: Photos, repeats: int = REPEATS, labels: list[str] | None = None) -> list[Result]:
    """Return how each label fares at the operating point on photos its model has not seen.

    Everything is learnt again in each fold from the other folds only: dictionary, scales, weights and fusion.
    Labels share their folds, which are stratified by the accepted labels together.
    """
    labels = labels or list(TARGETS)
    kinds = sum(3**power * (photos.truth[label] + 1) for power, label in enumerate(ACCEPTED))
    rows = np.arange(len(kinds))
    p = np.empty((repeats, len(rows), len(labels)))
    for repeat in range(repeats):
        folds = stratified_folds(kinds, FOLDS, seed=repeat)
        for fold in range(FOLDS):
            arrays, vectors = fit_model(photos, rows[folds != fold], labels)
            test = rows[folds == fold]
            p[repeat, test] = probabilities(arrays, *(values[test] for values in vectors))
    return [_result(label, photos, p[..., i]) for i, label in enumerate(labels)]


def _result(label: str, photos: Photos, p: np.ndarray) -> Result:
    judged = photos.truth[label] >= 0
    answers = photos.truth[label][judged]
    pairs = np.array([precision_recall(one[judged] >= OPERATING_POINT, answers) for one in p])
    return Result(
        label=label,
        present=int((answers == 1).sum()),
        judged=int(judged.sum()),
        precision=float(pairs[:, 0].mean()),
        worst_precision=float(pairs[:, 0].min()),
        recall=float(pairs[:, 1].mean()),
        worst_recall=float(pairs[:, 1].min()),
        average_precision=float(np.mean([average_precision(one[judged], answers) for one in p])),
        suggestion=TARGETS[label] is None,
    )


def table(results: list[Result]) -> str:
    """Return the results as a Markdown table; nan is the precision of a label that was never said."""
    lines = [
        "| label | present | base rate | precision (worst) | recall (worst) | average precision | target |",
        "|---|---|---|---|---|---|---|",
    ]
    for r in results:
        lines.append(
            f"| {r.label} | {r.present} of {r.judged} | {r.base_rate:.2f}"
            f" | {r.precision:.3f} ({r.worst_precision:.2f})"
            f" | {r.recall:.3f} ({r.worst_recall:.2f}) | {r.average_precision:.3f} | {r.verdict} |"
        )
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Train the scene model from a folder of judged photos.")
    parser.add_argument("folder", type=Path, help="photos and ground_truth.csv")
    parser.add_argument("--output", type=Path, default=MODEL_FILE, help="where to write the model")
    parser.add_argument(
        "--repeats", type=int, default=REPEATS, help="repeats of the cross-validation; 0: none"
    )
    options = parser.parse_args(arguments)
    photos = read_photos(options.folder)
    if options.repeats:
        print(f"{options.repeats} repeats of {FOLDS} folds, {len(photos.views)} photos\n")  # noqa: T201
        print(table(cross_validate(photos, options.repeats)))  # noqa: T201
    with options.output.open("wb") as file:
        np.savez(file, **train(photos))
    return 0


if __name__ == "__main__":
    sys.exit(main())
