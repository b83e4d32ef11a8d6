"""Summaries repeat what photos and labels say; check_counts finds and mends those that do not."""

import pytest

from labels import summaries
from labels.models import Photo, PhotoLabel, PhotoSummary
from tests import factory
from tests.commands.tools import run

pytestmark = pytest.mark.django_db


def test_a_photo_has_its_summary_from_birth_and_after_labelling(dan, commits):
    with commits():
        photo = factory.photo(dan)

    photo.refresh_from_db()
    assert photo.label_count == photo.photo_labels.visible().count() > 0
    assert summaries.differences() == []


def test_a_photo_that_waits_has_its_summary(dan):
    photo = factory.photo(dan)

    assert PhotoSummary.objects.get().photo == photo
    assert summaries.differences() == []


def _forget_summary(photo):
    PhotoSummary.objects.filter(photo=photo).delete()


def _reject_label(photo):
    PhotoLabel.objects.filter(photo=photo).update(status=PhotoLabel.Status.REJECTED)


def _grow(photo):
    Photo.objects.filter(pk=photo.pk).update(size=photo.size + 1)


def _miscount(photo):
    Photo.objects.filter(pk=photo.pk).update(label_count=7)


@pytest.mark.parametrize("harm", [_forget_summary, _reject_label, _grow, _miscount])
def test_a_wrong_summary_is_found_and_mended(dan, harm):
    photo, other = factory.many_photos(dan, 2)
    factory.give_labels(photo, "Lake")
    factory.give_labels(other, "Lake")

    harm(photo)

    assert summaries.differences() == [(dan.pk, photo.pk)]
    assert summaries.differences(repair=True) == [(dan.pk, photo.pk)]
    assert summaries.differences() == []


def test_check_counts_names_the_photo_and_mends_its_summary(dan):
    [photo] = factory.many_photos(dan, 1)
    _grow(photo)

    found = run("check_counts", "--repair")

    assert found == (2, {"differences": [{"owner": dan.pk, "photo": photo.pk}], "repaired": 1})
    assert run("check_counts") == (0, {"differences": [], "repaired": 0})
