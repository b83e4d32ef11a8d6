"""REKOGNITION_IMAGE=s3object: Amazon reads the original where it lies, when it may; else it is sent."""

import pytest

from labels import tasks
from labels.models import Photo
from tests import factory
from tests.detectors.rekognition.conftest import EAST
from tests.fixtures_aws import PHOTOS, aws_account, s3, s3_server, use_buckets  # noqa: F401 (fixtures)

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


@pytest.fixture
def in_s3(s3, rekognition, settings):  # noqa: F811 (fixtures)
    settings.REKOGNITION_IMAGE = "s3object"
    settings.REKOGNITION_REGIONS = {EAST: 10_000.0}
    return rekognition


def _images(fake, photo):
    tasks.label_photo(photo.pk)
    photo.refresh_from_db()
    return [request["Image"] for _, _, request in fake.calls]


@pytest.mark.parametrize("format", ["JPEG", "PNG"])
def test_amazon_is_sent_where_the_original_lies(dan, in_s3, format):
    photo = factory.photo(dan, size=(100, 90), format=format, name=f"photo.{format.lower()}")

    [image] = _images(in_s3, photo)

    assert image == {"S3Object": {"Bucket": PHOTOS, "Name": f"originals/{photo.original.name}"}}
    assert photo.status == Photo.Status.LABELLED


@pytest.mark.parametrize(
    ("format", "size"),
    [("BMP", (100, 90)), ("JPEG", (100, 79)), ("PNG", (10_001, 80))],
    ids=["another format", "too small", "too large"],
)
def test_what_amazon_cannot_read_is_sent_as_a_rendition(dan, in_s3, format, size):
    [image] = _images(in_s3, factory.photo(dan, size=size, format=format, name=f"photo.{format.lower()}"))

    assert set(image) == {"Bytes"}


def test_an_object_that_amazon_does_not_get_is_sent_instead(dan, in_s3):
    in_s3.script(EAST, "bad object")
    photo = factory.photo(dan, size=(100, 90))

    images = _images(in_s3, photo)

    assert [set(image) for image in images] == [{"S3Object"}, {"Bytes"}]
    assert photo.status == Photo.Status.LABELLED


def test_bytes_are_the_default(dan, in_s3, settings):
    settings.REKOGNITION_IMAGE = "bytes"

    [image] = _images(in_s3, factory.photo(dan, size=(100, 90)))

    assert set(image) == {"Bytes"}
