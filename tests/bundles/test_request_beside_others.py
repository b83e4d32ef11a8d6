"""A download is requested while others write: nobody waits for the listing; what they change is noticed."""

import threading
from functools import partial

import pytest
from django.db import OperationalError, connection

from labels.bundles.request import request_bundle
from labels.models import Bundle, Heartbeat, Photo
from labels.selection.predicate import Selection
from tests import factory

pytestmark = pytest.mark.django_db(transaction=True)

EVERYTHING = Selection(everything=True)


@pytest.fixture
def library(dan):
    photos = factory.many_photos(dan, 6)
    factory.give_labels(photos[0], "Lake")
    return photos


class Meanwhile:
    """A wrapper of database calls: before each that lists labels of photos another session does `work`."""

    def __init__(self, work, times=1):
        self._work = work
        self._left = times
        self.listed = []  # for each time, whether it was in a transaction that writes

    def __call__(self, execute, sql, params, many, context):
        if sql.startswith("SELECT") and 'FROM "labels_photolabel"' in sql:
            self.listed.append(connection.in_atomic_block)
            if self._left:
                self._left -= 1
                in_another_session(self._work)
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


def _requested(dan, meanwhile):
    with connection.execute_wrapper(meanwhile):
        bundle = request_bundle(dan, EVERYTHING)
    photos = list(bundle.photos.order_by("position"))
    assert bundle.photo_count == len(photos)
    return photos


@pytest.mark.skipif(connection.vendor != "sqlite", reason="on PostgreSQL writers do not exclude each other")
def test_others_write_while_the_photos_of_a_download_are_listed(dan, library):
    shut_out = []

    def write():
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA busy_timeout = 0")
        try:
            Heartbeat.objects.create(cluster="bundles", host="another", pid=Heartbeat.objects.count())
        except OperationalError:
            return False
        return True

    def try_to_write(execute, sql, params, many, context):
        result = execute(sql, params, many, context)
        if not in_another_session(write):
            shut_out.append(sql)
        return result

    with connection.execute_wrapper(try_to_write):
        request_bundle(dan, EVERYTHING)

    assert Heartbeat.objects.count() > 5
    assert any(sql.startswith('INSERT INTO "labels_bundle"') for sql in shut_out)
    listing = [sql for sql in shut_out if '"labels_photo"' in sql or "labels_photolabel" in sql]
    assert listing == []


def test_a_photo_that_is_deleted_while_they_are_listed_is_left_out(dan, library):
    photos = _requested(dan, Meanwhile(library[2].delete))

    assert [photo.name for photo in photos] == [f"IMG_{n:04}.JPG" for n in (0, 1, 3, 4, 5)]


def test_a_label_that_is_given_while_they_are_listed_is_in_the_manifest(dan, library):
    meanwhile = Meanwhile(partial(factory.give_labels, library[1], "Sea"))

    photos = _requested(dan, meanwhile)

    assert [photo.labels for photo in photos[:2]] == ["Lake 90.0", "Sea 90.0"]
    assert meanwhile.listed == [False, False]


def test_photos_that_arrive_while_they_are_listed_are_not_waited_for(dan, eve, library):
    def arrive():
        Photo.objects.filter(pk__in=[photo.pk for photo in factory.many_photos(eve, 2)]).update(owner=dan)
        factory.give_labels(Photo.objects.filter(owner=dan).last(), "Sea")

    meanwhile = Meanwhile(arrive)

    photos = _requested(dan, meanwhile)

    assert len(photos) == 6
    assert meanwhile.listed == [False]


def test_a_library_that_never_stands_still_is_listed_while_the_others_wait(dan, library):
    numbers = iter(range(100))

    def change():
        factory.give_labels(library[1], f"Label {next(numbers)}")

    meanwhile = Meanwhile(change, times=3)

    photos = _requested(dan, meanwhile)

    assert photos[1].labels == "Label 0 90.0; Label 1 90.0; Label 2 90.0"
    assert meanwhile.listed == [False, False, False, True]


def test_a_request_that_breaks_down_leaves_nothing_and_can_be_made_again(dan, library):
    def break_down(execute, sql, params, many, context):
        if sql.startswith("INSERT INTO labels_bundlephoto"):
            raise OperationalError("the disk is full")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(break_down), pytest.raises(OperationalError):
        request_bundle(dan, EVERYTHING)

    assert not Bundle.objects.exists()
    assert request_bundle(dan, EVERYTHING).photos.count() == 6
