"""A bucket that exists already, imported; and rows against objects, both ways."""

from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.management.base import CommandError
from django.utils import timezone
from moto.s3.models import s3_backends

from labels.models import Photo
from labels.models.bundle import bundle_files
from labels.models.photo import originals
from labels.storage import multipart
from photomgr import aws
from tests import factory
from tests.commands.tools import run
from tests.conftest import read_file
from tests.fixtures_aws import PHOTOS
from tests.storage.s3_server import cut, error

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

NAMES = ["Ferien/Süd + Ost é.JPG", "Ferien/a b.JPG", "Ferien/one#two?.jpg", "Ferien/plain.jpeg"]


@pytest.fixture
def album(s3):
    """Somebody's bucket: four photos, one of them twice, a note, a folder marker and what a system left."""
    client = aws.client("s3")
    client.create_bucket(Bucket="album")

    def put(key, content):
        client.put_object(Bucket="album", Key=key, Body=content)

    for number, name in enumerate(NAMES):
        put(name, factory.picture((0, 0, 40 * number)).read())
    put("Ferien/copy of plain.jpg", factory.picture((0, 0, 120)).read())
    put("Ferien/notes.txt", b"dear diary")
    put("Ferien/", b"")
    put("Ferien/.DS_Store", b"x")
    put("Anders/other.jpg", factory.picture(factory.GREEN).read())
    s3.reset()
    return s3


def _names():
    return sorted(Photo.objects.values_list("original_name", flat=True))


def test_a_bucket_is_imported_with_the_names_people_gave(album, dan):
    code, document = run("import_photos", "s3://album/Ferien/", "--owner", "dan")

    assert code == 2
    assert (document["imported"], document["duplicates"]) == (4, 1)
    [refused] = document["refused"]
    assert refused["name"] == "Ferien/notes.txt"
    assert "not a photo that can be read" in refused["reason"]
    assert _names() == ["Süd + Ost é.JPG", "a b.JPG", "copy of plain.jpg", "one#two?.jpg"]


def test_a_dry_run_says_the_same_and_stores_nothing(album, dan, keys):
    _, document = run("import_photos", "s3://album/Ferien/", "--owner", "dan", "--dry-run")

    assert (document["imported"], document["duplicates"], len(document["refused"])) == (4, 1, 1)
    assert not Photo.objects.exists()
    assert keys(PHOTOS) == []


def test_the_same_again_imports_nothing(album, dan):
    run("import_photos", "s3://album", "--owner", "dan")

    _, document = run("import_photos", "s3://album", "--owner", "dan")

    assert (document["imported"], document["duplicates"]) == (0, 6)


def test_an_import_that_the_storage_stopped_says_where_it_goes_on(album, dan):
    stop = "Ferien/one#two?.jpg"
    album.rule = lambda asked: error(400, "ExpiredToken") if asked.path.endswith(stop) else None

    with pytest.raises(CommandError, match="credentials for the storage have expired") as stopped:
        run("import_photos", "s3://album", "--owner", "dan")
    before = str(stopped.value).partition("--after ")[2].strip("'")
    album.reset()
    _, document = run("import_photos", "s3://album", "--owner", "dan", "--after", before)

    assert before == "Ferien/notes.txt"
    assert document["imported"] + document["duplicates"] == 2
    assert len(_names()) == 5
    assert not album.calls("GET", "other.jpg")


def test_one_photo_that_is_denied_is_refused_by_name_and_a_broken_connection_is_not(album, dan):
    def rule(asked):
        if asked.path.endswith("plain.jpeg"):
            return error(403, "AccessDenied")
        return cut() if asked.path.endswith("a b.JPG") and len(album.calls("GET", "a b.JPG")) == 1 else None

    album.rule = rule
    _, document = run("import_photos", "s3://album/Ferien", "--owner", "dan")

    reasons = {refused["name"]: refused["reason"] for refused in document["refused"]}
    assert reasons["Ferien/plain.jpeg"] == "plain.jpeg cannot be read: access to it is denied."
    assert "a b.JPG" in _names()


def test_a_file_over_the_limit_is_not_even_fetched(album, dan, settings):
    settings.UPLOAD_MAX_BYTES = 100

    _, document = run("import_photos", "s3://album/Anders", "--owner", "dan")

    assert "the limit is 100\xa0bytes" in document["refused"][0]["reason"]
    assert not album.calls("GET", "other.jpg")


def test_a_bucket_that_is_not_there(s3, dan):
    with pytest.raises(CommandError, match="bucket does not exist"):
        run("import_photos", "s3://nowhere", "--owner", "dan")


# Rows against objects --------------------------------------------------------------------------------------


@pytest.fixture
def photos(s3, dan, commits):
    with commits():
        return [factory.photo(dan, (0, 80 * n, 0), name=f"{n}.jpg") for n in range(3)]


def _age(key):
    """Make an object two hours old."""
    s3_backends["123456789012"]["aws"].buckets[PHOTOS].keys[key].last_modified = timezone.now().replace(
        tzinfo=None
    ) - timedelta(hours=2)


def _found(document):
    return [(row["kind"], row["storage"], row["key"]) for row in document["findings"]]


def test_rows_and_objects_that_agree(photos):
    assert run("check_storage", "--checksums") == (0, {"findings": [], "repaired": 0})


def test_what_is_missing_changed_or_left_over_is_found_and_repaired_only_when_asked(s3, photos, keys):
    lost, shorter, other = photos
    content = read_file(other.original.storage, other.original.name)
    originals().delete(lost.original.name)
    for photo, bytes_now in ((shorter, b"short"), (other, content[:-1] + b"!")):
        key = f"originals/{photo.original.name}"
        aws.client("s3").put_object(Bucket=PHOTOS, Key=key, Body=bytes_now)
    old = originals().save("zz/old.jpg", ContentFile(b"12345"))
    young = originals().save("zz/young.jpg", ContentFile(b"x"))
    root = originals().save("access-probe", ContentFile(b"ok"))
    for name in (old, root):
        _age(f"originals/{name}")
    wanted = {
        ("missing", "originals", lost.original.name),
        ("changed", "originals", shorter.original.name),
        ("changed", "originals", other.original.name),
        ("orphan", "originals", old),
        ("orphan", "originals", root),
    }

    code, document = run("check_storage", "--checksums")
    assert (code, set(_found(document)), document["repaired"]) == (2, wanted, 0)
    _, without = run("check_storage")
    assert wanted - set(_found(without)) == {("changed", "originals", other.original.name)}

    run("check_storage", "--checksums", "--repair")
    left = [f"originals/{name}" for name in (shorter.original.name, other.original.name, young)]
    assert keys(PHOTOS) == sorted(left)
    assert Photo.objects.filter(status=Photo.Status.FAILED).count() == 3


def test_an_upload_that_nobody_finishes_is_found_and_given_up(s3, photos):
    multipart.create(bundle_files(), "1/forgotten.zip")

    _, document = run("check_storage", "--repair")

    assert _found(document) == [("stale upload", "bundles", "1/forgotten.zip")]
    assert list(multipart.list_uploads(bundle_files())) == []


def test_a_check_that_the_storage_stopped_goes_on_where_it_was(s3, photos):
    for photo, key in zip(photos, ("00/first.jpg", "ff/last.jpg"), strict=False):
        Photo.objects.filter(pk=photo.pk).update(original=key)
    s3.rule = lambda asked: error(400, "ExpiredToken") if "originals%2Fff%2F" in asked.query else None

    code, stopped = run("check_storage")
    s3.reset()
    _, rest = run("check_storage", "--after", stopped["stopped"]["after"])

    assert code == 2
    assert "have expired" in stopped["stopped"]["reason"]
    assert _found(stopped) == [("missing", "originals", "00/first.jpg")]
    assert _found(rest) == [("missing", "originals", "ff/last.jpg")]
