"""The library on S3: taken in, labelled, shown, fetched and deleted."""

import hashlib
import io

import pytest
import urllib3
from django.urls import reverse
from django.utils import timezone

from labels import tasks
from labels.intake.add import Outcome, add_photo
from labels.models import DetectionRun, Photo
from labels.models.photo import originals
from labels.models.photo import renditions as stored_renditions
from labels.pictures import renditions
from labels.storage.bucket import BucketStorage
from photomgr import aws
from tests import factory
from tests.conftest import read_file
from tests.fixtures_aws import BUNDLES, PHOTOS
from tests.storage.s3_server import error

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


def test_a_photo_goes_all_the_way(s3, dan, commits, keys):
    with commits():
        photo = factory.photo(dan, name="Süden + Meer.JPG")

    photo.refresh_from_db()
    assert photo.status == Photo.Status.LABELLED
    assert keys(PHOTOS) == [f"originals/{photo.original.name}"]
    assert keys(BUNDLES) == sorted(f"renditions/{file.name}" for file in (photo.thumbnail, photo.rendition))
    assert "Süden" not in "".join(keys(PHOTOS))
    assert hashlib.sha256(read_file(photo.original.storage, photo.original.name)).hexdigest() == photo.sha256


def test_a_duplicate_leaves_nothing_behind(s3, dan, keys):
    photo = factory.photo(dan)

    taken = add_photo(factory.picture(), "again.jpg", dan)

    assert (taken.outcome, taken.photo) == (Outcome.DUPLICATE, photo)
    assert len(keys(PHOTOS)) == 1


def test_a_file_that_changes_while_it_is_sent_is_refused_and_leaves_nothing(s3, dan, keys, tmp_path):
    path = tmp_path / "photo.jpg"
    path.write_bytes(factory.noise((300, 200)).read())

    def change(asked):
        if asked.method == "PUT":
            path.write_bytes(b"other bytes")
            return error(500, "InternalError")
        return None

    s3.rule = change
    with path.open("rb") as file:
        taken = add_photo(file, "photo.jpg", dan)

    assert (taken.outcome, taken.code) == (Outcome.REFUSED, "changed")
    assert keys(PHOTOS) == []


class ChangingBucket(BucketStorage):
    """Somebody writes to the source between the check and the copy."""

    def _save(self, name, content):
        self.source.write_bytes(self.changed)
        return super()._save(name, content)


@pytest.mark.parametrize("change", ["longer", "shorter", "other bytes"])
def test_a_file_that_changed_before_it_is_sent_is_refused_and_leaves_nothing(
    s3, dan, keys, settings, tmp_path, change
):
    content = factory.noise((300, 200)).read()
    source = tmp_path / "photo.jpg"
    source.write_bytes(content)
    ChangingBucket.source = source
    ChangingBucket.changed = {
        "longer": content + b"x",
        "shorter": content[:-1],
        "other bytes": content[:-1] + b"x",
    }[change]
    backend = {"BACKEND": f"{__name__}.ChangingBucket"}
    settings.STORAGES = {**settings.STORAGES, "originals": {**settings.STORAGES["originals"], **backend}}

    with source.open("rb", buffering=0) as file:
        taken = add_photo(file, "photo.jpg", dan)

    assert (taken.outcome, taken.code) == (Outcome.REFUSED, "changed")
    assert not Photo.objects.exists()
    assert keys(PHOTOS) == []


def test_a_photo_that_could_not_be_stored_has_no_row(s3, dan):
    s3.rule = lambda asked: error(403, "AccessDenied") if asked.method == "PUT" else None

    with pytest.raises(OSError, match="access to the storage is denied"):
        factory.photo(dan)

    assert not Photo.objects.exists()


def test_deleting_a_photo_deletes_its_objects_once_that_is_certain(s3, dan, commits, keys):
    with commits():
        photo = factory.photo(dan)

    with commits():
        Photo.objects.get(pk=photo.pk).delete()
        assert len(keys(PHOTOS)) == 1

    assert keys(PHOTOS) == keys(BUNDLES) == []


def test_a_storage_that_is_down_does_not_undo_a_deletion(s3, client, dan, commits, keys):
    with commits():
        photo = factory.photo(dan)
    s3.rule = lambda asked: error(403, "AccessDenied") if asked.method == "DELETE" else None

    with commits():
        answer = client.post(reverse("photo_delete", args=[photo.pk]))

    assert answer.status_code == 302
    assert not Photo.objects.exists()
    # check_storage finds what is left over.
    assert len(keys(PHOTOS)) == 1


def test_an_original_that_is_gone_or_denied_ends_the_photo_with_its_reason(s3, dan):
    gone, denied = factory.photo(dan, factory.RED), factory.photo(dan, factory.GREEN)
    originals().delete(gone.original.name)
    s3.rule = lambda asked: error(403, "AccessDenied") if denied.original.name in asked.path else None

    for photo in (gone, denied):
        tasks.label_photo(photo.pk)
        photo.refresh_from_db()

    assert (gone.status, gone.failure_code) == (Photo.Status.FAILED, "original_missing")
    assert (denied.status, denied.failure_code) == (Photo.Status.FAILED, "original_unreadable")
    assert "access to it is denied" in denied.failure_reason


def test_an_original_that_was_changed_since_is_not_labelled_in_its_place(s3, dan):
    photo = factory.photo(dan, factory.RED)
    other = factory.picture(factory.GREEN).read()
    aws.client("s3").put_object(Bucket=PHOTOS, Key=f"originals/{photo.original.name}", Body=other)

    tasks.label_photo(photo.pk)

    photo.refresh_from_db()
    assert (photo.status, photo.failure_code) == (Photo.Status.FAILED, "original_changed")
    assert photo.failure_reason == "The original in storage is not the one that was taken in."
    # Answers are kept by content, for whoever has the same photo.
    assert not DetectionRun.objects.exists()


def test_a_photo_is_taken_while_only_the_bucket_of_renditions_is_away(s3, dan):
    s3.rule = lambda asked: error(400, "ExpiredToken") if "renditions/" in asked.path else None
    photo = add_photo(factory.picture(), "sea.jpg", dan, draw=True).photo
    assert not photo.thumbnail
    s3.reset()

    tasks.label_photo(photo.pk)

    photo.refresh_from_db()
    assert photo.status == Photo.Status.LABELLED
    assert photo.thumbnail
    assert photo.rendition


def test_a_rendition_that_is_gone_is_made_again(s3, dan, commits, keys):
    with commits():
        photo = factory.photo(dan)
    photo.refresh_from_db()
    stored_renditions().delete(photo.rendition.name)
    DetectionRun.objects.all().delete()
    Photo.objects.update(status=Photo.Status.PENDING)

    tasks.label_photo(photo.pk)

    photo.refresh_from_db()
    assert photo.status == Photo.Status.LABELLED
    assert f"renditions/{photo.rendition.name}" in keys(BUNDLES)


AWAY = [
    (404, "NoSuchBucket", "bucket does not exist"),
    (403, "AccessDenied", "access to the storage is denied"),
    (400, "ExpiredToken", "have expired"),
    (400, "AuthorizationHeaderMalformed", "another Region"),
    (403, "RequestTimeTooSkewed", "clock is wrong"),
]


@pytest.mark.parametrize("method", ["GET", "PUT"])
@pytest.mark.parametrize(("status", "code", "words"), AWAY)
def test_a_photo_waits_for_a_storage_that_is_away(s3, dan, settings, method, status, code, words):
    photo = factory.photo(dan)
    # An object that is denied is read by way of one that we write ourselves: denied, too.
    s3.rule = lambda asked: error(status, code) if asked.method == method else None
    for _ in range(settings.MAX_ATTEMPTS + 1):
        Photo.objects.update(next_attempt_at=timezone.now())
        tasks.label_photo(photo.pk)
        photo.refresh_from_db()
        assert (photo.status, photo.failure_code) == (Photo.Status.PENDING, "storage")
        assert words in photo.failure_reason
    s3.reset()
    Photo.objects.update(next_attempt_at=timezone.now())

    tasks.label_photo(photo.pk)

    photo.refresh_from_db()
    assert (photo.status, photo.failure_reason) == (Photo.Status.LABELLED, "")


def test_a_large_original_is_read_from_a_copy(s3, dan):
    photo = factory.photo(dan, size=(3000, 2000), format="BMP", name="large.bmp")
    Photo.objects.claim(photo.pk, "a worker")
    photo.refresh_from_db()

    rendition = renditions.ensure(photo)

    assert photo.size > 17_000_000
    assert rendition[:2] == b"\xff\xd8"
    assert len(s3.calls("GET", photo.original.name)) == 5


# In the browser ------------------------------------------------------------------------------------


@pytest.fixture
def photo(s3, dan, commits):
    with commits():
        return factory.photo(dan, name="Süd + Ost.JPG")


def _fetch(link):
    answer = urllib3.request("GET", link)
    assert answer.status == 200
    return answer.data, answer.headers


@pytest.mark.parametrize("name", ["photo_thumbnail", "photo_rendition"])
def test_a_picture_is_shown_from_the_bucket(client, photo, name):
    answer = client.get(reverse(name, args=[photo.pk]))

    content, headers = _fetch(answer["Location"])
    assert answer.status_code == 302
    assert content[:2] == b"\xff\xd8"
    assert headers["Content-Type"] == "image/jpeg"
    assert "Content-Disposition" not in headers
    # The way there is forgotten before the link ends.
    assert "max-age=1800" in answer["Cache-Control"]
    assert "X-Amz-Expires=3600" in answer["Location"]


def test_the_original_is_fetched_by_a_short_link_under_its_name(client, photo):
    answer = client.get(reverse("photo_original", args=[photo.pk]))

    content, headers = _fetch(answer["Location"])
    assert hashlib.sha256(content).hexdigest() == photo.sha256
    assert headers["Content-Disposition"] == "attachment; filename*=utf-8''S%C3%BCd%20%2B%20Ost.JPG"
    assert answer["Cache-Control"] == "no-store"
    assert "X-Amz-Expires=300" in answer["Location"]


def test_a_head_request_is_led_to_a_link_for_head(client, photo):
    answer = client.head(reverse("photo_original", args=[photo.pk]))

    head = urllib3.request("HEAD", answer["Location"])
    assert (head.status, int(head.headers["Content-Length"])) == (200, photo.size)


@pytest.mark.parametrize("name", ["photo_thumbnail", "photo_original"])
def test_nobody_else_gets_a_link(client, photo, eve, name):
    client.force_login(eve)

    assert client.get(reverse(name, args=[photo.pk])).status_code == 404


def test_an_original_that_is_gone_is_a_page_of_ours(client, photo):
    originals().delete(photo.original.name)

    assert client.get(reverse("photo_original", args=[photo.pk])).status_code == 404


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_a_storage_in_trouble_is_said_to_who_uploads(s3, client, accept):
    s3.rule = lambda asked: error(400, "ExpiredToken")
    file = io.BytesIO(factory.picture().read())
    file.name = "a.jpg"

    answer = client.post(reverse("upload"), {"photos": file}, headers={"Accept": accept})

    assert answer.status_code == 503
    assert "the credentials for the storage have expired" in answer.content.decode()
    assert answer["Content-Type"].startswith(accept)
    assert answer["Retry-After"] == "60"


def test_readyz_says_that_the_storage_is_not_writable(s3, client, db):
    s3.rule = lambda asked: error(404, "NoSuchBucket")

    said = client.get("/readyz").json()["storage"]
    assert said.startswith("not writable, photos: the storage's bucket does not exist")


def test_links_name_the_bucket_that_the_security_policy_allows(s3, photo, client):
    answer = client.get(reverse("photo_thumbnail", args=[photo.pk]))

    assert answer["Location"].startswith(aws.bucket_origin(BUNDLES) + "/")


@pytest.mark.parametrize(
    ("region", "origin"),
    [
        ("us-east-1", "https://photomgr-photos.s3.us-east-1.amazonaws.com"),
        ("eu-central-1", "https://photomgr-photos.s3.eu-central-1.amazonaws.com"),
    ],
)
def test_at_amazon_links_name_the_buckets_own_region(aws_account, monkeypatch, reconnect, region, origin):
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    reconnect()

    link = aws.client("s3").generate_presigned_url("get_object", Params={"Bucket": PHOTOS, "Key": "x"})

    assert link.startswith(f"{origin}/x?")
    assert aws.bucket_origin(PHOTOS) == origin
