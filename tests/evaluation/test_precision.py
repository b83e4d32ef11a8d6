"""Shares with their uncertainty, and the limit they speak for."""

import pytest

from labels.evaluation.precision import bands, proposed_threshold, wilson


@pytest.mark.parametrize(
    ("right", "total", "low", "high"),
    [
        # Newcombe (1998), table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (0, 0, 0.0, 1.0),
    ],
)
def test_wilsons_interval_is_newcombes(right, total, low, high):
    assert wilson(right, total) == pytest.approx((low, high), abs=0.0001)


def test_decisions_fall_into_bands():
    found = bands([(54.9, False), (55, True), (96, True), (100, True), (99, False)])

    assert [(band.start, band.right, band.total) for band in found] == [(95, 2, 3), (55, 1, 1), (0, 0, 1)]


@pytest.mark.parametrize(
    ("decisions", "limit"),
    [
        ([(90, True)] * 29, None),
        ([(90, True)] * 60, 90),
        ([(90, True)] * 60 + [(50, False)] * 10, 90),
        ([(90, True)] * 60 + [(50, True)] * 60, 50),
        # Equal confidences stand or fall together.
        ([(90, True)] * 60 + [(50, True), (50, False)] * 20, 90),
        ([(90, False)] * 60, None),
    ],
)
def test_a_limit_is_proposed_once_enough_was_decided(decisions, limit):
    assert proposed_threshold(decisions) == limit
