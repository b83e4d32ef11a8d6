"""A row is worked on by one worker at a time, and never lost to a dead one."""

import threading
import time
from datetime import timedelta

import pytest
from django.utils import timezone

from labels.models import Photo
from photomgr.claim import backoff, new_lease_owner
from tests import factory

pytestmark = pytest.mark.django_db


@pytest.fixture
def photo(dan):
    [photo] = factory.many_photos(dan, 1, status=Photo.Status.PENDING)
    return photo


def _ago(seconds):
    return timezone.now() - timedelta(seconds=seconds)


def test_a_claim_holds_the_row_and_counts_the_attempt(photo, settings):
    settings.CLAIM_LEASE_SECONDS = 60

    claimed = Photo.objects.claim(photo.pk, "me")

    assert claimed.status == Photo.Status.LABELLING
    assert (claimed.lease_owner, claimed.attempts) == ("me", 1)
    assert timedelta(seconds=50) < claimed.lease_until - timezone.now() <= timedelta(seconds=60)


# Moments are seconds from now.
NOT_CLAIMABLE = {
    "held": {"status": "labelling", "lease_owner": "other", "lease_until": 60},
    "done": {"status": "labelled"},
    "failed": {"status": "failed"},
    "backing off": {"next_attempt_at": 60},
    "worn out by dead workers": {"status": "labelling", "attempts": 5, "lease_until": -1},
}


@pytest.mark.parametrize("fields", NOT_CLAIMABLE.values(), ids=NOT_CLAIMABLE)
def test_what_may_not_be_taken_is_none_and_stays_as_it_is(photo, settings, fields):
    settings.MAX_ATTEMPTS = 5
    for name in {"lease_until", "next_attempt_at"} & fields.keys():
        fields = {**fields, name: _ago(-fields[name])}
    Photo.objects.update(**fields)
    before = Photo.objects.values().get()

    assert Photo.objects.claim(photo.pk, "me") is None
    assert Photo.objects.values().get() == before


def test_a_row_that_is_gone_is_none(photo):
    photo.delete()

    assert Photo.objects.claim(photo.pk, "me") is None


def test_the_row_of_a_dead_worker_is_claimed_again_and_the_attempt_counted(photo):
    first = Photo.objects.claim(photo.pk, "dead")
    Photo.objects.update(lease_until=_ago(1))

    second = Photo.objects.claim(photo.pk, "me")

    assert (second.lease_owner, second.attempts) == ("me", 2)
    assert not Photo.objects.held(first).exists()
    assert Photo.objects.held(second).get() == second


def test_a_lease_is_renewed_only_by_its_lease_owner(photo):
    first = Photo.objects.claim(photo.pk, "dead")
    Photo.objects.update(lease_until=_ago(1))
    assert first.renew_lease()

    Photo.objects.update(lease_until=_ago(1))
    Photo.objects.claim(photo.pk, "me")

    assert not first.renew_lease()


def test_due_rows_come_longest_waiting_first_and_worn_out_ones_apart(dan, settings):
    settings.MAX_ATTEMPTS = 3
    late, early, worn = factory.many_photos(dan, 3, status=Photo.Status.PENDING)
    Photo.objects.filter(pk=early.pk).update(next_attempt_at=_ago(100))
    Photo.objects.filter(pk=worn.pk).update(attempts=3, status="labelling", lease_until=_ago(1))

    assert list(Photo.objects.due(timezone.now())) == [early, late]
    assert list(Photo.objects.worn_out(timezone.now())) == [worn]


@pytest.mark.parametrize(("attempts", "most"), [(1, 2), (2, 4), (5, 32), (8, 256), (9, 300), (500, 300)])
def test_the_wait_grows_up_to_five_minutes(attempts, most):
    waits = [backoff(attempts).total_seconds() for _ in range(200)]

    assert all(1 <= wait <= most for wait in waits)
    assert max(waits) > most / 2


def test_every_claim_has_a_lease_owner_of_its_own():
    owners = {new_lease_owner() for _ in range(100)}

    assert len(owners) == 100
    assert all(len(owner) <= 64 for owner in owners)


@pytest.mark.django_db(transaction=True)
def test_a_lease_is_renewed_while_a_long_step_runs(photo, settings):
    settings.CLAIM_LEASE_SECONDS = 0.3
    claimed, waited = Photo.objects.claim(photo.pk, "me"), time.monotonic()

    with claimed.lease_renewed():
        while Photo.objects.get().lease_until <= claimed.lease_until and time.monotonic() < waited + 10:
            pass

    assert Photo.objects.get().lease_until > claimed.lease_until
    assert Photo.objects.get().lease_owner == "me"


@pytest.mark.django_db(transaction=True)
def test_a_lease_that_was_lost_is_not_taken_back(photo, settings):
    settings.CLAIM_LEASE_SECONDS = 0.03
    claimed = Photo.objects.claim(photo.pk, "me")
    Photo.objects.update(lease_owner="other", lease_until=None)
    before, waited = threading.active_count(), time.monotonic()

    with claimed.lease_renewed():
        # It ends at the first renewal that finds the row in other hands.
        while threading.active_count() > before and time.monotonic() < waited + 10:
            pass
        assert threading.active_count() == before

    assert Photo.objects.get().lease_until is None
