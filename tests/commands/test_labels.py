"""label_photos, list_labels, check_counts."""

from datetime import timedelta

import pytest
from django.core.management import CommandError
from django.utils import timezone

from labels.models import Label, LabelCount, Photo
from tests import factory
from tests.commands.tools import run

pytestmark = pytest.mark.django_db


def _status(photo):
    photo.refresh_from_db()
    return photo.status


def test_waiting_photos_are_labelled_in_this_process(dan):
    photo = factory.photo(dan)

    assert run("label_photos", "--now") == (0, {"labelled": 1, "failed": 0})
    assert _status(photo) == Photo.Status.LABELLED


def test_a_photo_that_cannot_be_labelled_is_a_finding(dan):
    factory.photo(dan)
    factory.photo(dan, factory.MAGENTA)

    assert run("label_photos", "--now") == (2, {"labelled": 1, "failed": 1})


def test_without_now_tasks_are_enqueued_for_the_workers(dan, commits):
    photo = factory.photo(dan)

    with commits() as enqueued:
        assert run("label_photos") == (0, {"queued": 1, "failed": 0})

    assert len(enqueued) == 1
    assert _status(photo) == Photo.Status.LABELLED


def test_only_the_owners_photos_with_the_status_and_label_are_chosen(dan, eve):
    red, failed = factory.photo(dan), factory.photo(dan, factory.MAGENTA)
    factory.photo(eve, factory.BLUE)

    assert run("label_photos", "--now", "--owner", "dan") == (2, {"labelled": 1, "failed": 1})
    assert run("label_photos", "--now", "--owner", "dan") == (0, {"labelled": 0, "failed": 0})
    assert run("label_photos", "--now", "--status", "failed") == (2, {"labelled": 0, "failed": 1})
    assert run("label_photos", "--now", "--status", "all", "--label", "RED") == (
        0,
        {"labelled": 1, "failed": 0},
    )
    assert run("label_photos", "--now", "--status", "all", "--label", "Blue") == (
        0,
        {"labelled": 0, "failed": 0},
    )
    assert run("label_photos", "--now", "--status", "all") == (2, {"labelled": 2, "failed": 1})
    assert (_status(red), _status(failed)) == (Photo.Status.LABELLED, Photo.Status.FAILED)


def test_a_photo_whose_worker_died_is_labelled_and_one_that_is_leased_is_not(dan):
    held, left = factory.photo(dan), factory.photo(dan, factory.BLUE)
    for photo in (held, left):
        assert Photo.objects.claim(photo.pk, "a worker")
    Photo.objects.filter(pk=left.pk).update(lease_until=timezone.now() - timedelta(seconds=1))

    assert run("label_photos", "--dry-run")[1]["photos"] == 1
    assert run("label_photos", "--now") == (0, {"labelled": 1, "failed": 0})
    assert (_status(held), _status(left)) == (Photo.Status.LABELLING, Photo.Status.LABELLED)


def test_labels_are_listed_with_their_counts_most_frequent_first(dan, eve):
    factory.photo(dan)
    factory.photo(dan, factory.BLUE)
    factory.photo(eve, factory.GREEN)
    run("label_photos", "--now")

    code, document = run("list_labels", "--owner", "dan")

    assert code == 0
    assert list(document["labels"].items()) == [
        ("Colour", {"count": 2}),
        ("Dark", {"count": 2}),
        ("Blue", {"count": 1}),
        ("Red", {"count": 1}),
    ]


def test_the_list_of_nobody_is_an_error():
    with pytest.raises(CommandError, match="There is no account 'nobody'"):
        run("list_labels", "--owner", "nobody")


def test_counts_are_compared_and_mended(dan):
    assert run("check_counts") == (0, {"differences": [], "repaired": 0})
    label = Label.objects.create(name="Sky")
    LabelCount.objects.create(owner=dan, label=label, count=3)
    wrong = [{"owner": dan.pk, "label": label.pk, "stored": 3, "true": 0}]

    assert run("check_counts") == (2, {"differences": wrong, "repaired": 0})
    assert run("check_counts", "--repair") == (2, {"differences": wrong, "repaired": 1})
    assert run("check_counts") == (0, {"differences": [], "repaired": 0})
