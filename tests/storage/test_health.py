"""What pages and probes say of the buckets: their names, and what keeps us from writing there."""

import threading

import pytest
from django.core.files.storage import storages
from django.urls import reverse

from labels.storage.health import check_storages, checks
from photomgr import aws
from tests import factory
from tests.fixtures_aws import BUNDLES, PHOTOS
from tests.storage.s3_server import error

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


@pytest.fixture
def staff(client, dan):
    dan.is_staff = True
    dan.save()
    factory.ready()
    return client


def _refuse(s3, bucket, status, code):
    s3.rule = lambda asked: error(status, code) if asked.path.startswith(f"/{bucket}/") else None


def test_buckets_are_named_and_nothing_is_left_in_them(s3, staff, keys):
    page = staff.get(reverse("status")).content.decode()

    assert f"bucket {PHOTOS}" in page
    assert f"bucket {BUNDLES}" in page
    assert page.count("reachable") == 2
    # A server's own disk says nothing about a bucket.
    assert " free" not in page
    assert staff.get("/readyz").json() == {"database": "ok", "storage": "ok", "queue": "ok"}
    assert keys(PHOTOS) == keys(BUNDLES) == []


@pytest.mark.parametrize(
    ("bucket", "what"), [(PHOTOS, "photos"), (BUNDLES, "archives and thumbnails")], ids=["photos", "bundles"]
)
@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (403, "AccessDenied", "access to the storage is denied"),
        (400, "ExpiredToken", "the credentials for the storage have expired"),
        (403, "InvalidAccessKeyId", "the credentials for the storage are not valid"),
        (403, "RequestTimeTooSkewed", "the server's clock is wrong"),
        (301, "PermanentRedirect", "the storage is in another Region than the one that is configured"),
        (400, "Odd", "the storage does not answer as it should"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_a_bucket_that_refuses_says_why(s3, staff, bucket, what, status, code, words):
    _refuse(s3, bucket, status, code)

    answer = staff.get("/readyz")
    page = staff.get(reverse("status"))

    assert answer.status_code == 503
    assert answer.json() == {"database": "ok", "storage": f"not writable, {what}: {words}", "queue": "ok"}
    [failed] = [storage for storage in page.context["storages"] if storage.error]
    assert (failed.location, failed.error) == (f"bucket {bucket}", words)


@pytest.mark.parametrize(
    ("gone", "words"),
    [
        ([PHOTOS], "photos: the storage's bucket does not exist"),
        (
            [PHOTOS, BUNDLES],
            "photos: the storage's bucket does not exist, "
            "archives and thumbnails: the storage's bucket does not exist",
        ),
    ],
    ids=["one", "both"],
)
def test_a_bucket_that_is_gone_is_said(s3, staff, gone, words):
    for bucket in gone:
        aws.client("s3").delete_bucket(Bucket=bucket)

    assert staff.get("/readyz").json()["storage"] == f"not writable, {words}"


def test_a_storage_that_cannot_be_reached_is_said(s3, staff, monkeypatch, reconnect):
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    reconnect()

    answer = staff.get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["storage"].startswith("not writable, photos: the storage cannot be reached")


def test_machines_that_ask_often_cost_one_attempt_and_people_get_a_new_one(s3, staff):
    for _ in range(3):
        assert staff.get("/readyz").json()["storage"] == "ok"
    assert len(s3.calls("PUT", "readyz-")) == 2

    staff.get(reverse("status"))

    assert len(s3.calls("PUT", "readyz-")) == 4


def test_a_trouble_that_is_over_is_not_believed_any_longer(s3, staff):
    _refuse(s3, PHOTOS, 403, "AccessDenied")
    assert staff.get("/readyz").status_code == 503

    s3.rule = lambda asked: None

    assert staff.get("/readyz").status_code == 200


def test_nobody_waits_for_a_storage_that_hangs_and_it_is_asked_once(s3, staff):
    freed = threading.Event()
    s3.rule = lambda asked: None if BUNDLES in asked.path else freed.wait(60) and None
    try:
        check_storages(wait=0)
        # However long the one that answers takes here.
        checks[storages["bundles"]].join()
        found = [check_storages(wait=0.2) for _ in range(3)]
    finally:
        freed.set()

    assert {(photos.error, archives.error) for photos, archives in found} == {
        ("no answer within 0.2 seconds", "")
    }
    assert len(s3.calls("PUT", f"{PHOTOS}/originals/readyz-")) == 1
    assert [storage.error for storage in check_storages()] == ["", ""]
