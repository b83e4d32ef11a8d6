"""Every format we take, under every extension it goes by, and the facts that follow from its bytes."""

import hashlib
import io
import zlib

import pytest
from PIL import Image

from labels.intake.add import Outcome, add_photo
from labels.models import Photo
from labels.models.photo import originals
from labels.pictures import decoding
from tests import factory
from tests.conftest import read_file, stored

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

# Pillow's name, and what the row shows.
FORMATS = {
    "JPEG": "JPEG",
    "MPO": "JPEG",
    "PNG": "PNG",
    "BMP": "BMP",
    "TIFF": "TIFF",
    "WEBP": "WebP",
    "HEIF": "HEIC",
}
NAMES = [
    (kind, f"IMG_1.{spelled}")
    for kind, (_, extensions) in decoding.FORMATS.items()
    for extension in extensions
    for spelled in (extension, extension.upper(), extension.title())
]


def _encoded(kind):
    if kind == "MPO":
        return factory.picture(format="MPO", save_all=True, append_images=[Image.new("RGB", (32, 24))])
    return factory.picture(format=kind)


@pytest.mark.parametrize(("kind", "name"), NAMES, ids=[f"{kind}-{name[6:]}" for kind, name in NAMES])
def test_every_extension_of_every_format_is_taken(dan, kind, name):
    file = _encoded(kind)

    taken = add_photo(file, name, dan)

    assert (taken.outcome, taken.reason) == (Outcome.IMPORTED, "")
    assert taken.photo.original_name == name
    assert taken.photo.format == FORMATS[kind]
    assert (taken.photo.width, taken.photo.height) == (64, 48)


@pytest.mark.parametrize("name", ["IMG_1", "IMG_1.upload", "photo.tmp", "IMG.1234"])
def test_a_name_that_claims_no_format_is_taken_for_its_content(dan, name):
    taken = add_photo(factory.picture(format="PNG"), name, dan)

    assert taken.outcome == Outcome.IMPORTED
    assert taken.photo.format == "PNG"
    assert taken.photo.original.name.endswith(".png")


@pytest.mark.parametrize("kind", FORMATS)
def test_the_original_is_stored_byte_for_byte_with_its_checksums(dan, kind):
    content = _encoded(kind).read()

    photo = add_photo(io.BytesIO(content), "a.x", dan).photo

    assert read_file(originals(), photo.original.name) == content
    row = Photo.objects.get()
    assert row.size == len(content)
    assert row.sha256 == hashlib.sha256(content).hexdigest()
    assert row.crc32 == zlib.crc32(content)
    assert stored("originals") == [photo.original.name]


def test_a_new_photo_waits_for_its_labels(dan):
    photo = factory.photo(dan)

    assert photo.status == Photo.Status.PENDING
    assert (photo.attempts, photo.failure_code, photo.lease_owner) == (0, "", "")


def test_the_place_in_the_file_where_reading_begins_does_not_matter(dan):
    file = factory.picture()
    file.seek(0, 2)

    taken = add_photo(file, "a.jpg", dan)

    assert taken.outcome == Outcome.IMPORTED


def test_the_storage_key_holds_nothing_of_the_name(dan):
    photo = factory.photo(dan, name="../../holiday with Eve.jpg")

    assert photo.original_name == "holiday with Eve.jpg"
    assert "holiday" not in photo.original.name
    assert photo.original.name.endswith(".jpg")


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA", "I;16"])
def test_pngs_of_every_mode_are_taken(dan, mode):
    file = io.BytesIO()
    Image.new(mode, (10, 10)).save(file, "PNG")

    taken = add_photo(file, "a.png", dan)

    assert taken.outcome == Outcome.IMPORTED


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        pytest.param("JPEG", {"progressive": True}, id="progressive JPEG"),
        pytest.param("TIFF", {"compression": "tiff_lzw"}, id="LZW TIFF"),
        pytest.param("TIFF", {"compression": "jpeg"}, id="JPEG in TIFF"),
        pytest.param("WEBP", {"lossless": True}, id="lossless WebP"),
    ],
)
def test_other_compressions_are_taken(dan, kind, options):
    taken = add_photo(factory.picture(format=kind, **options), "a", dan)

    assert taken.outcome == Outcome.IMPORTED


def test_a_cmyk_jpeg_is_taken(dan):
    file = io.BytesIO()
    Image.new("CMYK", (20, 10), (0, 255, 255, 0)).save(file, "JPEG")

    taken = add_photo(file, "print.jpg", dan)

    assert taken.outcome == Outcome.IMPORTED
    assert (taken.photo.width, taken.photo.height) == (20, 10)


def test_a_picture_of_one_pixel_is_a_photo(dan):
    taken = add_photo(factory.picture(size=(1, 1), format="PNG"), "dot.png", dan)

    assert taken.outcome == Outcome.IMPORTED
    assert (taken.photo.width, taken.photo.height) == (1, 1)
