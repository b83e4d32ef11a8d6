"""Objects as files: what is written, what is read, and what each of S3's errors becomes."""

import errno
import io
import os
import re
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import urllib3
from django.core.files.base import ContentFile

from labels.models.photo import originals, random_key
from labels.storage.bucket import CHUNK_BYTES as CHUNK
from labels.storage.bucket import BucketStorage
from labels.storage.errors import ObjectUnreadable, StorageUnavailable
from photomgr import aws
from tests.conftest import read_file
from tests.fixtures_aws import PHOTOS
from tests.storage.s3_server import cut, error, hang_up

# Longer than two blocks, so that a read is made of three requests.
LONG = bytes(range(256)) * (2 * CHUNK // 256) + b"the end"


@pytest.fixture
def stored(s3):
    """Return the storage of originals and what stores some bytes in it."""
    storage = originals()

    def store(content):
        return storage, storage.save(random_key("jpg"), ContentFile(content))

    return store


def test_an_original_is_private_encrypted_and_tiered(s3, stored):
    _, name = stored(b"a photo")

    row = aws.client("s3").head_object(Bucket=PHOTOS, Key=f"originals/{name}")
    [put] = s3.calls("PUT", "/originals/")

    assert (row["StorageClass"], row["ServerSideEncryption"]) == ("INTELLIGENT_TIERING", "AES256")
    assert not [header for header in put.headers if "acl" in header or "grant" in header]
    assert row["ContentType"] == "image/jpeg"
    assert "photomgr" in put.headers["user-agent"]
    assert re.fullmatch(r"[0-9a-f]{2}/[0-9a-f]{32}\.jpg", name)


@pytest.mark.parametrize("content", [b"", b"x", LONG], ids=["empty", "one byte", "three blocks"])
def test_what_was_written_is_read(stored, content):
    storage, name = stored(content)

    assert read_file(storage, name) == content
    assert b"".join(storage.iter_chunks(name)) == content
    assert storage.size(name) == len(content)
    assert storage.exists(name)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (0, 10),
        (5, CHUNK + 5),
        (CHUNK - 1, 2 * CHUNK + 1),
        (2 * CHUNK, None),
        (2 * CHUNK, 2 * CHUNK + 99),
    ],
)
def test_any_range_is_read(stored, start, end):
    storage, name = stored(LONG)

    assert b"".join(storage.iter_chunks(name, start, end)) == LONG[start:end]


def test_a_range_beyond_the_end_has_no_bytes_and_says_how_many_there_are(stored):
    storage, name = stored(b"short")

    assert storage.read_range(name, 10, 20) == (b"", 5)
    assert storage.read_range(name, 3, 20) == (b"rt", 5)


def test_what_is_not_there(stored):
    storage, name = stored(b"x")
    storage.delete(name)

    storage.delete(name)

    assert not storage.exists(name)
    for ask in (storage.open, storage.size, storage.read_range, storage.get_modified_time):
        with pytest.raises(FileNotFoundError, match="no longer in storage") as error:
            ask(name)
        assert error.value.errno == errno.ENOENT


def test_a_connection_that_breaks_is_made_anew(s3, stored):
    storage, name = stored(LONG)
    s3.rule = lambda asked: cut() if asked.is_photo and len(s3.calls("GET", name)) in (1, 3) else None

    assert b"".join(storage.iter_chunks(name)) == LONG
    assert len(s3.calls("GET", name)) == 3 + 2


def test_a_connection_that_always_breaks_is_an_error_and_no_missing_photo(s3, stored):
    storage, name = stored(LONG)
    s3.rule = lambda asked: cut() if asked.is_photo else None

    with pytest.raises(StorageUnavailable, match="does not answer as it should"):
        storage.open(name)
    assert len(s3.calls("GET", name)) == 3


ERRORS = {
    "NoSuchBucket": (404, "bucket does not exist"),
    "AccessDenied": (403, "access to the storage is denied"),
    "ExpiredToken": (400, "credentials for the storage have expired"),
    "InvalidAccessKeyId": (403, "credentials for the storage are not valid"),
    "SignatureDoesNotMatch": (403, "credentials for the storage are not valid"),
    "AuthorizationHeaderMalformed": (400, "another Region"),
    "RequestTimeTooSkewed": (403, "clock is wrong"),
    "InternalError": (500, "does not answer as it should"),
}


@pytest.mark.parametrize(
    ("act", "code"),
    [
        *(("read", code) for code in ERRORS),
        *((act, "ExpiredToken") for act in ("write", "delete", "walk", "list")),
        # The answer to a HEAD has no body, and so no code but the status.
        *((act, "AccessDenied") for act in ("exists", "size", "modified")),
        ("delete", "NoSuchBucket"),
    ],
)
def test_an_error_of_the_whole_storage_says_what_is_wrong(s3, stored, act, code):
    storage, name = stored(b"x")
    status, words = ERRORS[code]
    s3.rule = lambda asked: error(status, code)
    acts = {
        "read": lambda: storage.open(name),
        "write": lambda: storage.save("new", ContentFile(b"y")),
        "delete": lambda: storage.delete(name),
        "walk": lambda: list(storage.walk()),
        "list": lambda: storage.listdir(""),
        "exists": lambda: storage.exists(name),
        "size": lambda: storage.size(name),
        "modified": lambda: storage.get_modified_time(name),
    }

    with pytest.raises(StorageUnavailable, match=words) as raised:
        acts[act]()
    assert words in raised.value.strerror
    # Not an error that somebody could take for a missing file or a broken picture.
    assert not isinstance(raised.value, FileNotFoundError)
    assert raised.value.errno


def test_a_storage_that_cannot_be_reached_is_unavailable(s3, stored, monkeypatch, reconnect):
    _, name = stored(b"x")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    reconnect()

    with pytest.raises(StorageUnavailable, match="cannot be reached"):
        originals().open(name)


def test_without_credentials_the_storage_is_unavailable(s3, stored, monkeypatch, reconnect):
    _, name = stored(b"x")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    reconnect()

    with pytest.raises(StorageUnavailable, match="credentials for the storage are not valid"):
        originals().open(name)


def test_one_object_that_is_denied_while_others_are_not_is_named_unreadable(s3, stored, keys):
    storage, name = stored(b"x")
    s3.rule = lambda asked: error(403, "AccessDenied") if name in asked.path else None

    with pytest.raises(ObjectUnreadable, match="access to it is denied"):
        storage.open(name)
    assert keys(PHOTOS) == [f"originals/{name}"]


def test_an_object_in_an_archive_tier_says_so(s3, stored):
    storage, name = stored(b"x")
    s3.rule = lambda asked: error(403, "InvalidObjectState") if name in asked.path else None

    with pytest.raises(ObjectUnreadable, match="has to be restored first"):
        storage.open(name)


@pytest.mark.parametrize("good", [0, 1], ids=["read for the signature", "read to be sent"])
def test_what_breaks_in_the_source_of_the_bytes_comes_out_as_it_is(s3, keys, good):
    class Breaking(ContentFile):
        # Each try reads the bytes twice.
        passes = 0

        def read(self, size=-1):
            chunk = self.file.read(min(size, 4))
            breaks = chunk and self.passes % 2 == good
            self.passes += breaks or not chunk
            if breaks:
                raise ValueError("the source broke")
            return chunk

    with pytest.raises(ValueError, match="the source broke"):
        originals().save("a", Breaking(b"half and half"))
    assert keys(PHOTOS) == []


def test_a_large_file_is_written_by_one_call_without_a_thread(s3):
    class Noting(ContentFile):
        readers = set()

        def read(self, size=-1):
            self.readers.add(threading.current_thread())
            return self.file.read(size)

    originals().save("a", Noting(LONG))

    assert Noting.readers == {threading.current_thread()}
    assert [asked.method for asked in s3.asked if "/originals/a" in asked.path] == ["PUT"]


def test_every_thread_writes_through_the_one_client(s3):
    with ThreadPoolExecutor(3) as pool:
        clients = set(pool.map(lambda _: originals().bucket.meta.client, range(3)))

    assert clients == {aws.client("s3")}


def test_a_storage_that_was_used_takes_a_new_client_as_after_a_fork(s3, stored, reconnect):
    storage, _ = stored(b"x")
    before = aws.client("s3")
    reconnect()

    assert storage.bucket.meta.client is aws.client("s3") is not before


def test_a_file_is_opened_by_one_call_and_a_folder_is_listed_by_version_2(s3, stored):
    storage, name = stored(b"x")
    s3.reset()

    storage.open(name).close()
    folders = storage.listdir("")

    assert folders == ([name[:2]], [])
    assert [asked.method for asked in s3.asked if name in asked.path] == ["GET"]
    assert len(s3.calls("GET", "list-type=2")) == 1


def test_a_write_that_met_a_busy_storage_sends_all_bytes_again(s3):
    s3.rule = lambda asked: error(500, "InternalError") if len(s3.calls("PUT")) == 1 else None

    name = originals().save("a", ContentFile(LONG))

    assert read_file(originals(), name) == LONG
    assert len(s3.calls("PUT")) == 2


def test_a_write_that_was_broken_off_sends_all_bytes_again(s3):
    s3.rule = lambda asked: hang_up() if len(s3.calls("PUT")) == 1 else None

    name = originals().save("a", ContentFile(LONG))

    assert read_file(originals(), name) == LONG
    assert len(s3.calls("PUT")) == 2


def test_a_write_that_is_always_broken_off_is_an_error_and_leaves_nothing(s3, keys):
    s3.rule = lambda asked: hang_up() if asked.method == "PUT" else None

    with pytest.raises(StorageUnavailable, match="does not answer as it should"):
        originals().save("a", ContentFile(LONG))
    assert keys(PHOTOS) == []


def test_a_listing_of_many_pages_goes_on_where_it_was(s3):
    names = [f"{number:04}" for number in range(1005)]
    backend = _moto_bucket()
    for name in names:
        backend.put_object(PHOTOS, f"originals/{name}", b"x")
    backend.put_object(PHOTOS, "incoming/0000", b"x")
    storage = originals()

    assert [name for name, _, _ in storage.walk()] == names
    assert [name for name, _, _ in storage.walk(after="1002")] == ["1003", "1004"]
    assert len(s3.calls("GET", "list-type=2")) == 3


def _moto_bucket():
    from moto.s3.models import s3_backends

    return s3_backends["123456789012"]["aws"]


AWKWARD = ["plain.jpg", "Ferien am Meer é.JPG", "100% + more.JPG", 'quote".jpg', "海.jpg"]


@pytest.mark.parametrize("name", AWKWARD)
def test_a_signed_link_saves_under_the_name_it_was_signed_with(stored, name):
    storage, key = stored(b"a photo")

    link = storage.signed_url(key, seconds=60, save_as=name, content_type="application/zip")
    answer = urllib3.request("GET", link)

    headers = answer.headers
    assert answer.data == b"a photo"
    assert headers["Content-Type"] == "application/zip"
    disposition = headers["Content-Disposition"]
    assert disposition.startswith("attachment; filename")
    assert "X-Amz-Expires=60" in link
    assert "X-Amz-Algorithm=AWS4-HMAC-SHA256" in link


def test_keys_of_any_kind_are_found_again(s3):
    # Those that look like paths are other people's, in a bucket that is imported.
    keys = [
        *(f"folder/{name}" for name in AWKWARD),
        "twice//folder/a.jpg",
        "./a.jpg",
        "x/../a.jpg",
        "a\\b.jpg",
    ]
    for key in keys:
        _moto_bucket().put_object(PHOTOS, key, key.encode())
    storage = BucketStorage(bucket_name=PHOTOS)

    found = {name: read_file(storage, name) for name, _, _ in storage.walk()}

    assert found == {key: key.encode() for key in keys}


@pytest.mark.parametrize("name", AWKWARD)
def test_what_is_saved_under_an_awkward_name_is_found_under_it(s3, name):
    storage = BucketStorage(bucket_name=PHOTOS)

    storage.save(f"folder/{name}", ContentFile(b"x"))

    assert [name for name, _, _ in storage.walk()] == [f"folder/{name}"]


def test_an_opened_object_can_be_read_here_and_there(stored):
    storage, name = stored(LONG)

    with storage.open(name) as file:
        file.seek(-3, io.SEEK_END)
        assert file.read() == b"end"
        file.seek(CHUNK)
        assert file.read(1) == LONG[CHUNK : CHUNK + 1]


def test_a_process_without_buckets_imports_neither_boto3_nor_django_storages(tmp_path):
    modules = "labels.urls, labels.tasks, labels.intake.sources, labels.maintenance.storage_check"
    program = f"import django, sys; django.setup(); import {modules}; print(*sys.modules)"
    env = {
        "DJANGO_SETTINGS_MODULE": "photomgr.settings",
        "PHOTOMGR_DATA_DIR": tmp_path,
        "PATH": os.environ["PATH"],
    }

    done = subprocess.run(
        [sys.executable, "-c", program], env=env, capture_output=True, text=True, check=True
    )

    assert {"boto3", "storages"}.isdisjoint(done.stdout.split())
