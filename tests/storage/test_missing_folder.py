"""Photos whose folder is not there are not to blame, and all is well when it is back."""

import io
import shutil
import zipfile

import pytest
from django.conf import settings
from django.urls import reverse

from labels import tasks
from labels.bundles.request import request_bundle
from labels.intake.add import add_photo
from labels.labelling import attempts
from labels.models import Bundle, Photo
from labels.selection.predicate import Selection
from labels.storage.errors import StorageUnavailable
from tests import factory
from tests.commands.tools import run
from tests.factory import BLUE, RED

pytestmark = pytest.mark.django_db

REASON = "its folder is missing or empty: is its disk mounted?"


@pytest.fixture(params=["missing", "empty"])
def unmount(request):
    """Return how the disk with the photos goes away, and how it comes back."""
    folder, aside = settings.DATA_DIR / "originals", settings.DATA_DIR / "aside"

    def away():
        folder.rename(aside)
        if request.param == "empty":
            folder.mkdir()

    def back():
        shutil.rmtree(folder, ignore_errors=True)
        aside.rename(folder)

    yield away, back
    shutil.rmtree(aside, ignore_errors=True)


def test_a_photo_waits_and_is_labelled_when_the_disk_is_back(dan, unmount):
    away, back = unmount
    photo = factory.photo(dan)
    away()

    tasks.label_photo(photo.pk)

    photo.refresh_from_db()
    assert (photo.status, photo.failure_code) == (Photo.Status.PENDING, "storage")
    assert REASON in photo.failure_reason
    assert photo.attempts == 0
    back()
    attempts.label_again(Photo.objects.all())
    tasks.label_photo(photo.pk)
    photo.refresh_from_db()
    assert photo.status == Photo.Status.LABELLED


def test_a_single_lost_original_is_still_the_photos_own(dan):
    photo, _ = factory.photo(dan, RED), factory.photo(dan, BLUE)
    photo.original.storage.delete(photo.original.name)

    tasks.label_photo(photo.pk)

    photo.refresh_from_db()
    assert photo.failure_code == "original_missing"


def test_nothing_new_is_written_beside_the_disk(dan, unmount):
    away, _ = unmount
    factory.photo(dan, RED)
    away()

    with pytest.raises(StorageUnavailable):
        add_photo(factory.picture(BLUE), "b.jpg", dan)

    assert Photo.objects.count() == 1


def test_the_first_photo_of_an_installation_makes_the_folder(dan):
    assert not (settings.DATA_DIR / "originals").exists()
    factory.photo(dan)


def test_readyz_says_so_and_is_well_again_afterwards(client, dan, unmount):
    away, back = unmount
    factory.ready()
    factory.photo(dan)
    assert client.get("/readyz").status_code == 200
    away()

    answer = client.get("/readyz")

    assert (answer.status_code, answer.json()["storage"]) == (503, f"not writable, photos: {REASON}")
    back()
    assert client.get("/readyz").status_code == 200


def test_check_storage_blames_no_photo(dan, unmount):
    away, _ = unmount
    photo = factory.photo(dan)
    away()

    code, document = run("check_storage", "--repair")

    assert (code, document["findings"], document["stopped"]["reason"]) == (2, [], REASON)
    photo.refresh_from_db()
    assert photo.status == Photo.Status.PENDING


def test_a_download_waits_for_the_disk(dan, unmount):
    away, back = unmount
    factory.photo(dan)
    bundle = request_bundle(dan, Selection(everything=True))
    away()

    tasks.build_bundle(bundle.pk)

    bundle.refresh_from_db()
    assert bundle.status == Bundle.Status.QUEUED
    back()
    Bundle.objects.update(next_attempt_at=bundle.created_at)
    tasks.build_bundle(bundle.pk)
    bundle.refresh_from_db()
    assert bundle.status == Bundle.Status.READY


def test_a_partial_download_is_whole_after_a_retry(client, dan, commits):
    red, blue = factory.photo(dan, RED, name="red.jpg"), factory.photo(dan, BLUE, name="blue.jpg")
    path = settings.DATA_DIR / "originals" / red.original.name
    content = path.read_bytes()
    path.unlink()
    bundle = request_bundle(dan, Selection(everything=True))
    tasks.build_bundle(bundle.pk)
    bundle.refresh_from_db()
    assert bundle.status == Bundle.Status.PARTIAL
    assert "Try again with the missing photos" in client.get(bundle.get_absolute_url()).content.decode()
    path.write_bytes(content)

    with commits():
        client.post(reverse("bundle_retry", args=[bundle.pk]))

    bundle.refresh_from_db()
    assert (bundle.status, bundle.photos_done) == (Bundle.Status.READY, 2)
    [part] = bundle.parts.all()
    with part.file.open("rb") as file, zipfile.ZipFile(io.BytesIO(file.read())) as archive:
        assert {"red.jpg", "blue.jpg"} < set(archive.namelist())
    assert blue.original
