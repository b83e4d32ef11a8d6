"""Builds into S3 die by SIGKILL, are cancelled, or meet another: the bytes are right, no upload is left.

The workers are real processes, the storage is moto or OpenStack Swift over HTTP.
"""

import boto3
import pytest

from tests import factory
from tests.live.test_build_killed import ONE_PART, _assert_like, _build
from tests.storage import other_makers
from tests.storage.s3_server import S3Server

pytestmark = [pytest.mark.worker, pytest.mark.any_database]

BUCKETS = ("killed-photos", "killed-bundles")
# Five photos of 2.4 MB, which are sent in three parts.
PHOTOS, PARTS = 5, 3


def _on(*names):
    marked = [
        pytest.param(
            name,
            marks=[pytest.mark.xdist_group(f"killed-{name}"), *([pytest.mark.everything] if number else [])],
        )
        for number, name in enumerate(names)
    ]
    return pytest.mark.parametrize("account", marked, indirect=True, scope="module")


@pytest.fixture(scope="module")
def account(request, tmp_path_factory):
    if request.param == "swift":
        with other_makers.swift(tmp_path_factory.mktemp("swift")) as account:
            yield account
        return
    server = S3Server()
    yield other_makers.Account(server.url, "testing", "testing")
    server.stop()


@pytest.fixture(scope="module")
def installation(account, migrated, tmp_path_factory):
    variables = {
        "AWS_ENDPOINT_URL_S3": account.url,
        "AWS_ACCESS_KEY_ID": account.key,
        "AWS_SECRET_ACCESS_KEY": account.secret,
        "AWS_DEFAULT_REGION": "us-east-1",
        "PHOTOS_BUCKET": BUCKETS[0],
        "BUNDLES_BUCKET": BUCKETS[1],
        "PHOTOS_STORAGE_CLASS": "",
        "S3_ENCRYPTION": "",
        "LABELS_DETECTOR": "fake",
        "BUNDLE_CHUNK_BYTES": str(5 * 1024**2),
        "BUNDLES_AT_ONCE": "100",
    }
    client = boto3.client(
        "s3",
        endpoint_url=account.url,
        region_name="us-east-1",
        aws_access_key_id=account.key,
        aws_secret_access_key=account.secret,
    )
    for bucket in BUCKETS:
        client.create_bucket(Bucket=bucket)
    made = migrated.copy(tmp_path_factory.mktemp("killed") / "data", **variables)
    folder = tmp_path_factory.mktemp("camera")
    for number in range(PHOTOS):
        path = folder / f"IMG {number:02} é.BMP"
        path.write_bytes(factory.picture((40 * number, 0, 0), (1000, 800), "BMP").read())
    assert made.json("import_photos", str(folder), "--owner", "dan")["imported"] == PHOTOS
    yield made
    made.end()


# In the order in which a build comes by, and the parts that are sent afterwards. The upload is begun and on
# no record; one and all of its parts are on record; they are a whole object that nobody heard of.
POINTS = {"_record_file:1": PARTS, "record:2": PARTS - 1, "finish:1": 0, "_publish:1": 0}


@_on("moto", "swift")
def test_killed_at_any_point_a_build_goes_on_with_the_parts_that_s3_has(installation):
    answer = _build(installation, "at_points", ONE_PART, *POINTS)

    reference = answer["reference"]
    assert (reference["status"], reference["left_over"]) == ("ready", [])
    for found in answer["builds"]:
        _assert_like(reference, found)
        assert found["struck"] == 1, found
    made = {found["point"]: found["made"] for found in answer["builds"]}
    assert answer["made"] == PARTS
    assert made == POINTS


@_on("moto")
def test_a_cancelled_build_gives_its_upload_up_whether_its_worker_lives_or_not(installation):
    answer = _build(installation, "cancelled", ONE_PART, "replace:1", "_collect:1")

    for found in answer["builds"]:
        # At the first of these points the upload is yet to begin: it begins after the download is cancelled.
        begun = [] if found["point"] == "replace:1" else ["upload of "]
        assert [name[:10] for name in found["before"]] == begun, found
        assert (found["status"], found["after"]) == ("cancelled", []), found
        assert found["code"] in (None, 0), found


@_on("moto")
def test_two_workers_that_finish_the_same_upload_make_one_archive(installation):
    answer = _build(installation, "twice", ONE_PART, "_collect:1", "complete:1")

    for found in answer["builds"]:
        _assert_like(answer["reference"], found)
        assert found["code"] == 0, found
