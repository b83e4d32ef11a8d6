"""Precision, recall and average precision, against tables and a slow definition."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labels.evaluation import scores


@pytest.mark.parametrize(
    ("confidences", "targets", "expected"),
    [
        pytest.param([4, 3, 2, 1], [1, 1, 0, 0], 1.0, id="perfect"),
        pytest.param([1, 2, 3, 4], [1, 1, 0, 0], (1 / 3 + 2 / 4) / 2, id="the wrong way round"),
        pytest.param([4, 1, 3, 2], [1, 1, 0, 0], (1 / 1 + 2 / 4) / 2, id="one late"),
        pytest.param([0, 0, 0, 0], [1, 0, 0, 0], 1 / 4, id="nothing predicted: the base rate"),
        pytest.param([5, 5, 0], [1, 0, 1], (1 / 2 + 2 / 3) / 2, id="a tie counts as a whole"),
        pytest.param([5, 5, 0], [0, 1, 1], (1 / 2 + 2 / 3) / 2, id="the order within a tie does not matter"),
        pytest.param([1], [1], 1.0, id="one photo"),
        pytest.param([3, 2], [0, 0], None, id="nothing present"),
        pytest.param([], [], None, id="no photos"),
    ],
)
def test_average_precision(confidences, targets, expected):
    assert scores.average_precision(confidences, targets) == (expected and pytest.approx(expected))


def slowly(confidences, targets):
    """Return the sum over all thresholds of the step in recall times the precision there."""
    present, before, area = sum(targets), 0.0, 0.0
    for threshold in sorted(set(confidences), reverse=True):
        said = [score >= threshold for score in confidences]
        right = sum(1 for one, target in zip(said, targets, strict=True) if one and target)
        area += (right / present - before) * right / sum(said)
        before = right / present
    return area


@pytest.mark.parametrize("count", [3, 326])
def test_a_perfect_ranking_is_exactly_one(count):
    assert scores.average_precision(range(count), [1] * count) == 1.0


PHOTOS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 1)), min_size=1, max_size=30)


@given(PHOTOS.filter(lambda photos: any(target for _, target in photos)))
def test_average_precision_is_what_its_definition_says(photos):
    confidences, targets = zip(*photos, strict=True)

    assert scores.average_precision(confidences, targets) == pytest.approx(slowly(confidences, targets))


@given(PHOTOS, st.randoms())
def test_the_order_of_the_photos_decides_nothing(photos, random):
    shuffled = random.sample(photos, len(photos))

    assert score_of(photos) == score_of(shuffled)


def score_of(photos):
    confidences, targets = zip(*photos, strict=True)
    return scores.score(confidences, [score >= 3 for score in confidences], targets)


@pytest.mark.parametrize(
    ("predicted", "targets", "precision", "recall"),
    [
        pytest.param([1, 1, 1, 0, 0], [1, 1, 0, 1, 0], 2 / 3, 2 / 3, id="two of three"),
        pytest.param([0, 0], [1, 0], None, 0.0, id="never predicted"),
        pytest.param([1, 0], [0, 0], 0.0, None, id="never there"),
        pytest.param([], [], None, None, id="never known"),
    ],
)
def test_precision_and_recall_count_what_was_predicted_and_what_was_there(
    predicted, targets, precision, recall
):
    score = scores.score(predicted, predicted, targets)

    assert (score.precision, score.recall) == (precision, recall)


def test_the_figures_of_a_score_come_with_what_they_were_made_of():
    score = scores.score([90, 60, 20, 10], [True, True, False, False], [1, 0, 1, 0])

    assert score == scores.Score(
        known=4, present=2, predicted=2, correct=1, average_precision=pytest.approx((1 + 2 / 3) / 2)
    )
