"""The arithmetic of the Region limiter, without a database and without a clock."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labels.detectors.rekognition.regions import pacing
from labels.detectors.rekognition.regions.pacing import Pace
from labels.detectors.rekognition.regions.permits import LAPSE_SECONDS

NOW = 1_800_000_000.0
# It has been called a second ago and long enough before: no ramp.
WARM = Pace(quota=50, next_at=NOW - 1, granted_at=NOW - 1, ramp_at=NOW - 100)
TRIPPED = replace(WARM, failures=pacing.TRIP, opened_at=NOW - 5, open_until=NOW - 1)


def test_a_free_region_is_granted_at_once_and_the_next_call_after_a_gap():
    pace, moments = pacing.grant(WARM, NOW, 1)

    assert moments == [NOW]
    assert pacing.free_at(pace, NOW) == pytest.approx(NOW + 1 / (50 * pacing.HEADROOM), rel=0, abs=1e-6)


def test_a_lease_spaces_its_moments_and_the_next_one_follows_behind_them():
    first, moments = pacing.grant(WARM, NOW, 5)
    _, later = pacing.grant(first, NOW, 2)

    gaps = [after - before for before, after in pairwise([*moments, *later])]
    assert gaps == pytest.approx([1 / (50 * pacing.HEADROOM)] * 6, abs=1e-6)


@pytest.mark.parametrize(
    ("idle", "part"),
    [(1, 1.0), (59, 1.0), (61, pacing.RAMP_FROM), (100_000, pacing.RAMP_FROM)],
    ids=["a second", "under a minute", "over a minute", "never called"],
)
def test_after_idling_the_rate_begins_low(idle, part):
    pace, _ = pacing.grant(replace(WARM, granted_at=NOW - idle), NOW, 1)

    assert pacing.rate(pace, NOW) == pytest.approx(50 * pacing.HEADROOM * part)
    assert pacing.rate(pace, NOW + pacing.RAMP_SECONDS) == pytest.approx(50 * pacing.HEADROOM)


@pytest.mark.parametrize(
    ("changes", "first"),
    [
        pytest.param({}, "large", id="all free: the largest"),
        pytest.param({"large": {"next_at": NOW + 0.1}}, "small", id="the largest is taken for now"),
        pytest.param(
            {"large": {"next_at": NOW + 0.1}, "small": {"next_at": NOW + 0.2}}, "large", id="earliest"
        ),
        pytest.param({"large": {"open_until": NOW + 9}}, "small", id="a resting one comes later"),
    ],
)
def test_the_region_that_is_free_first_is_taken(changes, first):
    paces = {"small": replace(WARM, quota=5), "large": WARM}
    for name, change in changes.items():
        paces[name] = replace(paces[name], **change)

    assert pacing.first_free(paces, NOW) == first


def test_of_regions_that_are_free_one_that_refused_us_is_asked_first():
    paces = {"small": replace(WARM, quota=5), "large": WARM}

    assert pacing.first_free(paces, NOW, {"small"}) == "small"
    paces["small"] = pacing.refused(paces["small"], NOW)
    assert pacing.first_free(paces, NOW, {"small"}) == "large"
    assert pacing.first_free(paces, NOW + pacing.REFUSED_SECONDS, {"small"}) == "small"


def test_regions_are_used_in_proportion_to_their_quotas():
    paces = {"large": WARM, "small": replace(WARM, quota=5)}
    granted = {"large": 0, "small": 0}
    for _ in range(550):
        name = pacing.first_free(paces, NOW)
        paces[name], _ = pacing.grant(paces[name], NOW, 1)
        granted[name] += 1

    assert granted == {"large": 500, "small": 50}


def test_one_overload_cuts_the_rate_once():
    cut = pacing.throttled(WARM, NOW, granted_at=NOW - 0.5)
    again = pacing.throttled(cut, NOW + 0.1, granted_at=NOW - 0.4)
    later = pacing.throttled(cut, NOW + 0.2, granted_at=NOW + 0.1)

    assert pacing.slowed(cut, NOW) == pytest.approx(pacing.CUT)
    assert again == cut
    assert pacing.slowed(later, NOW + 0.2) < pacing.CUT**2 + 0.001


def test_time_gives_the_rate_back_up_to_the_quota():
    cut = pacing.throttled(WARM, NOW, granted_at=NOW)

    assert pacing.slowed(cut, NOW + 10) == pytest.approx(pacing.CUT + 10 * pacing.GAIN)
    assert pacing.slowed(cut, NOW + 1000) == 1


def test_throttles_never_stop_a_region_for_good():
    pace = WARM
    for second in range(100):
        pace = pacing.throttled(pace, NOW + second / 100, granted_at=NOW + second / 100)

    assert pacing.slowed(pace, NOW + 1) >= pacing.LEAST


@pytest.mark.parametrize(
    ("failures", "pause"),
    [(0, 0), (1, 0), (2, 1), (3, 2), (4, 4), (5, 8), (6, 16), (7, 30), (5000, 30)],
)
def test_from_the_third_failure_on_the_breaker_opens_longer_each_time(failures, pause):
    pace = pacing.failed(replace(WARM, failures=failures), NOW, granted_at=NOW)

    assert pacing.free_at(pace, NOW) == NOW + pause


def test_failures_of_calls_from_before_the_pause_do_not_lengthen_it():
    pace = pacing.failed(replace(WARM, failures=2), NOW, granted_at=NOW - 1)

    assert pacing.failed(pace, NOW + 0.5, granted_at=NOW - 0.5) == pace


def test_after_the_pause_one_call_probes_and_the_others_wait():
    pace, moments = pacing.grant(TRIPPED, NOW, 5)

    assert moments == [NOW]
    assert pacing.free_at(pace, NOW + 1) == NOW + pacing.PROBE_SECONDS


def test_a_probe_that_is_answered_closes_the_breaker_and_the_rate_rises_anew():
    probing, _ = pacing.grant(TRIPPED, NOW, 1)

    pace = pacing.worked(probing, NOW + 0.2, granted_at=NOW)

    assert not pacing.is_tripped(pace)
    assert pacing.free_at(pace, NOW + 0.2) == NOW + 0.2
    assert pacing.rate(pace, NOW + 0.2) == pytest.approx(50 * pacing.HEADROOM * pacing.RAMP_FROM)


def test_a_probe_that_fails_lengthens_the_pause():
    probing, _ = pacing.grant(TRIPPED, NOW, 1)

    pace = pacing.failed(probing, NOW + 3, granted_at=NOW)

    assert pacing.free_at(pace, NOW + 3) == NOW + 3 + 2


def test_an_answer_from_before_the_breaker_opened_does_not_close_it():
    pace = pacing.worked(TRIPPED, NOW, granted_at=TRIPPED.opened_at - 1)

    assert pacing.is_tripped(pace)


def test_a_throttled_probe_shows_that_the_region_is_back():
    probing, _ = pacing.grant(TRIPPED, NOW, 1)

    assert not pacing.is_tripped(pacing.throttled(probing, NOW + 0.1, granted_at=NOW))


def test_a_refusal_rests_the_region_and_is_probed_after_a_minute():
    pace = pacing.refused(WARM, NOW)
    probing, moments = pacing.grant(pace, NOW + 1, 5)

    assert moments == [NOW + pacing.REFUSED_SECONDS]
    assert pacing.is_tripped(probing)


def test_the_rate_shown_is_that_of_the_last_seconds():
    pace, now = WARM, NOW
    for _ in range(40 * 60):
        now += 1 / 40
        pace, _ = pacing.grant(pace, now, 1)

    assert pacing.recent(pace, now) == pytest.approx(40, rel=0.02)
    assert pacing.recent(pace, now + 60) < 1


_STEPS = st.lists(
    st.tuples(
        st.floats(0, 90) | st.floats(0, 0.1),
        st.sampled_from(["grant"] * 6 + ["throttled", "failed", "refused", "worked"]),
        st.integers(1, 5),
        st.lists(st.floats(0, LAPSE_SECONDS), min_size=5, max_size=5),
    ),
    max_size=60,
)


@settings(max_examples=200, deadline=None)
@given(st.floats(0.5, 500), _STEPS)
def test_no_window_ever_sees_more_than_the_quota_and_what_may_be_late(quota, steps):
    pace, now, used = Pace(quota=quota), NOW, []
    for wait, step, count, late in steps:
        now += wait
        if step == "grant":
            pace, moments = pacing.grant(pace, now, count)
            used += [moment + delay for moment, delay in zip(moments, late, strict=False)]
        elif step == "refused":
            pace = pacing.refused(pace, now)
        else:
            pace = getattr(pacing, step)(pace, now, granted_at=now)

    used.sort()
    for number, begin in enumerate(used):
        for calls, end in enumerate(used[number:], start=1):
            assert calls <= quota * (end - begin + LAPSE_SECONDS) + 1 + 1e-3
