"""The training: its parts on made-up numbers, and the shipped model on real photos where there are any."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from labels.detectors.local import scenes
from labels.evaluation import fitting, training
from labels.evaluation.fitting import stratified_folds
from labels.evaluation.scores import average_precision

ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("PHOTOMGR_SHARED") or ROOT.parent / "shared")


def test_folds_share_out_every_kind_evenly():
    kinds = np.array([0] * 40 + [1] * 10 + [2] * 3)

    folds = stratified_folds(kinds, 5, seed=1)

    assert set(np.bincount(folds[:40])) == {8}
    assert set(np.bincount(folds[40:50])) == {2}
    assert max(np.bincount(folds)) - min(np.bincount(folds)) <= 1


def test_folds_depend_on_the_seed_alone():
    kinds = np.arange(30) % 3

    assert (stratified_folds(kinds, 5, seed=1) == stratified_folds(kinds, 5, seed=1)).all()
    assert (stratified_folds(kinds, 5, seed=1) != stratified_folds(kinds, 5, seed=2)).any()


def test_logistic_regression_finds_the_minimum_of_its_loss():
    random = np.random.RandomState(0)
    values, answers = random.normal(size=(40, 90)), np.arange(40) % 2

    weights, bias = fitting.fit_logistic(values, answers, ridge=0.5)

    p = scenes.logistic(values @ weights + bias)
    assert values.T @ (p - answers) + 0.5 * weights == pytest.approx(0, abs=1e-4)
    assert (p - answers).sum() == pytest.approx(0, abs=1e-4)


def test_fusion_drops_a_classifier_that_is_wrong_more_often_than_right():
    answers = np.arange(200) % 2
    random = np.random.RandomState(0)
    right, wrong = answers + random.normal(size=200), -answers + 0.5 * random.normal(size=200)

    weights, _ = fitting.fit_fusion(np.stack([right, wrong, right], 1), answers)

    assert weights[1] == 0
    assert (weights[[0, 2]] > 0).all()


def test_cells_learn_to_point_at_what_only_some_of_them_show():
    random = np.random.RandomState(0)
    cells, answers = random.normal(size=(60, 64, 5)), np.arange(60) % 2
    cells[answers == 1, :6, 2] += 4

    weights, bias = fitting.fit_cells(cells, answers)
    scores = cells @ weights + bias

    assert np.argmax(np.abs(weights)) == 2
    assert average_precision(scenes.pool_cells(scores[..., None])[:, 0], answers) > 0.95


@pytest.mark.everything
def test_the_shipped_model_is_what_the_training_makes(tmp_path):
    folder = SHARED / "photos"
    if not (folder / "ground_truth.csv").exists():
        pytest.skip(f"no ground truth in {folder}; set PHOTOMGR_SHARED to the folder that holds photos/")
    made = tmp_path / "model.npz"

    # A process of its own, with one thread: on a busy machine the others only wait for each other.
    command = [sys.executable, "-m", training.__name__, str(folder), "--repeats", "0", "--output", str(made)]
    subprocess.run(command, check=True, cwd=ROOT, env=os.environ | {"OMP_NUM_THREADS": "1"})

    with (
        np.load(made, allow_pickle=False) as arrays,
        np.load(scenes.MODEL_FILE, allow_pickle=False) as shipped,
    ):
        assert arrays.files == shipped.files
        for name in arrays.files:
            if arrays[name].dtype.kind == "f":
                # Not to the bit: another processor may round the last digit another way.
                assert arrays[name] == pytest.approx(shipped[name], rel=0.01, abs=0.01), name
            else:
                assert list(arrays[name]) == list(shipped[name])
