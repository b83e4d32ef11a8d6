"""Which clusters are silent, by a clock that does not jump."""

from datetime import timedelta

import pytest
from django.utils import timezone

from labels.models import Photo
from labels.workers import heartbeats
from labels.workers.lanes import BUNDLES, LABELS
from labels.workers.watch import Signs
from tests import factory

NOTHING = {"worker": None, "monitor": None, "work": frozenset()}
# It looks every 15 s; STALE is three minutes.
STEP, STALE = 15, 180


def _alive(*found):
    """Return what is said of signs that are found one after the other."""
    signs = Signs(0)
    return [signs.look({**NOTHING, **one}, STEP * number) for number, one in enumerate(found, 1)]


def _forever(**signs):
    return [signs] * 40


def test_a_cluster_is_silent_three_minutes_after_its_last_sign():
    said = _alive(*[{"worker": n, "monitor": n} for n in range(10)], *_forever(worker=9, monitor=9))

    last = 10 + STALE // STEP
    assert said == [True] * last + [False] * (len(said) - last)


@pytest.mark.parametrize("still", ["worker", "monitor"])
def test_a_cluster_of_which_one_half_is_silent_is_silent(still):
    said = _alive(*[{"worker": n, "monitor": n, still: 7} for n in range(40)])

    assert (said[10], said[-1]) == (True, False)


def test_a_cluster_that_never_gave_a_sign_has_three_minutes():
    said = _alive(*_forever())

    assert said == [True] * (STALE // STEP) + [False] * (len(said) - STALE // STEP)


@pytest.mark.parametrize("hours", [-1000, 1000])
def test_a_clock_that_jumps_changes_nothing(hours):
    now = timezone.now()
    moments = [now + timedelta(seconds=STEP * n, hours=hours * (n > 20)) for n in range(40)]

    assert all(_alive(*[{"worker": at, "monitor": at} for at in moments]))
    # Nor does what was left behind by the wrong clock, for one that was killed.
    assert not _alive(*_forever(worker=moments[-1], monitor=moments[-1]))[-1]


def test_work_that_is_renewed_speaks_for_a_worker_that_does_nothing_else():
    said = _alive(*[{"work": frozenset({n})} for n in range(40)], *_forever(work=frozenset({39})))

    assert said[39]
    assert not said[-1]


def test_nobody_is_silent_because_nobody_could_look():
    """A database that was away for an hour, or a machine that slept."""
    signs = Signs(0)
    assert signs.look({**NOTHING, "worker": 1, "monitor": 1}, 15)

    assert signs.look({**NOTHING, "worker": 1, "monitor": 1}, 3600)
    assert all(signs.look({**NOTHING, "worker": 1, "monitor": 1}, 3600 + n) for n in range(0, STALE, STEP))


@pytest.mark.django_db
def test_the_signs_are_those_of_this_machine_and_this_cluster(dan):
    factory.worker_seen(LABELS, "elsewhere", pid=7)
    factory.worker_seen(LABELS, pid=8)
    factory.worker_seen(BUNDLES, pid=7)
    Photo.objects.claim(factory.photo(dan, colour="red").pk, "elsewhere:17:0a1b")
    assert heartbeats.signs_here(LABELS, 7) == NOTHING

    row = factory.worker_seen(LABELS, pid=7, worker=1)
    photo = Photo.objects.claim(factory.photo(dan, colour="blue").pk, f"{heartbeats.host()}:17:0a1b")
    found = heartbeats.signs_here(LABELS, 7)
    photo.renew_lease()

    assert (found["worker"], found["monitor"]) == (row.worker_at, row.monitor_at)
    assert len(found["work"]) == 1
    assert heartbeats.signs_here(LABELS, 7)["work"] != found["work"]
