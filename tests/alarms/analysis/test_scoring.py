import numpy as np
import pytest

from alarms.analysis.evaluation import Rule, evaluate_all
from alarms.analysis.scoring import notifications, score, usual_m_of_n
from alarms.cloudwatch.constants import OK

DAY = 86_400
MINUTES = 1_767_571_200 + 60.0 * np.arange(4 * 1_440)


def orders(seed=1):
    random = np.random.default_rng(seed)
    return random.poisson(2_000 - 1_700 * np.cos(MINUTES % DAY / DAY * 2 * np.pi)).astype(float)


@pytest.mark.parametrize(
    ("period", "expected"),
    [
        (10, (3, 5)),
        (60, (3, 5)),
        (299, (3, 5)),
        (300, (2, 3)),
        (1_800, (2, 3)),
        (3_600, (1, 1)),
        (DAY, (1, 1)),
    ],
)
def test_the_longer_a_datapoint_the_fewer_are_waited_for(period, expected):
    assert usual_m_of_n(period) == expected


@pytest.mark.parametrize(
    ("points", "quiet", "expected"),
    [
        ([0, 1, 1, 0, 0], 0, [1]),
        ([0, 1, 0, 1, 0], 0, [1, 3]),
        ([0, 1, 0, 1, 0], 120, [1]),
        ([0, 1, 0, 0, 1], 120, [1, 4]),
        ([1, 0, 1, 0, 1, 0, 1], 120, [0]),
        ([0, 0, 0], 0, []),
        ([1, 1, 1], 120, [0]),
        ([], 120, []),
    ],
    ids=["once", "twice", "flaps", "quiet before", "flaps on and on", "never", "never over", "nothing"],
)
def test_an_alarm_notifies_again_only_after_a_quiet_time(points, quiet, expected):
    states = evaluate_all(np.array(points, dtype=np.int8), Rule(n=1), OK)

    assert notifications(60.0 * np.arange(len(points)), states, quiet).tolist() == expected


def test_a_fall_by_half_at_midday_notifies_at_its_third_minute_and_once():
    values = orders()
    noon = 3 * 1_440 + 720
    values[noon : noon + 60] /= 2

    assert np.flatnonzero(score(MINUTES, values).notified).tolist() == [noon + 2]


def test_no_orders_at_the_quietest_hour_are_noticed():
    values = orders()
    values[3 * 1_440 : 3 * 1_440 + 30] = 0

    assert np.flatnonzero(score(MINUTES, values).notified).tolist() == [3 * 1_440 + 2]


def test_clean_days_do_not_notify():
    assert not score(MINUTES, orders(2)).notified.any()


@pytest.mark.parametrize(("m", "n", "after"), [(1, 1, 0), (2, None, 1), (None, 2, 1), (5, 5, 4)])
def test_m_of_n_can_be_chosen(m, n, after):
    values = orders()
    values[5_000:5_060] = 0

    assert np.flatnonzero(score(MINUTES, values, m=m, n=n, k=4).notified)[0] == 5_000 + after


def test_a_wider_band_breaches_less():
    values = orders()

    counts = [score(MINUTES, values, k=k).breaching.sum() for k in (1, 2, 3)]

    assert counts[0] > counts[1] > counts[2]
