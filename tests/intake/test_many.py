"""Files that several processes read become the photos that one would have made of them, in the same order."""

import io
import os
import signal
from contextlib import contextmanager
from functools import partial

import pytest
from django.db import connection

from labels.intake import many, sources
from labels.intake.add import Outcome
from labels.models import Photo
from tests import factory
from tests.conftest import stored

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(10):
        (folder / f"{number:02}.jpg").write_bytes(factory.picture((20 * number, 9, 9)).read())
    (folder / "03 again.jpg").write_bytes(factory.picture((60, 9, 9)).read())
    (folder / "05 empty.jpg").write_bytes(b"")
    (folder / "09 text.jpg").write_text("Dear diary")
    return folder


def _taken(folder, owner, workers, **options):
    adding = many.add_all(sources.find(folder), owner, workers=workers, **options)
    return [(name, finish()) for name, finish in adding]


def _files():
    return {
        name
        for photo in Photo.objects.all()
        for name in (photo.original.name, photo.thumbnail.name, photo.rendition.name)
    }


@pytest.mark.parametrize("workers", [1, 3])
def test_each_file_becomes_what_it_is_in_order(dan, folder, workers):
    taken = _taken(folder, dan, workers)

    assert [name for name, _ in taken] == sorted(path.name for path in folder.iterdir())
    outcomes = {name: result.outcome for name, result in taken if result.outcome != Outcome.IMPORTED}
    # "03 again.jpg" comes first.
    assert outcomes == {"03.jpg": "duplicate", "05 empty.jpg": "refused", "09 text.jpg": "refused"}
    photos = list(Photo.objects.order_by("pk"))
    assert [photo.original_name for photo in photos] == [
        name for name, result in taken if result.outcome == Outcome.IMPORTED
    ]
    assert {*stored("originals"), *stored("renditions")} == _files()
    assert len(_files()) == 30
    assert all(photo.thumbnail_width == 64 and photo.status == Photo.Status.PENDING for photo in photos)


def test_a_second_run_finds_what_is_there_and_writes_nothing(dan, folder):
    _taken(folder, dan, 2)
    before = _files()

    again = _taken(folder, dan, 2)

    assert {result.outcome for _, result in again} == {Outcome.DUPLICATE, Outcome.REFUSED}
    assert _files() == before == {*stored("originals"), *stored("renditions")}


def test_a_dry_run_writes_nothing(dan, folder):
    taken = _taken(folder, dan, 2, dry_run=True)

    assert {result.outcome for _, result in taken} == {Outcome.IMPORTED, Outcome.REFUSED}
    assert not Photo.objects.exists()
    assert stored("originals") == stored("renditions") == []


@pytest.mark.parametrize("after", [1, 4])
def test_who_stops_in_the_middle_leaves_nothing_half_done(dan, folder, after):
    adding = many.add_all(sources.find(folder), dan, workers=2)
    for _ in range(after):
        next(adding)[1]()

    adding.close()

    assert Photo.objects.count() == after
    assert {*stored("originals"), *stored("renditions")} == _files()


@contextmanager
def _deadly():
    os.kill(os.getpid(), signal.SIGKILL)
    yield io.BytesIO()


def test_a_process_that_dies_is_said_with_its_files(dan, folder):
    files = [*sources.find(folder)[:4], ("deadly.jpg", _deadly), *sources.find(folder)[4:]]

    with pytest.raises(many.ProcessDied, match=r"deadly\.jpg"):
        for _, finish in many.add_all(files, dan, workers=2):
            finish()

    assert {*stored("originals"), *stored("renditions")} >= _files()
    _taken(folder, dan, 2)
    assert Photo.objects.count() == 10


@contextmanager
def _unreachable(reason):
    raise OSError(5, reason)
    yield


def test_an_error_of_the_disk_is_raised_where_its_file_is_finished(dan, folder):
    files = [*sources.find(folder)[:2], ("bad.jpg", partial(_unreachable, "Input/output error"))]
    files += sources.find(folder)[2:]
    done = []

    with pytest.raises(OSError, match="Input/output error"):
        for name, finish in many.add_all(files, dan, workers=2):
            finish()
            done.append(name)

    assert len(done) == Photo.objects.count() == 2
    assert {*stored("originals"), *stored("renditions")} == _files()


def test_the_processes_leave_the_parents_connection_alone(dan, folder):
    _taken(folder, dan, 3)

    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)
