import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError
from django.urls import reverse

from labels.intake.upload_handlers import LimitedUploadHandler, says_full
from labels.models import Photo
from tests import factory
from tests.conftest import stored

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


def test_an_upload_over_the_limit_is_refused_with_its_true_size(client, settings):
    settings.UPLOAD_MAX_BYTES = 1_000_000
    large = SimpleUploadedFile("a.jpg", factory.picture().read() + bytes(5_000_000))

    answer = client.post(reverse("upload"), {"photos": [large]})

    assert "a.jpg is 4.8\xa0MB; the limit is 976.6\xa0KB." in answer.content.decode()
    assert not Photo.objects.exists()
    assert stored("originals") == []


def test_uploads_leave_no_temporary_files(client, settings):
    client.post(reverse("upload"), {"photos": [SimpleUploadedFile("a.jpg", factory.picture().read())]})

    assert Photo.objects.count() == 1
    assert list(settings.FILE_UPLOAD_TEMP_DIR.iterdir()) == []


def test_a_database_without_room_says_full_and_a_locked_one_does_not():
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute("pragma max_page_count = 2")
        with pytest.raises(sqlite3.OperationalError, match="full") as full:
            database.execute("create table photo as select zeroblob(100000)")
        with pytest.raises(sqlite3.OperationalError) as other:
            database.execute("select * from nothing")

    assert says_full(_raised_by(full.value))
    assert not says_full(_raised_by(other.value))


def _raised_by(cause):
    """Return the error as Django passes it on."""
    try:
        raise OperationalError(str(cause)) from cause
    except OperationalError as error:
        return error


@pytest.fixture
def full_disk(settings, tmp_path):
    """Make every temporary file end on a disk without room: /dev/full answers ENOSPC to each write."""

    class Full(LimitedUploadHandler):
        def new_file(self, *arguments, **named):
            super().new_file(*arguments, **named)
            self.file.file.close()
            self.file.file = open("/dev/full", "wb+")  # noqa: SIM115 (closed with the upload)

    settings.FILE_UPLOAD_HANDLERS = [f"{__name__}.full"]
    return Full


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full is Linux's full disk")
@pytest.mark.parametrize("accept", ["application/json", "text/html"])
def test_a_full_disk_is_said_with_507_and_nothing_is_kept(client, full_disk, monkeypatch, accept):
    monkeypatch.setitem(globals(), "full", full_disk)
    photo = SimpleUploadedFile("a.jpg", factory.picture().read())

    answer = client.post(reverse("upload"), {"photos": [photo]}, headers={"accept": accept})

    assert answer.status_code == 507
    assert "The server has no space left." in answer.content.decode()
    assert not Photo.objects.exists()
    assert stored("originals") == []
