import uuid

import pytest
import urllib3
from django.core.files.storage import storages
from moto.core import DEFAULT_ACCOUNT_ID
from moto.sns.models import sns_backends

from labels.models import BundlePart, Photo
from photomgr import aws
from photomgr.settings import in_bucket
from tests.storage import other_makers
from tests.storage.s3_server import S3Server

PHOTOS, BUNDLES = "photomgr-photos", "photomgr-bundles"


def pytest_collection_modifyitems(items):
    # moto takes seconds to start: one worker does. Tests with transactions of their own stay at the end: they
    # empty the tables.
    for item in items:
        database = item.get_closest_marker("django_db")
        if (
            "s3_server" in getattr(item, "fixturenames", ())
            and not item.get_closest_marker("xdist_group")
            and not (database and database.kwargs.get("transaction"))
        ):
            item.add_marker(pytest.mark.xdist_group("moto"))


@pytest.fixture(scope="session")
def s3_server():
    server = S3Server()
    yield server
    server.stop()


@pytest.fixture
def aws_account(monkeypatch):
    """Make boto3 see this account and nothing of the machine's own."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


@pytest.fixture
def reconnect():
    """Return what builds the clients anew, for a test that changes the environment once more."""
    yield aws._client.cache_clear
    aws._client.cache_clear()


@pytest.fixture
def use_buckets(settings, monkeypatch):
    """Return what puts the application's storages into two buckets."""

    def use(photos, bundles, storage_class="INTELLIGENT_TIERING", encryption="AES256"):
        settings.PHOTOS_BUCKET, settings.BUNDLES_BUCKET = photos, bundles
        settings.DIRECT_UPLOAD = True
        written = {"ServerSideEncryption": encryption}
        settings.STORAGES = {
            **settings.STORAGES,
            "originals": in_bucket(photos, "originals", StorageClass=storage_class, **written),
            "incoming": in_bucket(photos, "incoming", **written),
            "renditions": in_bucket(bundles, "renditions", **written),
            "bundles": in_bucket(bundles, "bundles", **written),
        }
        # A field asks for its storage once, when the process starts.
        for model, field, name in (
            (Photo, "original", "originals"),
            (Photo, "thumbnail", "renditions"),
            (Photo, "rendition", "renditions"),
            (BundlePart, "file", "bundles"),
        ):
            monkeypatch.setattr(model._meta.get_field(field), "storage", storages[name])

    return use


@pytest.fixture
def s3(s3_server, aws_account, use_buckets, monkeypatch):
    """Put the application's storages into two empty buckets; return the server in front of them."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3_server.url)
    # Building a client takes a tenth of a second: those of the test before are kept if they are ours.
    if aws.client("s3").meta.endpoint_url != s3_server.url:
        aws._client.cache_clear()
    urllib3.request("POST", f"{s3_server.url}/moto-api/reset")
    for bucket in (PHOTOS, BUNDLES):
        aws.client("s3").create_bucket(Bucket=bucket)
    use_buckets(PHOTOS, BUNDLES)
    s3_server.reset()
    yield s3_server
    s3_server.reset()


@pytest.fixture(scope="session")
def moto_account(s3_server):
    return other_makers.Account(s3_server.url, "testing", "testing")


@pytest.fixture(scope="session")
def swift_account(tmp_path_factory):
    with other_makers.swift(tmp_path_factory.mktemp("swift")) as account:
        yield account


@pytest.fixture(scope="session")
def s3rver_account(tmp_path_factory):
    with other_makers.s3rver(tmp_path_factory.mktemp("s3rver")) as account:
        yield account


@pytest.fixture(scope="session")
def account(request):
    """Return the account on the server that is the parameter; started once, and not without need."""
    return request.getfixturevalue(f"{request.param}_account")


@pytest.fixture
def maker(account, aws_account, use_buckets, monkeypatch):
    """Put the application's storages into two new buckets of the account."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", account.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", account.key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", account.secret)
    if aws.client("s3").meta.endpoint_url != account.url:
        aws._client.cache_clear()
    photos, bundles = (f"{name}-{uuid.uuid4().hex}" for name in ("photos", "bundles"))
    for bucket in (photos, bundles):
        aws.client("s3").create_bucket(Bucket=bucket)
    use_buckets(photos, bundles, storage_class="", encryption="")
    return account


@pytest.fixture
def texted(s3_server, aws_account, reconnect, settings, monkeypatch):
    """Have texts sent through moto; return what lists (number, words) of those it took."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_SNS", s3_server.url)
    settings.SMS_REGION = "eu-west-1"
    urllib3.request("POST", f"{s3_server.url}/moto-api/reset")
    s3_server.reset()
    reconnect()
    yield lambda: list(sns_backends[DEFAULT_ACCOUNT_ID]["eu-west-1"].sms_messages.values())
    s3_server.reset()


@pytest.fixture
def keys():
    """Return what lists the keys of a bucket, sorted."""

    def listed(bucket):
        rows = aws.client("s3").list_objects_v2(Bucket=bucket).get("Contents", [])
        return sorted(row["Key"] for row in rows)

    return listed
