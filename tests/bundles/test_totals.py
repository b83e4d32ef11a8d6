"""The plan line is counted from summaries, and says to the byte what the plan of the build says."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st

from labels.bundles import building
from labels.bundles.totals import totals
from labels.models import Photo
from labels.selection import summaries
from labels.selection.predicate import Overview, Selection
from tests import factory
from tests.bundles.planned import planned
from tests.matrix import examples

pytestmark = pytest.mark.django_db

EVERYTHING = Selection(everything=True)
# Twins, numbers that are there already, names of our own files, what a CSV quotes, folds and long names.
_NAMES = st.sampled_from(
    [
        "a.jpg",
        "A.JPG",
        "b.jpg",
        "a (2).jpg",
        "a (2) (2).jpg",
        "b (3).jpg",
        "manifest.csv",
        "SHA256SUMS",
        'say "x", y.jpg',
        "Straße.jpg",
        "STRASSE.jpg",
        "a\u2024jpg",
        "x" * 240 + ".jpg",
        "x" * 251 + ".jpg",
        "日,本" * 40,
    ]
)
_PLAIN = st.sampled_from(["a.jpg", "A.jpg", "b.jpg", "c.png", "d"])
_LISTS = st.lists(_NAMES, min_size=1, max_size=30) | st.lists(_PLAIN, min_size=1, max_size=30)


def _library(owner, names, sizes=()):
    """Make photos with these names whose order is not that of their ids."""
    photos = factory.many_photos(owner, len(names))
    for number, (photo, name) in enumerate(zip(photos, names, strict=True)):
        photo.original_name = name
        photo.taken_at = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=7 * number % 11)
    for photo, size in zip(photos, sizes, strict=False):
        photo.size = size
    Photo.objects.bulk_update(photos, ["original_name", "taken_at", "size"])
    summaries.differences(repair=True)
    return photos


def _compare(owner, selection, part_bytes, new_only=False):
    outline = totals(Overview(owner, selection), part_bytes, new_only)
    plan = planned(owner, selection, part_bytes, new_only)
    assert (outline.photos, outline.bytes, outline.parts) == (len(plan.photos), plan.bytes, len(plan.parts))
    return outline


@examples(40)
@given(names=_LISTS, part_bytes=st.sampled_from([1, 2500, 4000, 9000, 10**9]))
def test_any_names_weigh_what_the_plan_says(dan, names, part_bytes):
    with transaction.atomic():
        _library(dan, names)

        _compare(dan, EVERYTHING, part_bytes)
        transaction.set_rollback(True)


def test_labels_that_a_csv_quotes_are_weighed_as_they_are_written(dan):
    one, two = _library(dan, ["a.jpg", "b.jpg"])
    factory.give_labels(one, 'Say "cheese"', "Bread, butter", "日本")
    factory.give_labels(two, "Sky")

    _compare(dan, EVERYTHING, 10**9)
    _compare(dan, Selection(any=("sky",)), 10**9)


def test_hundreds_of_equal_names_are_numbered_in_the_sum(dan):
    _library(dan, ["IMG_0001.JPG"] * 120)

    outline = _compare(dan, EVERYTHING, 10**9)

    assert (outline.photos, outline.parts) == (120, 1)


GIB = 1024**3


@pytest.mark.parametrize(
    ("sizes", "part_bytes"),
    [
        pytest.param([3 * GIB, 2 * GIB, GIB, GIB], 4 * GIB, id="parts below 4 GiB"),
        pytest.param([3 * GIB, 2 * GIB, GIB, GIB], 10 * GIB, id="one archive above 4 GiB"),
        pytest.param([3 * GIB, 5 * GIB, GIB], 4 * GIB, id="a photo above 4 GiB"),
        pytest.param([4 * GIB - 1], 10 * GIB, id="a photo of exactly the limit"),
        pytest.param([4 * GIB - 2000, 1000, 10], 4 * GIB, id="an archive just at the limit"),
    ],
)
def test_sizes_about_4_gib_are_exact(dan, sizes, part_bytes):
    _library(dan, [f"{number}.jpg" for number in range(len(sizes))], sizes)

    _compare(dan, EVERYTHING, part_bytes)


def test_what_was_downloaded_already_is_left_out(dan):
    photos = [factory.photo(dan, size=(30 + number, 30)) for number in range(3)]
    factory.give_labels(photos[0], "Lake")
    building.build(factory.held_bundle(dan, Selection(any=("Lake",))))
    factory.give_labels(photos[1], "Lake")

    outline = _compare(dan, Selection(any=("Lake",)), 10**9, new_only=True)

    assert outline.photos == 1
