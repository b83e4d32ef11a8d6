"""The same contract held against servers of three makers: moto, OpenStack Swift and s3rver.

moto knows the most of Amazon's operations and checks neither signatures nor times. Swift (2.30) checks both
and takes no forms from browsers. s3rver (3.7) ends links and takes forms; it cannot list or abort multipart
uploads and takes any signature of version 4. A test runs where its subject exists; what the others
answer there has a test as well, so that a server that learns it is noticed.
"""

import hashlib
import io
import zipfile
from datetime import UTC, datetime, timedelta

import botocore.auth
import pytest
import urllib3
from django.core.files.base import ContentFile
from django.urls import reverse
from django.utils import timezone

from labels import tasks
from labels.bundles import building, lifecycle
from labels.models import Bundle, Photo
from labels.models.bundle import bundle_files
from labels.models.direct_upload import direct_upload_files
from labels.models.photo import originals, random_key
from labels.storage import multipart
from labels.storage.bucket import BucketStorage
from labels.storage.errors import PartsChanged, StorageUnavailable
from labels.storage.multipart import MIN_PART_BYTES
from photomgr import aws
from tests import factory
from tests.bundles import archives
from tests.commands.tools import run
from tests.conftest import read_file

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


def _on(*names):
    """Run a test against these servers: the first in the gate, all in `make test-everything`."""
    # With `--dist loadgroup` one worker has all tests of one server, and starts it once.
    marked = [
        pytest.param(
            name, marks=[pytest.mark.xdist_group(name), *([pytest.mark.everything] if number else [])]
        )
        for number, name in enumerate(names)
    ]
    return pytest.mark.parametrize("account", marked, indirect=True, scope="session")


# moto comes second: the other tests of S3 have it.
everywhere = _on("swift", "s3rver", "moto")
with_uploads = _on("swift", "moto")
with_forms = _on("s3rver", "moto")
with_times = _on("swift", "s3rver")
with_signatures = only_swift = _on("swift")
only_s3rver = _on("s3rver")

AWKWARD = ["Ferien am Meer é.JPG", "100% + more.JPG", "a b.jpg", "one#two?.jpg", "plain.jpg", "海.jpg"]
TWO_PARTS = bytes(MIN_PART_BYTES), b"the end"


@pytest.fixture
def stored(maker):
    """Return the storage of originals and the name of an object of a hundred bytes in it."""
    storage = originals()
    return storage, storage.save(random_key("jpg"), ContentFile(bytes(range(100))))


@pytest.fixture
def signed_two_hours_ago(monkeypatch):
    """Set back the clock by which botocore signs."""

    def then(remove_tzinfo=True):
        moment = datetime.now(UTC) - timedelta(hours=2)
        return moment.replace(tzinfo=None) if remove_tzinfo else moment

    monkeypatch.setattr(botocore.auth, "get_current_datetime", then)


def _reached_with(monkeypatch, reconnect, **variables):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    reconnect()


# Objects ---------------------------------------------------------------------------------------------------


@everywhere
def test_objects_are_written_listed_read_and_deleted(maker, settings):
    storage = BucketStorage(bucket_name=settings.PHOTOS_BUCKET, location="folder")
    for name in AWKWARD:
        storage.save(name, ContentFile(name.encode()))
    BucketStorage(bucket_name=settings.PHOTOS_BUCKET).save("elsewhere", ContentFile(b"x"))

    found = {name: read_file(storage, name) for name, _, _ in storage.walk()}

    assert found == {name: name.encode() for name in AWKWARD}
    # By the bytes of their names, which is what "after" goes by.
    assert [name for name, _, _ in storage.walk()] == sorted(AWKWARD)
    assert [name for name, _, _ in storage.walk(after="a b.jpg")] == sorted(AWKWARD)[3:]
    for name in AWKWARD:
        storage.delete(name)
    assert list(storage.walk()) == []


@everywhere
@pytest.mark.parametrize(("start", "end"), [(0, 10), (90, None), (99, 100), (95, 200), (100, 200)])
def test_a_range_is_read(stored, start, end):
    storage, name = stored

    assert storage.read_range(name, start, end) == (bytes(range(100))[start:end], 100)


@everywhere
def test_what_is_not_there_says_so(stored):
    storage, name = stored
    storage.delete(name)

    storage.delete(name)

    assert not storage.exists(name)
    for ask in (storage.open, storage.size, storage.read_range):
        with pytest.raises(FileNotFoundError, match="no longer in storage"):
            ask(name)


@everywhere
def test_a_bucket_that_is_not_there_is_trouble_and_no_missing_photo(maker):
    storage = BucketStorage(bucket_name="photos-of-nobody")

    for act in (storage.open, lambda name: storage.save(name, ContentFile(b"x"))):
        with pytest.raises(StorageUnavailable, match="bucket does not exist"):
            act("a.jpg")


# Who asks, and when ----------------------------------------------------------------------------------------


@with_signatures
def test_a_wrong_secret_is_refused(stored, monkeypatch, reconnect):
    storage, name = stored
    _reached_with(monkeypatch, reconnect, AWS_SECRET_ACCESS_KEY="wrong")

    for act in (lambda: storage.open(name), lambda: storage.save("b", ContentFile(b"x"))):
        with pytest.raises(StorageUnavailable, match="credentials for the storage are not valid"):
            act()


@with_times
def test_a_key_of_nobody_is_refused(stored, monkeypatch, reconnect):
    storage, name = stored
    _reached_with(monkeypatch, reconnect, AWS_ACCESS_KEY_ID="nobody")

    with pytest.raises(StorageUnavailable, match="credentials for the storage are not valid"):
        storage.open(name)


@with_times
def test_a_clock_that_is_wrong_is_refused(stored, signed_two_hours_ago):
    storage, name = stored

    for act in (lambda: storage.open(name), lambda: storage.save("b", ContentFile(b"x"))):
        with pytest.raises(StorageUnavailable, match="the server's clock is wrong"):
            act()


@only_swift
def test_the_right_region_is_found_by_what_the_storage_answers(stored, monkeypatch, reconnect):
    storage, name = stored
    _reached_with(monkeypatch, reconnect, AWS_DEFAULT_REGION="eu-west-1")

    assert read_file(storage, name) == bytes(range(100))


@only_swift
@pytest.mark.parametrize("unknown", [{"storage_class": "INTELLIGENT_TIERING"}, {"encryption": "AES256"}])
def test_a_class_or_an_encryption_that_the_storage_does_not_know_is_named(
    maker, settings, use_buckets, unknown
):
    plain = {"storage_class": "", "encryption": ""}
    use_buckets(settings.PHOTOS_BUCKET, settings.BUNDLES_BUCKET, **{**plain, **unknown})

    with pytest.raises(
        StorageUnavailable, match="does not know what is asked of it: its class, its encryption"
    ):
        originals().save("a.jpg", ContentFile(b"x"))


# Links -----------------------------------------------------------------------------------------------------


@everywhere
@pytest.mark.parametrize("name", AWKWARD)
def test_a_link_needs_no_account_and_saves_under_its_name(stored, name):
    storage, key = stored

    link = storage.signed_url(key, seconds=60, save_as=name, content_type="image/jpeg")
    answer = urllib3.request("GET", link, headers={"Range": "bytes=10-19"})
    head = storage.signed_url(key, seconds=60, method="HEAD", content_type="image/jpeg")

    assert (answer.status, answer.data) == (206, bytes(range(10, 20)))
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.headers["Content-Disposition"].startswith("attachment; filename")
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert urllib3.request("HEAD", head).status == 200


@with_times
def test_a_link_ends(stored, signed_two_hours_ago):
    storage, key = stored

    link = storage.signed_url(key, seconds=3600, content_type="image/jpeg")
    longer = storage.signed_url(key, seconds=3 * 3600, content_type="image/jpeg")

    assert urllib3.request("GET", link).status == 403
    assert urllib3.request("GET", longer).status == 200


@with_signatures
def test_a_link_is_for_one_object_one_name_and_one_time(stored):
    storage, key = stored
    other = storage.save(random_key("jpg"), ContentFile(b"another"))
    link = storage.signed_url(key, seconds=60, save_as="mine.jpg", content_type="image/jpeg")

    for old, new in ((key, other), ("mine", "yours"), ("Expires=60", "Expires=600")):
        assert old in link
        assert urllib3.request("GET", link.replace(old, new)).status == 403
    assert urllib3.request("GET", link.partition("?")[0]).status in (400, 403)
    assert urllib3.request("GET", link).data == bytes(range(100))


# Uploads in parts ------------------------------------------------------------------------------------------


def _upload(name, parts=TWO_PARTS):
    multipart.create(bundle_files(), name)
    return [
        multipart.upload_part(bundle_files(), name, number, part)
        for number, part in enumerate(parts, start=1)
    ]


def _unfinished():
    return [name for name, _, _ in multipart.list_uploads(bundle_files())]


@with_uploads
def test_an_upload_is_seen_when_it_is_whole(maker):
    tags = _upload("1/a.zip")
    assert not bundle_files().exists("1/a.zip")
    assert _unfinished() == ["1/a.zip"]

    multipart.complete(bundle_files(), "1/a.zip", tags)

    assert read_file(bundle_files(), "1/a.zip") == b"".join(TWO_PARTS)
    assert bundle_files().read_range("1/a.zip", MIN_PART_BYTES - 2, MIN_PART_BYTES + 3)[0] == b"\0\0the"
    assert _unfinished() == []


@with_uploads
def test_another_worker_goes_on_with_the_parts_that_are_there(maker):
    [first] = _upload("1/a.zip", TWO_PARTS[:1])
    multipart._upload.cache_clear()

    assert multipart.list_parts(bundle_files(), "1/a.zip") == {1: first}
    for number in (3, 2):
        multipart.upload_part(bundle_files(), "1/a.zip", number, bytes([number]) * MIN_PART_BYTES)
    tags = multipart.list_parts(bundle_files(), "1/a.zip")
    assert sorted(tags) == [1, 2, 3]
    multipart.complete(bundle_files(), "1/a.zip", [tags[1], tags[2]])

    assert bundle_files().size("1/a.zip") == 2 * MIN_PART_BYTES


@with_uploads
def test_parts_that_are_not_those_that_were_sent_are_not_made_whole(maker):
    first, second = _upload("1/a.zip")
    again = multipart.upload_part(bundle_files(), "1/a.zip", 2, b"another end")

    assert again != second
    with pytest.raises(PartsChanged):
        multipart.complete(bundle_files(), "1/a.zip", [first, second])
    multipart.complete(bundle_files(), "1/a.zip", [first, again])

    assert read_file(bundle_files(), "1/a.zip")[MIN_PART_BYTES:] == b"another end"


@with_uploads
def test_an_upload_that_was_given_up_is_gone(maker):
    _upload("1/a.zip")
    multipart.abort(bundle_files(), "1/a.zip")

    multipart.abort(bundle_files(), "1/a.zip")

    assert _unfinished() == []
    assert not bundle_files().exists("1/a.zip")


@only_swift
def test_an_upload_that_was_given_up_takes_nothing_more(maker):
    tags = _upload("1/a.zip")
    multipart.abort(bundle_files(), "1/a.zip")

    with pytest.raises(FileNotFoundError):
        multipart.complete(bundle_files(), "1/a.zip", tags)
    with pytest.raises(FileNotFoundError):
        multipart.upload_part(bundle_files(), "1/a.zip", 1, b"too late")


@only_s3rver
def test_a_storage_that_cannot_list_uploads_says_that_it_will_not_do(maker, dan):
    factory.photo(dan)
    bundle = factory.held_bundle(dan)

    building.build(bundle)

    bundle.refresh_from_db()
    assert bundle.status == Bundle.Status.QUEUED
    assert "does not know what is asked of it" in bundle.failure_reason


# Forms for browsers ----------------------------------------------------------------------------------------


def _begin(client, content):
    return client.post(reverse("direct_upload_begin"), {"name": "Süd + Ost.JPG", "size": len(content)}).json()


def _post(promise, content):
    fields = {**promise["fields"], "file": ("photo", content, "application/octet-stream")}
    return urllib3.request("POST", promise["url"], fields=fields).status


@with_forms
def test_a_browser_sends_a_photo_by_a_form(maker, client, dan, commits):
    content = factory.picture().read()
    promise = _begin(client, content)

    assert _post(promise, content) == 204
    with commits():
        client.post(promise["sent_url"])

    photo = Photo.objects.get(owner=dan)
    assert (photo.original_name, photo.status) == ("Süd + Ost.JPG", Photo.Status.LABELLED)
    assert read_file(originals(), photo.original.name) == content
    assert list(direct_upload_files().walk()) == []


@only_swift
def test_a_storage_that_takes_no_forms_refuses_them(maker, client):
    assert _post(_begin(client, b"12345"), b"12345") == 412


@only_swift
def test_without_forms_the_browser_sends_to_the_application(maker, client, settings):
    assert f'data-direct="{reverse("direct_upload_begin")}"' in client.get(reverse("upload")).content.decode()
    settings.DIRECT_UPLOAD = False

    assert 'data-direct=""' in client.get(reverse("upload")).content.decode()
    assert client.post(reverse("direct_upload_begin"), {"name": "a", "size": 1}).status_code == 404


# All of it -------------------------------------------------------------------------------------------------


def _send(client, commits, count, size=(1000, 800)):
    """Upload photos of 2.4 MB by the plain form; return {name: SHA-256}."""
    sent = {}
    for number in range(count):
        file = factory.picture((30 * number, 0, 0), size, "BMP")
        file.name = f"Süd + Ost {number}.BMP"
        sent[file.name] = hashlib.sha256(file.getvalue()).hexdigest()
        with commits():
            assert client.post(reverse("upload"), {"photos": file}).status_code == 200
    return sent


@everywhere
def test_a_photo_is_taken_in_shown_and_fetched(maker, client, commits, dan):
    [(name, sha256)] = _send(client, commits, 1).items()

    photo = Photo.objects.get(owner=dan)
    original = client.get(reverse("photo_original", args=[photo.pk]))["Location"]
    thumbnail = client.get(reverse("photo_thumbnail", args=[photo.pk]))["Location"]

    assert (photo.original_name, photo.status) == (name, Photo.Status.LABELLED)
    assert original.startswith(maker.url)
    assert hashlib.sha256(urllib3.request("GET", original).data).hexdigest() == sha256
    assert urllib3.request("GET", thumbnail).data[:2] == b"\xff\xd8"


@with_uploads
def test_photos_become_an_archive_behind_a_link(maker, client, commits, dan, settings):
    settings.BUNDLE_CHUNK_BYTES = MIN_PART_BYTES
    sent = _send(client, commits, 5)
    bundle = factory.held_bundle(dan)

    building.build(bundle)
    tasks.add_sum(bundle.parts.get().pk)

    bundle.refresh_from_db()
    part = bundle.parts.get()
    assert (bundle.status, bundle.photos_done) == (Bundle.Status.READY, 5)
    answer = urllib3.request("GET", client.get(part.get_absolute_url())["Location"])
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{part.file_name}"'
    assert hashlib.sha256(answer.data).hexdigest() == part.sha256
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        assert archive.testzip() is None
        found = {name: hashlib.sha256(archive.read(name)).hexdigest() for name in archive.namelist()}
    assert sent.items() <= found.items()
    assert _unfinished() == []


@with_uploads
def test_a_changed_photo_is_left_out_and_what_expires_leaves_nothing(maker, dan, settings, commits):
    settings.BUNDLE_CHUNK_BYTES = MIN_PART_BYTES
    for number in range(7):
        factory.photo(dan, (30 * number, 0, 0), (1000, 800), f"{number}.bmp", format="BMP")
    bundle = factory.held_bundle(dan)
    last = Photo.objects.latest("pk").original.name
    whole = read_file(originals(), last)
    originals().delete(last)
    # As long as the photo was, so that it is found out at the end: the build plans anew, in the same upload.
    originals().save(last, ContentFile(bytes(len(whole))))

    building.build(bundle)

    bundle.refresh_from_db()
    assert bundle.status == Bundle.Status.PARTIAL
    assert len(archives.photos(bundle)) == 6
    assert bundle.photos.exclude(missing_reason="").get().missing_reason == "the content differs (CRC-32)"
    with commits():
        lifecycle.expire(timezone.now() + timedelta(days=3))
    assert (list(bundle_files().walk()), _unfinished()) == ([], [])


@only_swift
def test_an_archive_of_too_many_parts_waits_for_larger_ones(maker, dan, settings):
    settings.BUNDLE_CHUNK_BYTES = MIN_PART_BYTES
    for number in range(9):
        factory.photo(dan, (20 * number, 0, 0), (1000, 800), f"{number}.bmp", format="BMP")
    bundle = factory.held_bundle(dan)

    building.build(bundle)

    bundle.refresh_from_db()
    assert bundle.status == Bundle.Status.QUEUED
    assert "takes no more parts of one upload" in bundle.failure_reason
    settings.BUNDLE_CHUNK_BYTES = 2 * MIN_PART_BYTES
    Bundle.objects.update(next_attempt_at=timezone.now())
    building.build(Bundle.objects.claim(bundle.pk, "another worker"))
    assert len(archives.photos(bundle)) == 9
    assert _unfinished() == []


@everywhere
def test_a_bucket_of_somebodys_is_imported(maker, dan, settings):
    for number, name in enumerate(AWKWARD):
        content = factory.picture((0, 0, 40 * number))
        aws.client("s3").put_object(Bucket=settings.PHOTOS_BUCKET, Key=f"Ferien/{name}", Body=content.read())

    code, document = run("import_photos", f"s3://{settings.PHOTOS_BUCKET}/Ferien/", "--owner", "dan")

    assert (code, document["imported"], document["refused"]) == (0, len(AWKWARD), [])
    assert sorted(Photo.objects.values_list("original_name", flat=True)) == sorted(AWKWARD)


@with_uploads
def test_rows_and_objects_are_compared(maker, dan, commits):
    with commits():
        photos = [factory.photo(dan, (0, 80 * number, 0)) for number in range(3)]
    originals().delete(photos[0].original.name)

    _, document = run("check_storage", "--checksums")

    found = [(row["kind"], row["storage"], row["key"]) for row in document["findings"]]
    assert found == [("missing", "originals", photos[0].original.name)]
