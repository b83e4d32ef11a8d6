"""A plan is carried out to the byte: parts, order, sums, and no second result."""

import hashlib
from datetime import datetime, timedelta

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from labels import tasks
from labels.bundles import building, sums
from labels.bundles.request import request_bundle
from labels.models import Bundle, BundleChunk, BundlePart, Notice, Photo
from labels.selection.predicate import Selection
from tests import factory
from tests.bundles import archives
from tests.bundles.planned import planned
from tests.conftest import stored
from tests.matrix import examples

pytestmark = pytest.mark.django_db


@pytest.fixture
def library(dan):
    """Return [(name, SHA-256)] of seven photos from small to large, oldest first."""
    days = [datetime(2024, 5, day, 12) for day in range(1, 8)]
    photos = [
        factory.photo(dan, (day.day, 0, 0), (20 * day.day, 30), f"{day.day}.jpg", exif=factory.taken(day))
        for day in reversed(days)
    ]
    factory.give_labels(photos[0], "Lake")
    return [(photo.original_name, photo.sha256) for photo in reversed(photos)]


@examples(10)
@given(part_bytes=st.integers(1, 12_000))
def test_parts_are_as_many_as_planned_and_each_opens_alone(dan, library, part_bytes):
    bundle = factory.held_bundle(dan, part_bytes=part_bytes)
    plan = planned(dan, Selection(everything=True), part_bytes)

    building.build(bundle)

    bundle.refresh_from_db()
    parts = list(bundle.parts.all())
    assert bundle.status == Bundle.Status.READY
    assert [part.number for part in parts] == list(range(1, len(plan.parts) + 1))
    assert [part.size for part in parts] == [part.size for part in plan.parts]
    assert [len(archives.content(part)) for part in parts] == [part.size for part in parts]
    assert [hashlib.sha256(archives.content(part)).hexdigest() for part in parts] == [
        sums.work_out(part) for part in parts
    ]
    assert bundle.planned_bytes == bundle.bytes_done == sum(part.size for part in parts)
    assert bundle.photos_done == bundle.photo_count == 7
    assert list(archives.photos(bundle).items()) == library
    for part, cut in zip(parts, plan.parts, strict=True):
        # A single photo that is larger than the limit gets a part of its own.
        assert part.size <= part_bytes or cut.stop - cut.start == 1


def test_parts_are_named_by_labels_day_and_number(dan, library):
    photos = [factory.photo(dan, (0, 0, n), (50, 40 + n), f"lake{n}.jpg") for n in range(2)]
    for photo in photos:
        factory.give_labels(photo, "Mountain lake")
    one = factory.held_bundle(dan, Selection(any=("Mountain lake",)))
    two = factory.held_bundle(dan, Selection(any=("Mountain lake",)), part_bytes=1)

    building.build(one)
    building.build(two)

    day = f"{timezone.now():%Y-%m-%d}"
    assert [part.file_name for part in one.parts.all()] == [f"photos-mountain-lake-{day}.zip"]
    assert [part.file_name for part in two.parts.all()] == [
        f"photos-mountain-lake-{day}-part-1-of-2.zip",
        f"photos-mountain-lake-{day}-part-2-of-2.zip",
    ]


def test_the_manifest_says_what_each_photo_is(dan):
    moment = datetime(2024, 5, 12, 9, 30, 15)
    photo = factory.photo(dan, name="sea, calm.jpg", exif=factory.taken(moment))
    factory.give_labels(photo, "Sea", "Beach")
    factory.give_labels(photo, "Perhaps", status="suggested")
    bundle = factory.held_bundle(dan)

    building.build(bundle)

    assert archives.manifest(bundle) == [
        {
            "name": "sea, calm.jpg",
            "sha256": photo.sha256,
            "size": str(photo.size),
            "taken_at": "2024-05-12T09:30:15",
            "labels": "Beach 90.0; Sea 90.0",
            "missing": "",
        }
    ]


def test_photos_of_the_same_name_all_arrive(dan):
    for width in (10, 20, 30):
        factory.photo(dan, size=(width, 10), name="IMG_1.jpg")
    factory.photo(dan, size=(40, 10), name="manifest.csv")
    bundle = factory.held_bundle(dan)

    building.build(bundle)

    names = set(archives.photos(bundle))
    assert names == {"IMG_1.jpg", "IMG_1 (2).jpg", "IMG_1 (3).jpg", "manifest (2).csv"}
    assert set(archives.photos(bundle).values()) == set(Photo.objects.values_list("sha256", flat=True))


def test_the_same_snapshot_gives_the_same_bytes_twice(dan, library):
    bundle = factory.held_bundle(dan, part_bytes=3000)
    building.build(bundle)
    first = [archives.content(part) for part in bundle.parts.all()]
    bundle.parts.all().delete()
    Bundle.objects.filter(pk=bundle.pk).update(status=Bundle.Status.BUILDING, lease_owner=bundle.lease_owner)

    building.build(bundle)

    assert len(first) > 1
    assert [archives.content(part) for part in bundle.parts.all()] == first


def test_a_bundle_holds_what_was_promised_when_labels_change_afterwards(dan, library):
    bundle = factory.held_bundle(dan, Selection(any=("Lake",)))
    promised = bundle.planned_bytes
    for photo in Photo.objects.all():
        factory.give_labels(photo, "Boat", *(() if photo.original_name == "7.jpg" else ("Lake",)))
    Photo.objects.get(original_name="7.jpg").photo_labels.filter(label__name="Lake").delete()
    factory.photo(dan, size=(99, 99), name="new.jpg")

    building.build(bundle)

    assert list(archives.photos(bundle)) == ["7.jpg"]
    assert archives.manifest(bundle)[0]["labels"] == "Lake 90.0"
    assert bundle.parts.get().size == promised


def test_a_second_delivery_changes_nothing(dan, library, commits):
    with commits():
        bundle = request_bundle(dan, Selection(everything=True))
    before = (Bundle.objects.values().get(), list(BundlePart.objects.values()), stored("bundles"))

    with commits():
        tasks.build_bundle(bundle.pk)

    assert before[0]["status"] == Bundle.Status.READY
    assert (Bundle.objects.values().get(), list(BundlePart.objects.values()), stored("bundles")) == before
    assert Notice.objects.count() == 1


def test_a_worker_that_lost_the_bundle_leaves_the_other_ones_archives_alone(dan, library):
    slow = factory.held_bundle(dan)
    Bundle.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    tasks.build_bundle(slow.pk)
    files = stored("bundles")

    building.build(slow)

    bundle = Bundle.objects.get()
    assert bundle.status == Bundle.Status.READY
    assert stored("bundles") == files == [part.file.name for part in bundle.parts.all()]


def test_a_worker_that_loses_the_bundle_in_the_middle_leaves_the_other_ones_archives_alone(
    dan, library, before_open
):
    slow = factory.held_bundle(dan, part_bytes=1)

    def finish_elsewhere(key):
        before_open(lambda key: None)
        past = timezone.now() - timedelta(seconds=1)
        Bundle.objects.update(lease_until=past)
        # Its chunk, too: the other one would wait for that.
        BundleChunk.objects.filter(done=False).update(lease_until=past)
        tasks.build_bundle(slow.pk)

    before_open(finish_elsewhere)
    building.build(slow)

    bundle = Bundle.objects.get()
    assert bundle.status == Bundle.Status.READY
    assert stored("bundles") == sorted(part.file.name for part in bundle.parts.all())
    assert len(archives.photos(bundle)) == 7


def test_a_fault_of_ours_waits_for_another_try_and_is_raised(dan, library, before_open):
    bundle = factory.held_bundle(dan)

    def break_down(key):
        raise PermissionError(13, "Permission denied")

    before_open(break_down)
    with pytest.raises(PermissionError, match="Permission denied"):
        building.build(bundle)

    bundle.refresh_from_db()
    assert bundle.status == Bundle.Status.QUEUED
    assert "Permission denied" in bundle.failure_reason
    assert bundle.next_attempt_at > timezone.now()
    # What is built so far is kept for it.
    assert stored("bundles") == [bundle.parts.get().file.name]


def test_the_last_try_ends_in_a_failure_that_says_so(dan, library, before_open, settings):
    settings.MAX_ATTEMPTS = 1
    bundle = factory.held_bundle(dan)

    def break_down(key):
        raise PermissionError(13, "Permission denied")

    before_open(break_down)
    with pytest.raises(PermissionError):
        building.build(bundle)

    bundle.refresh_from_db()
    assert bundle.status == Bundle.Status.FAILED
    assert bundle.failure_reason.endswith("(given up after 1 attempts)")
    assert Notice.objects.get().outcome == Notice.Outcome.FAILED
