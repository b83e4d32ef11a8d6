"""The same bytes are one photo for one owner, also when two uploads race."""

import io
import threading

import pytest
from django.core.files.storage import FileSystemStorage
from django.db import connection

from labels.intake.add import Outcome, add_photo
from labels.models import Photo
from tests import factory
from tests.conftest import stored


@pytest.mark.django_db
def test_the_same_bytes_again_are_answered_with_the_photo_that_is_there(dan):
    photo = factory.photo(dan, name="first.jpg")

    taken = add_photo(factory.picture(), "second.jpg", dan)

    assert (taken.outcome, taken.photo, taken.reason) == (Outcome.DUPLICATE, photo, "")
    assert taken.name == "second.jpg"
    assert taken.sha256 == photo.sha256
    assert Photo.objects.get().original_name == "first.jpg"
    assert stored("originals") == [photo.original.name]


@pytest.mark.django_db
def test_the_same_bytes_of_another_owner_are_his_own_photo(dan, eve):
    his = factory.photo(dan)

    hers = factory.photo(eve)

    assert hers != his
    assert hers.sha256 == his.sha256
    assert stored("originals") == sorted([his.original.name, hers.original.name])


@pytest.mark.django_db
def test_a_photo_that_was_deleted_may_come_again(dan, commits):
    with commits():
        factory.photo(dan).delete()

    again = add_photo(factory.picture(), "a.jpg", dan)

    assert again.outcome == Outcome.IMPORTED
    assert stored("originals") == [again.photo.original.name]


@pytest.mark.django_db
def test_a_dry_run_says_what_would_happen_and_writes_nothing(dan):
    factory.photo(dan)
    before = stored("originals")

    new = add_photo(factory.picture(factory.BLUE), "a.jpg", dan, dry_run=True)
    old = add_photo(factory.picture(), "b.jpg", dan, dry_run=True)
    bad = add_photo(io.BytesIO(b"x"), "c.jpg", dan, dry_run=True)

    assert (new.outcome, new.photo) == (Outcome.IMPORTED, None)
    assert (old.outcome, old.photo) == (Outcome.DUPLICATE, Photo.objects.get())
    assert bad.outcome == Outcome.REFUSED
    assert stored("originals") == before


class MeetingStorage(FileSystemStorage):
    """Lets nobody write before both have arrived: both have looked, and neither found the other's row."""

    barrier = None

    def _save(self, name, content):
        self.barrier.wait(timeout=30)
        return super()._save(name, content)


def _through(settings, backend):
    settings.STORAGES = {
        **settings.STORAGES,
        "originals": {**settings.STORAGES["originals"], "BACKEND": f"{__name__}.{backend}"},
    }


@pytest.mark.django_db(transaction=True)
def test_two_uploads_that_race_make_one_photo_and_one_duplicate(dan, settings):
    _through(settings, "MeetingStorage")
    MeetingStorage.barrier = threading.Barrier(2)
    answers = []

    def upload():
        try:
            answers.append(add_photo(factory.picture(), "a.jpg", dan))
        finally:
            connection.close()

    threads = [threading.Thread(target=upload) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    photo = Photo.objects.get()
    assert sorted(taken.outcome for taken in answers) == [Outcome.DUPLICATE, Outcome.IMPORTED]
    assert {taken.photo for taken in answers} == {photo}
    assert stored("originals") == [photo.original.name]


class ChangingStorage(FileSystemStorage):
    """Somebody writes to the source between the check and the copy."""

    source = None

    def _save(self, name, content):
        self.source.write_bytes(self.changed)
        return super()._save(name, content)


@pytest.mark.django_db
@pytest.mark.parametrize("change", ["longer", "shorter", "other bytes"])
def test_a_file_that_changes_while_it_is_read_is_refused_and_leaves_nothing(dan, settings, tmp_path, change):
    content = factory.picture().read()
    source = tmp_path / "a.jpg"
    source.write_bytes(content)
    _through(settings, "ChangingStorage")
    ChangingStorage.source = source
    ChangingStorage.changed = {
        "longer": content + b"x",
        "shorter": content[:-1],
        "other bytes": content[:-1] + b"x",
    }[change]

    with source.open("rb", buffering=0) as file:
        taken = add_photo(file, "a.jpg", dan)

    assert (taken.outcome, taken.code) == (Outcome.REFUSED, "changed")
    assert taken.reason == "a.jpg changed while it was read; send it again."
    assert not Photo.objects.exists()
    assert stored("originals") == []
