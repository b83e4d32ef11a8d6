"""A task may come twice, late, or for a photo that is gone; each end of a photo's job is seen by people."""

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from labels import tasks
from labels.labelling import attempts, counts, detection
from labels.labelling.detection import params_hash
from labels.maintenance import sweep
from labels.models import DetectionRun, LabelCount, Photo
from labels.models.photo import originals
from labels.pictures import renditions
from tests import factory
from tests.conftest import stored

pytestmark = pytest.mark.django_db


def _state(owner):
    rows = LabelCount.objects.filter(owner=owner).order_by("label__name")
    return (
        list(Photo.objects.values()),
        list(rows.values_list("label__name", "count")),
        stored("renditions"),
    )


def test_a_photo_is_labelled_and_counted(dan):
    photo = factory.photo(dan)

    tasks.label_photo(photo.pk)

    photo.refresh_from_db()
    assert photo.status == Photo.Status.LABELLED
    assert _state(dan)[1] == [("Colour", 1), ("Dark", 1), ("Red", 1)]


def test_a_second_delivery_changes_nothing(dan):
    photo = factory.photo(dan)
    tasks.label_photo(photo.pk)
    before = _state(dan)

    tasks.label_photo(photo.pk)

    assert _state(dan) == before
    assert DetectionRun.objects.count() == 1


def test_a_photo_that_is_gone_is_no_trouble(dan):
    tasks.label_photo(12345)

    assert not Photo.objects.exists()


def test_a_photo_that_another_worker_holds_is_left_to_it(dan):
    photo = factory.photo(dan)
    Photo.objects.claim(photo.pk, "another")
    before = _state(dan)

    tasks.label_photo(photo.pk)

    assert _state(dan) == before


def test_a_photo_that_another_worker_took_over_meanwhile_is_left_to_it(dan):
    photo = factory.photo(dan)

    def take_over(execute, sql, params, many, context):
        result = execute(sql, params, many, context)
        if sql.startswith('INSERT INTO "labels_detectionrun"'):
            Photo.objects.filter(pk=photo.pk).update(lease_owner="another")
        return result

    with connection.execute_wrapper(take_over):
        tasks.label_photo(photo.pk)

    photo.refresh_from_db()
    assert (photo.status, photo.lease_owner, photo.run) == (Photo.Status.LABELLING, "another", None)
    assert _state(dan)[1] == []
    assert not photo.photo_labels.exists()
    # It may have cost money: the next worker answers from it.
    assert DetectionRun.objects.count() == 1


def test_a_refused_photo_failed_with_code_and_reason(dan):
    photo = factory.photo(dan, factory.MAGENTA)

    tasks.label_photo(photo.pk)

    photo.refresh_from_db()
    assert photo.status == Photo.Status.FAILED
    assert photo.failure_code == "refused_by_fake"
    assert photo.failure_reason == "The fake detector refuses magenta."
    assert (photo.lease_owner, photo.lease_until) == ("", None)


def test_a_photo_waits_while_the_detector_is_away(dan):
    photo = factory.photo(dan, factory.CYAN)
    before = timezone.now()

    tasks.label_photo(photo.pk)

    photo.refresh_from_db()
    assert photo.status == Photo.Status.PENDING
    assert (photo.failure_code, photo.attempts) == ("fake_away", 1)
    assert photo.next_attempt_at > before
    assert not DetectionRun.objects.exists()


def test_a_photo_failed_when_its_last_attempt_was_in_vain(dan, settings):
    settings.MAX_ATTEMPTS = 2
    photo = factory.photo(dan, factory.CYAN)

    for _ in range(3):
        Photo.objects.update(next_attempt_at=timezone.now())
        tasks.label_photo(photo.pk)

    photo.refresh_from_db()
    assert (photo.status, photo.attempts) == (Photo.Status.FAILED, 2)
    assert photo.failure_reason == "The fake detector is away over cyan. (given up after 2 attempts)"


def test_a_lost_original_fails_its_photo_at_once(dan):
    photo = factory.photo(dan)
    originals().delete(photo.original.name)

    tasks.label_photo(photo.pk)

    photo.refresh_from_db()
    assert (photo.status, photo.failure_code) == (Photo.Status.FAILED, "original_missing")
    assert photo.failure_reason == "The original is no longer in storage."


def test_what_nobody_expected_is_raised_and_the_photo_waits(dan, settings):
    photo = factory.photo(dan)
    # A file where the folder should be: also root cannot write into it.
    (settings.DATA_DIR / "renditions").write_text("in the way")

    try:
        with pytest.raises(OSError, match="renditions"):
            tasks.label_photo(photo.pk)
    finally:
        (settings.DATA_DIR / "renditions").unlink()

    photo.refresh_from_db()
    assert (photo.status, photo.failure_code) == (Photo.Status.PENDING, "unexpected")
    # What went wrong, and nothing of where the server keeps its files.
    assert photo.failure_reason == "Something went wrong on the server (Not a directory)."
    assert photo.next_attempt_at > timezone.now()


def test_the_same_bytes_of_two_owners_are_detected_once(dan, eve):
    his, hers = factory.photo(dan), factory.photo(eve)

    tasks.label_photo(his.pk)
    tasks.label_photo(hers.pk)

    run = DetectionRun.objects.get()
    assert {row.run for row in [*his.photo_labels.all(), *hers.photo_labels.all()]} == {run}
    assert _state(eve)[1] == [("Colour", 1), ("Dark", 1), ("Red", 1)]


def test_the_raw_answer_stays_as_it_came_through_every_later_run(dan):
    photo = factory.photo(dan)
    tasks.label_photo(photo.pk)
    before = DetectionRun.objects.values().get()

    attempts.label_again(Photo.objects.all())
    tasks.label_photo(photo.pk)

    assert DetectionRun.objects.values().get() == before
    assert list(json.loads(before["response"])) == ["Labels", "LabelModelVersion"]


def test_the_answer_outlives_the_photo_it_was_made_for(dan, eve):
    photo = factory.photo(dan)
    tasks.label_photo(photo.pk)
    photo.delete()

    run = detection.run_for(Photo.objects.claim(factory.photo(eve).pk, "me"))

    assert run == DetectionRun.objects.get()
    assert run.photo is None


def test_parameters_in_another_order_are_the_same():
    assert params_hash({"a": 1, "b": 2}) == params_hash({"b": 2, "a": 1}) != params_hash({"a": 2, "b": 1})


def test_the_sweep_rings_again_for_what_was_lost(dan, commits):
    lost, dead = factory.photo(dan), factory.photo(dan, factory.BLUE)
    Photo.objects.claim(dead.pk, "dead")
    Photo.objects.filter(pk=dead.pk).update(lease_until=timezone.now())

    with commits() as enqueued:
        swept = sweep.sweep()

    assert (swept["photos_enqueued"], len(enqueued)) == (2, 2)
    assert set(Photo.objects.values_list("status", flat=True)) == {Photo.Status.LABELLED}
    assert counts.differences() == []
    with commits() as enqueued:
        assert not any(sweep.sweep().values())
    assert (enqueued, lost.photo_labels.count()) == ([], 4)


def test_what_a_wrong_clock_put_off_for_years_is_due_at_once(dan, commits):
    far, waiting = timezone.now() + timedelta(days=400), factory.photo(dan, factory.BLUE)
    photo = factory.photo(dan)
    Photo.objects.filter(pk=photo.pk).update(next_attempt_at=far)
    soon = timezone.now() + timedelta(seconds=attempts.LONGEST_TURN * 1.25)
    Photo.objects.filter(pk=waiting.pk).update(next_attempt_at=soon)

    with commits():
        swept = sweep.sweep()

    photo.refresh_from_db()
    waiting.refresh_from_db()
    assert (swept["recalled_from_future"], swept["photos_enqueued"]) == (1, 1)
    assert photo.status == Photo.Status.LABELLED
    assert (waiting.status, waiting.next_attempt_at) == (Photo.Status.PENDING, soon)


def test_a_lease_from_the_future_ends_like_any_other(dan, settings, commits):
    photo = factory.photo(dan)
    Photo.objects.claim(photo.pk, "dead")
    Photo.objects.update(lease_until=timezone.now() + timedelta(days=400))

    before = timezone.now()
    assert sweep.sweep()["recalled_from_future"] == 1

    photo.refresh_from_db()
    lease = timedelta(seconds=settings.CLAIM_LEASE_SECONDS)
    assert before <= photo.lease_until - lease <= timezone.now()
    assert sweep.sweep()["recalled_from_future"] == 0


def test_the_sweep_enqueues_no_more_than_the_queue_shall_hold(dan, django_capture_on_commit_callbacks):
    factory.many_photos(dan, sweep.QUEUE_TARGET + 20, status=Photo.Status.PENDING)

    with django_capture_on_commit_callbacks() as enqueued:
        swept = sweep.sweep()

    assert swept["photos_enqueued"] == len(enqueued) == sweep.QUEUE_TARGET


def test_the_sweep_gives_up_what_killed_every_worker(dan, settings, commits):
    settings.MAX_ATTEMPTS = 2
    [photo] = factory.many_photos(dan, 1, status=Photo.Status.LABELLING)
    Photo.objects.update(attempts=2, lease_owner="dead", lease_until=timezone.now())

    with commits() as enqueued:
        swept = sweep.sweep()

    photo.refresh_from_db()
    assert (swept["photos_given_up"], swept["photos_enqueued"], enqueued) == (1, 0, [])
    assert (photo.status, photo.failure_code) == (Photo.Status.FAILED, "worker_died")
    assert photo.failure_reason == "The worker stopped in the middle of it, 2 times."


def test_a_photo_deleted_while_it_is_labelled_leaves_nothing(dan):
    photo = Photo.objects.claim(factory.photo(dan).pk, "me")
    Photo.objects.get().delete()

    renditions.ensure(photo)

    assert stored("renditions") == []
