"""Summaries repeat what photos and labels say; check_counts finds and mends those that do not."""

import pytest

from labels.models import LibraryVersion, Photo, PhotoLabel, PhotoSummary
from labels.selection import summaries
from labels.selection.predicate import Overview, Selection
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


def _reads(owner, django_assert_max_num_queries):
    """Return how many photos of the library are labelled Lake, and the queries that took."""
    with django_assert_max_num_queries(9) as asked:
        overview = Overview(owner, Selection(any=("Lake",)))
    return len(overview), len(asked)


def test_a_library_that_has_not_changed_is_read_once(dan, django_assert_max_num_queries):
    for photo in factory.many_photos(dan, 2):
        factory.give_labels(photo, "Lake")

    first = _reads(dan, django_assert_max_num_queries)
    second = _reads(dan, django_assert_max_num_queries)

    assert (first, second) == ((2, 3), (2, 2))


@pytest.mark.parametrize(
    ("change", "left"),
    [
        (lambda photo, _: photo.delete(), 1),
        (lambda photo, _: factory.give_labels(photo, "Sky"), 2),
        (lambda _, owner: factory.give_labels(factory.photo(owner, (9, 9, 9)), "Lake"), 3),
        (lambda photo, _: (_reject_label(photo), summaries.differences(repair=True)), 1),
    ],
    ids=["deleted", "labelled", "uploaded", "mended"],
)
def test_whatever_changes_a_library_is_seen_at_once(dan, eve, change, left, django_assert_max_num_queries):
    photo, other = factory.many_photos(dan, 2)
    factory.give_labels(photo, "Lake")
    factory.give_labels(other, "Lake")
    factory.give_labels(factory.photo(eve), "Lake")
    _reads(dan, django_assert_max_num_queries), _reads(eve, django_assert_max_num_queries)
    numbers = dict(LibraryVersion.objects.values_list("owner", "number"))

    change(photo, dan)

    assert _reads(dan, django_assert_max_num_queries) == (left, 3)
    assert _reads(eve, django_assert_max_num_queries) == (1, 2)
    assert LibraryVersion.objects.get(owner=eve).number == numbers[eve.pk]


def test_two_libraries_never_share_a_token(dan, eve):
    factory.photo(dan)
    factory.photo(eve)

    assert LibraryVersion.objects.values("token").distinct().count() == 2
