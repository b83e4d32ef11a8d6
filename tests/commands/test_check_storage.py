import os
import time

import pytest
from django.core.files.base import ContentFile

from labels.models import Photo
from labels.models.photo import originals, renditions
from tests import factory
from tests.commands.tools import run
from tests.conftest import read_file, stored

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


@pytest.fixture
def photo(dan):
    photo = factory.photo(dan)
    run("label_photos", "--now")
    photo.refresh_from_db()
    return photo


def _finding(kind, storage, key, detail=""):
    return {"kind": kind, "storage": storage, "key": key, "detail": detail}


def test_rows_and_files_that_agree_are_no_findings(photo):
    assert run("check_storage", "--checksums") == (0, {"findings": [], "repaired": 0})


def test_a_lost_original_is_found_and_its_photo_says_so(photo):
    originals().delete(photo.original.name)
    lost = _finding("missing", "originals", photo.original.name)

    assert run("check_storage") == (2, {"findings": [lost], "repaired": 0})
    assert run("check_storage", "--repair") == (2, {"findings": [lost], "repaired": 1})
    photo.refresh_from_db()
    assert (photo.status, photo.failure_code) == (Photo.Status.FAILED, "original_missing")
    assert photo.failure_reason == "The original is missing in storage."


def test_another_size_is_found_at_once_and_other_bytes_by_their_checksum(photo):
    content = read_file(originals(), photo.original.name)
    with open(photo.original.path, "wb") as file:
        file.write(content[:-1] + b"x")
    changed = _finding("changed", "originals", photo.original.name, "SHA-256 differs")

    assert run("check_storage") == (0, {"findings": [], "repaired": 0})
    assert run("check_storage", "--checksums") == (2, {"findings": [changed], "repaired": 0})

    with open(photo.original.path, "ab") as file:
        file.write(b"x")
    detail = f"{len(content) + 1} bytes, {len(content)} expected"
    larger = _finding("changed", "originals", photo.original.name, detail)
    assert run("check_storage") == (2, {"findings": [larger], "repaired": 0})


def test_an_old_leftover_is_removed_and_a_young_one_left_alone(photo):
    old = originals().save("zz/old.jpg", ContentFile(b"12345"))
    young = originals().save("zz/young.jpg", ContentFile(b"x"))
    hours_ago = time.time() - 2 * 3600
    os.utime(originals().path(old), (hours_ago, hours_ago))
    orphan = _finding("orphan", "originals", old, "5 bytes")

    assert run("check_storage", "--repair") == (2, {"findings": [orphan], "repaired": 1})
    assert stored("originals") == sorted([photo.original.name, young])


def test_a_lost_thumbnail_is_made_again(photo, commits):
    renditions().delete(photo.thumbnail.name)
    lost = _finding("missing", "renditions", photo.thumbnail.name)

    with commits():
        assert run("check_storage", "--repair") == (2, {"findings": [lost], "repaired": 1})

    photo.refresh_from_db()
    assert photo.status == Photo.Status.LABELLED
    assert renditions().exists(photo.thumbnail.name)
