"""The arithmetic of the Region limiter, without a database and without a clock."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labels.detectors.rekognition.regions import throttling
from labels.detectors.rekognition.regions.permits import PERMIT_SECONDS
from labels.detectors.rekognition.regions.throttling import HEADROOM, changed
from labels.models import RegionQuota

NOW = 1_800_000_000.0
# It has been called a second ago and long enough before: no ramp.
WARM = RegionQuota(quota=50, next_at=NOW - 1, granted_at=NOW - 1, ramp_at=NOW - 100)
TRIPPED = changed(WARM, failures=throttling.MAX_FAILURES, opened_at=NOW - 5, open_until=NOW - 1)


def test_a_free_region_is_granted_at_once_and_the_next_call_after_a_gap():
    limiter, moments = throttling.grant(WARM, NOW, 1)

    assert moments == [NOW]
    assert throttling.free_at(limiter, NOW) == pytest.approx(NOW + 1 / (50 * HEADROOM), rel=0, abs=1e-6)


def test_a_lease_spaces_its_moments_and_the_next_one_follows_behind_them():
    first, moments = throttling.grant(WARM, NOW, 5)
    _, later = throttling.grant(first, NOW, 2)

    gaps = [after - before for before, after in pairwise([*moments, *later])]
    assert gaps == pytest.approx([1 / (50 * HEADROOM)] * 6, abs=1e-6)


@pytest.mark.parametrize(
    ("idle", "part"),
    [(1, 1.0), (59, 1.0), (61, throttling.RAMP_FROM), (100_000, throttling.RAMP_FROM)],
    ids=["a second", "under a minute", "over a minute", "never called"],
)
def test_after_idling_the_rate_begins_low(idle, part):
    limiter, _ = throttling.grant(changed(WARM, granted_at=NOW - idle), NOW, 1)

    assert throttling.rate(limiter, NOW) == pytest.approx(50 * HEADROOM * part)
    assert throttling.rate(limiter, NOW + throttling.RAMP_SECONDS) == pytest.approx(50 * HEADROOM)


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
    limiters = {"small": changed(WARM, quota=5), "large": WARM}
    for name, change in changes.items():
        limiters[name] = changed(limiters[name], **change)

    assert throttling.first_free(limiters, NOW) == first


def test_of_regions_that_are_free_one_that_refused_us_is_called_first():
    limiters = {"small": changed(WARM, quota=5), "large": WARM}

    assert throttling.first_free(limiters, NOW, {"small"}) == "small"
    limiters["small"] = throttling.refused(limiters["small"], NOW)
    assert throttling.first_free(limiters, NOW, {"small"}) == "large"
    assert throttling.first_free(limiters, NOW + throttling.REFUSED_SECONDS, {"small"}) == "small"


def test_regions_are_used_in_proportion_to_their_quotas():
    limiters = {"large": WARM, "small": changed(WARM, quota=5)}
    granted = {"large": 0, "small": 0}
    for _ in range(550):
        name = throttling.first_free(limiters, NOW)
        limiters[name], _ = throttling.grant(limiters[name], NOW, 1)
        granted[name] += 1

    assert granted == {"large": 500, "small": 50}


def test_one_overload_cuts_the_rate_once():
    cut = throttling.throttled(WARM, NOW, granted_at=NOW - 0.5)
    again = throttling.throttled(cut, NOW + 0.1, granted_at=NOW - 0.4)
    later = throttling.throttled(cut, NOW + 0.2, granted_at=NOW + 0.1)

    assert throttling.factor(cut, NOW) == pytest.approx(throttling.DECREASE)
    assert again == cut
    assert throttling.factor(later, NOW + 0.2) < throttling.DECREASE**2 + 0.001


def test_time_gives_the_rate_back_up_to_the_quota():
    cut = throttling.throttled(WARM, NOW, granted_at=NOW)

    assert throttling.factor(cut, NOW + 10) == pytest.approx(throttling.DECREASE + 10 * throttling.INCREASE)
    assert throttling.factor(cut, NOW + 1000) == 1


def test_throttles_never_stop_a_region_for_good():
    limiter = WARM
    for second in range(100):
        limiter = throttling.throttled(limiter, NOW + second / 100, granted_at=NOW + second / 100)

    assert throttling.factor(limiter, NOW + 1) >= throttling.LEAST_FACTOR


@pytest.mark.parametrize(
    ("failures", "pause"),
    [(0, 0), (1, 0), (2, 1), (3, 2), (4, 4), (5, 8), (6, 16), (7, 30), (5000, 30)],
)
def test_from_the_third_failure_on_the_breaker_opens_longer_each_time(failures, pause):
    limiter = throttling.failed(changed(WARM, failures=failures), NOW, granted_at=NOW)

    assert throttling.free_at(limiter, NOW) == NOW + pause


def test_failures_of_calls_from_before_the_pause_do_not_lengthen_it():
    limiter = throttling.failed(changed(WARM, failures=2), NOW, granted_at=NOW - 1)

    assert throttling.failed(limiter, NOW + 0.5, granted_at=NOW - 0.5) == limiter


def test_after_the_pause_one_call_probes_and_the_others_wait():
    limiter, moments = throttling.grant(TRIPPED, NOW, 5)

    assert moments == [NOW]
    assert throttling.free_at(limiter, NOW + 1) == NOW + throttling.PROBE_SECONDS


def test_a_probe_that_is_answered_closes_the_breaker_and_the_rate_rises_anew():
    probing, _ = throttling.grant(TRIPPED, NOW, 1)

    limiter = throttling.succeeded(probing, NOW + 0.2, granted_at=NOW)

    assert not throttling.is_tripped(limiter)
    assert throttling.free_at(limiter, NOW + 0.2) == NOW + 0.2
    assert throttling.rate(limiter, NOW + 0.2) == pytest.approx(50 * HEADROOM * throttling.RAMP_FROM)


def test_a_probe_that_fails_lengthens_the_pause():
    probing, _ = throttling.grant(TRIPPED, NOW, 1)

    limiter = throttling.failed(probing, NOW + 3, granted_at=NOW)

    assert throttling.free_at(limiter, NOW + 3) == NOW + 3 + 2


def test_a_response_from_before_the_breaker_opened_does_not_close_it():
    limiter = throttling.succeeded(TRIPPED, NOW, granted_at=TRIPPED.opened_at - 1)

    assert throttling.is_tripped(limiter)


def test_a_throttled_probe_shows_that_the_region_is_back():
    probing, _ = throttling.grant(TRIPPED, NOW, 1)

    assert not throttling.is_tripped(throttling.throttled(probing, NOW + 0.1, granted_at=NOW))


def test_a_refusal_rests_the_region_and_is_probed_after_a_minute():
    limiter = throttling.refused(WARM, NOW)
    probing, moments = throttling.grant(limiter, NOW + 1, 5)

    assert moments == [NOW + throttling.REFUSED_SECONDS]
    assert throttling.is_tripped(probing)


def test_the_rate_shown_is_that_of_the_last_seconds():
    limiter, now = WARM, NOW
    for _ in range(40 * 60):
        now += 1 / 40
        limiter, _ = throttling.grant(limiter, now, 1)

    assert throttling.recent(limiter, now) == pytest.approx(40, rel=0.02)
    assert throttling.recent(limiter, now + 60) < 1


_STEPS = st.lists(
    st.tuples(
        st.floats(0, 90) | st.floats(0, 0.1),
        st.sampled_from(["grant"] * 6 + ["throttled", "failed", "refused", "succeeded"]),
        st.integers(1, 5),
        st.lists(st.floats(0, PERMIT_SECONDS), min_size=5, max_size=5),
    ),
    max_size=60,
)


@settings(max_examples=200, deadline=None)
@given(st.floats(0.5, 500), _STEPS)
def test_no_window_ever_sees_more_than_the_quota_and_what_may_be_late(quota, steps):
    limiter, now, used = RegionQuota(quota=quota), NOW, []
    for wait, step, count, late in steps:
        now += wait
        if step == "grant":
            limiter, moments = throttling.grant(limiter, now, count)
            used += [moment + delay for moment, delay in zip(moments, late, strict=False)]
        elif step == "refused":
            limiter = throttling.refused(limiter, now)
        else:
            limiter = getattr(throttling, step)(limiter, now, granted_at=now)

    used.sort()
    for number, begin in enumerate(used):
        for calls, end in enumerate(used[number:], start=1):
            assert calls <= quota * (end - begin + PERMIT_SECONDS) + 1 + 1e-3
