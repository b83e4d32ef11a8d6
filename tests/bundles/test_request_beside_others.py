"""A download is requested and listed while others write: nobody waits long, nothing is lost."""

import threading

import pytest
from django.db import OperationalError, connection

from labels.bundles import building, listing
from labels.bundles.request import request_bundle
from labels.models import Bundle, BundlePhoto
from labels.selection.predicate import Selection
from tests import factory
from tests.bundles import archives

pytestmark = pytest.mark.django_db(transaction=True)

EVERYTHING = Selection(everything=True)


@pytest.fixture
def library(dan):
    """Return six photos, two of the same name, in order; the first shows a lake."""
    photos = [factory.photo(dan, (40 * n, 0, 0), name=f"{max(n, 1)}.jpg") for n in range(6)]
    factory.give_labels(photos[0], "Lake")
    return photos


@pytest.fixture
def chunks_of_two(monkeypatch):
    monkeypatch.setattr(listing, "CHUNK", 2)


class Before:
    """A wrapper of database calls: before the first one that matches, another session does `work`."""

    def __init__(self, matches, work):
        self._matches = matches
        self._work = work

    def __call__(self, execute, sql, params, many, context):
        if self._work and self._matches(sql):
            work, self._work = self._work, None
            in_another_session(work)
        return execute(sql, params, many, context)


def in_another_session(work):
    """Do the work in a thread, and return what it returns or raise what it raises."""
    outcome = {}

    def run():
        try:
            outcome["answer"] = work()
        except Exception as error:  # noqa: BLE001 (raised below)
            outcome["error"] = error
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if "error" in outcome:
        raise outcome["error"]
    return outcome["answer"]


def _built(bundle):
    """Build the bundle; return [(name, labels, missing)] of its photos."""
    building.build(bundle)
    rows = bundle.photos.order_by("position")
    return list(rows.values_list("name", "labels", "missing_reason"))


def _names(bundle):
    return list(bundle.photos.order_by("position").values_list("name", flat=True))


def test_a_request_writes_two_rows_and_lists_no_photo(dan, library, django_assert_max_num_queries):
    with django_assert_max_num_queries(14):
        bundle = factory.held_bundle(dan)

    assert list(bundle.content.ids) == [photo.pk for photo in library]
    assert not BundlePhoto.objects.exists()


def test_a_photo_that_is_deleted_while_a_download_is_requested_is_left_out(dan, library):
    before = Before(lambda sql: 'FROM "labels_libraryversion"' in sql, library[2].delete)

    with connection.execute_wrapper(before):
        bundle = request_bundle(dan, EVERYTHING)

    assert bundle.photo_count == 5
    assert library[2].pk not in bundle.content.ids


def test_a_photo_that_is_deleted_before_it_is_listed_is_named_as_missing(dan, library):
    bundle = factory.held_bundle(dan)
    library[1].delete()

    photos = _built(bundle)

    # Its name as well: it is the second of two.
    assert [name for name, _, _ in photos] == ["1.jpg", "1 (2).jpg", *(f"{n}.jpg" for n in range(2, 6))]
    assert [missing for _, _, missing in photos if missing] == ["the file is no longer in storage"]
    bundle.refresh_from_db()
    assert (bundle.status, bundle.photos_done) == (Bundle.Status.PARTIAL, 5)
    assert list(archives.photos(bundle)) == ["1.jpg", *(f"{n}.jpg" for n in range(2, 6))]


def test_a_photo_whose_labels_change_before_it_is_listed_is_listed_as_it_was(dan, library):
    bundle = factory.held_bundle(dan)
    requested = bundle.planned_bytes
    shown = factory.held_bundle(dan)
    listing.list_photos(shown)
    before = [photo.labels for photo in shown.photos.order_by("position")]
    for name in ("Sea", "Boat"):
        factory.give_labels(library[1], name)
    factory.photo(dan, (9, 9, 9))

    photos = _built(bundle)

    assert [labels for _, labels, _ in photos] == before
    assert "Lake 90.0" in before[0]
    bundle.refresh_from_db()
    assert bundle.bytes_done == bundle.planned_bytes == requested


def test_a_listing_that_was_cut_off_goes_on_where_it_was(dan, library, chunks_of_two):
    bundle = factory.held_bundle(dan)
    inserts = []

    def fail_at_the_second(execute, sql, params, many, context):
        if sql.startswith('INSERT INTO "labels_bundlephoto"'):
            inserts.append(sql)
            if len(inserts) == 2:
                raise OperationalError("the worker's connection broke")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(fail_at_the_second), pytest.raises(OperationalError):
        listing.list_photos(bundle)
    assert _names(bundle) == ["1.jpg", "1 (2).jpg"]

    again = Bundle.objects.get(pk=bundle.pk)
    listing.list_photos(again)

    assert _names(bundle) == ["1.jpg", "1 (2).jpg", "2.jpg", "3.jpg", "4.jpg", "5.jpg"]
    assert again.content.listed == 6


def test_a_bundle_that_another_worker_took_over_is_not_listed_any_further(dan, library, chunks_of_two):
    bundle = factory.held_bundle(dan)
    Bundle.objects.update(lease_owner="another worker")

    with pytest.raises(building.LeaseLost):
        listing.list_photos(bundle)

    assert not BundlePhoto.objects.exists()


def test_a_request_that_breaks_down_leaves_nothing_and_can_be_made_again(dan, library):
    def break_down(execute, sql, params, many, context):
        if sql.startswith('INSERT INTO "labels_bundlecontent"'):
            raise OperationalError("the disk is full")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(break_down), pytest.raises(OperationalError):
        request_bundle(dan, EVERYTHING)

    assert not Bundle.objects.exists()
    assert request_bundle(dan, EVERYTHING).photo_count == 6
