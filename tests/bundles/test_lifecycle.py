"""The other ends: cancelled while it is built, expired, given up, tried again."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from labels import tasks
from labels.bundles import building, lifecycle
from labels.bundles.request import request_bundle
from labels.maintenance.sweep import sweep
from labels.models import Bundle, Notice
from labels.selection.predicate import Selection
from tests import factory
from tests.bundles import archives
from tests.conftest import stored

pytestmark = pytest.mark.django_db


@pytest.fixture
def library(dan):
    return [factory.photo(dan, (60 * n, 0, 0), (200 + n, 150), f"{n}.jpg") for n in range(4)]


@pytest.mark.parametrize("at", [1, 2, 4], ids=["first photo", "between parts", "last photo"])
@pytest.mark.parametrize("part_bytes", [1, 10**9], ids=["a part each", "one part"])
def test_cancelling_while_it_is_built_leaves_no_files_and_no_mail(
    dan, library, before_open, commits, mailoutbox, at, part_bytes
):
    bundle = factory.held_bundle(dan, part_bytes=part_bytes)
    opened = []

    def cancel(key):
        opened.append(key)
        if len(opened) == at:
            assert lifecycle.cancel(Bundle.objects.get())

    before_open(cancel)
    with commits():
        building.build(bundle)

    bundle.refresh_from_db()
    assert bundle.status == Bundle.Status.CANCELLED
    assert stored("bundles") == []
    assert not bundle.parts.exists()
    assert not Notice.objects.exists()
    assert mailoutbox == []


def test_a_cancelled_download_is_not_built_by_a_late_task(dan, library):
    bundle = request_bundle(dan, Selection(everything=True))

    assert lifecycle.cancel(bundle)
    tasks.build_bundle(bundle.pk)

    bundle.refresh_from_db()
    assert bundle.status == Bundle.Status.CANCELLED
    assert stored("bundles") == []


def test_a_finished_download_cannot_be_cancelled(dan, library):
    bundle = factory.held_bundle(dan)
    building.build(bundle)

    assert not lifecycle.cancel(bundle)

    bundle.refresh_from_db()
    assert bundle.status == Bundle.Status.READY
    assert len(stored("bundles")) == 1


def test_the_sweep_removes_what_is_past_its_time_and_keeps_the_rest(dan, library, commits):
    past, kept = factory.held_bundle(dan, part_bytes=1), factory.held_bundle(dan)
    building.build(past)
    building.build(kept)
    Bundle.objects.filter(pk=past.pk).update(expires_at=timezone.now())

    with commits():
        swept = sweep()

    assert swept["bundles_expired"] == 1
    past.refresh_from_db()
    assert past.status == Bundle.Status.EXPIRED
    assert not past.parts.exists()
    assert stored("bundles") == [kept.parts.get().file.name]


def test_a_second_sweep_finds_nothing(dan, library, commits):
    bundle = factory.held_bundle(dan)
    with commits():
        building.build(bundle)
    Bundle.objects.update(expires_at=timezone.now())

    with commits():
        first = sweep()
    with commits():
        second = sweep()

    assert first["bundles_expired"] == 1
    assert not any(second.values())


def test_archives_are_kept_for_the_hours_that_were_set(dan, library, settings):
    settings.BUNDLE_KEEP_HOURS = 3
    bundle = factory.held_bundle(dan)

    building.build(bundle)

    bundle.refresh_from_db()
    assert bundle.expires_at == bundle.finished_at + timedelta(hours=3)


def test_a_download_whose_workers_all_died_fails_with_a_sentence(dan, library, commits, mailoutbox):
    bundle = factory.held_bundle(dan)
    Bundle.objects.update(attempts=settings.MAX_ATTEMPTS, lease_until=timezone.now() - timedelta(seconds=1))

    with commits():
        swept = sweep()

    assert swept["bundles_given_up"] == 1
    bundle.refresh_from_db()
    assert bundle.status == Bundle.Status.FAILED
    assert bundle.failure_reason == "The worker stopped in the middle of it, 5 times."
    assert bundle.failure_reason in mailoutbox[0].body


def test_what_a_failed_download_left_for_a_retry_goes_with_its_time(dan, library, commits):
    bundle = factory.held_bundle(dan)
    Bundle.objects.update(attempts=settings.MAX_ATTEMPTS, lease_until=timezone.now() - timedelta(seconds=1))
    left = settings.DATA_DIR / "bundles" / str(bundle.pk) / "left.zip"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    with commits():
        sweep()
    assert stored("bundles") == [f"{bundle.pk}/left.zip"]
    Bundle.objects.update(expires_at=timezone.now())

    with commits():
        first = sweep()
    with commits():
        second = sweep()

    assert (first["bundles_expired"], second["bundles_expired"]) == (1, 0)
    assert stored("bundles") == []
    assert Bundle.objects.get().status == Bundle.Status.FAILED


def test_a_download_left_by_a_dead_worker_is_built_by_the_next_one(dan, library, commits):
    bundle = factory.held_bundle(dan)
    Bundle.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    left = settings.DATA_DIR / "bundles" / str(bundle.pk) / "left.zip.partial"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")

    with commits():
        sweep()

    bundle.refresh_from_db()
    assert bundle.status == Bundle.Status.READY
    assert bundle.attempts == 0  # Those without progress.
    assert stored("bundles") == [bundle.parts.get().file.name]
    assert len(archives.photos(bundle)) == 4


@pytest.mark.parametrize("status", Bundle.RETRYABLE)
def test_trying_again_delivers_and_tells_the_new_outcome_once(dan, library, commits, mailoutbox, status):
    bundle = factory.held_bundle(dan)
    Bundle.objects.update(status=status, attempts=5, failure_reason="No luck.")
    Notice.objects.create(bundle=bundle, outcome=Notice.Outcome.FAILED).deliveries.update(status="sent")

    again = lifecycle.retry(bundle)
    with commits():
        tasks.build_bundle(bundle.pk)

    assert again
    bundle.refresh_from_db()
    assert (bundle.status, bundle.failure_reason) == (Bundle.Status.READY, "")
    assert [notice.outcome for notice in Notice.objects.all()] == [Notice.Outcome.READY]
    assert [mail.subject for mail in mailoutbox] == ["Your 4 photos are ready: all photos"]


@pytest.mark.parametrize("status", [s for s in Bundle.Status if s not in Bundle.RETRYABLE])
def test_only_failed_cancelled_and_expired_downloads_are_tried_again(dan, library, status):
    bundle = factory.held_bundle(dan)
    Bundle.objects.update(status=status)

    assert not lifecycle.retry(bundle)

    assert Bundle.objects.get().status == status


def test_archives_go_with_their_owner(dan, library, commits):
    bundle = factory.held_bundle(dan)
    building.build(bundle)

    with commits():
        dan.delete()

    assert stored("bundles") == stored("originals") == []
