"""What may not become a photo is refused with a sentence, and nothing of it stays behind."""

import errno
import io

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from PIL import Image

from labels.intake.add import Outcome, add_photo
from labels.models import Photo
from tests import factory
from tests.conftest import stored

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

ACCEPTED = "JPEG, PNG, BMP, TIFF, WebP and HEIC are accepted."
WAY_OUT = "Make it smaller, or ask your administrator to raise the limit."


def _refused(file, name, owner, code, reason):
    taken = add_photo(file, name, owner)

    assert (taken.outcome, taken.reason) == (Outcome.REFUSED, reason)
    assert taken.code == code
    assert taken.photo is None
    assert not Photo.objects.exists()
    assert stored("originals") == []


def test_an_empty_file_is_refused(dan):
    _refused(io.BytesIO(), "a.jpg", dan, "empty", "a.jpg is empty (0 bytes).")


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><rect width="9" height="9"/></svg>'
NO_PHOTOS = {
    "GIF": ("anim.gif", factory.picture(format="GIF").read()),
    "SVG": ("logo.svg", SVG),
    "text": ("notes.txt", b"Dear diary,\n"),
    "text called JPEG": ("notes.jpg", b"Dear diary,\n"),
    "GIF called JPEG": ("anim.jpg", factory.picture(format="GIF").read()),
    "ICO": ("a.ico", factory.picture(format="ICO").read()),
    "PPM": ("a.ppm", factory.picture(format="PPM").read()),
    "PDF": ("a.pdf", factory.picture(format="PDF").read()),
    "EPS": ("a.jpg", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"),
    "HTML": ("a.jpg", b"<!doctype html><script>alert(1)</script>"),
    "one byte": ("a.jpg", b"\xff"),
    "only a JPEG's first bytes": ("a.jpg", b"\xff\xd8\xff\xe0"),
    "only a PNG's signature": ("a.png", b"\x89PNG\r\n\x1a\n"),
    "zeros": ("a.jpg", bytes(5000)),
}


@pytest.mark.parametrize(("name", "content"), NO_PHOTOS.values(), ids=NO_PHOTOS)
def test_what_is_no_photo_is_refused_with_what_is_accepted(dan, name, content):
    reason = f"{name} is not a photo that can be read; {ACCEPTED}"

    _refused(io.BytesIO(content), name, dan, "not_a_photo", reason)


@pytest.mark.parametrize(
    ("name", "kind", "reason"),
    [
        ("a.jpg", "PNG", "a.jpg is really a PNG file. Rename it to end in .png and send it again."),
        ("a.JPG", "HEIF", "a.JPG is really a HEIC file. Rename it to end in .heic and send it again."),
        ("a.heic", "JPEG", "a.heic is really a JPEG file. Rename it to end in .jpg and send it again."),
        ("a.png", "WEBP", "a.png is really a WebP file. Rename it to end in .webp and send it again."),
        ("a.tif", "BMP", "a.tif is really a BMP file. Rename it to end in .bmp and send it again."),
        ("a.gif", "TIFF", "a.gif is really a TIFF file. Rename it to end in .tif and send it again."),
        ("a.pdf", "JPEG", "a.pdf is really a JPEG file. Rename it to end in .jpg and send it again."),
    ],
)
def test_an_extension_that_lies_is_refused_with_the_right_one(dan, name, kind, reason):
    _refused(factory.picture(format=kind), name, dan, "wrong_extension", reason)


def test_too_many_bytes_are_refused_with_the_limit(dan, settings):
    settings.UPLOAD_MAX_BYTES = 1_000_000
    file = io.BytesIO(factory.picture().read() + bytes(1_500_000))

    _refused(file, "a.jpg", dan, "too_large", f"a.jpg is 1.4\xa0MB; the limit is 976.6\xa0KB. {WAY_OUT}")


def test_exactly_as_many_bytes_as_the_limit_are_taken(dan, settings):
    content = factory.picture().read()
    settings.UPLOAD_MAX_BYTES = len(content)

    taken = add_photo(io.BytesIO(content), "a.jpg", dan)

    assert taken.outcome == Outcome.IMPORTED


def test_too_many_pixels_are_refused_with_the_limit(dan, settings):
    settings.UPLOAD_MAX_PIXELS = 1_000_000
    reason = f"a.jpg is 1.2 megapixels; the limit is 1. {WAY_OUT}"

    _refused(factory.picture(size=(1200, 1001)), "a.jpg", dan, "too_many_pixels", reason)


def test_exactly_as_many_pixels_as_the_limit_are_taken(dan, settings):
    settings.UPLOAD_MAX_PIXELS = 64 * 48

    assert add_photo(factory.picture(), "a.jpg", dan).outcome == Outcome.IMPORTED


def _animated(kind, frames, **options):
    """Return a file of `frames` different pictures of 100,000 pixels each."""
    images = [Image.new("RGB", (400, 250), (60 * number, 0, 0)) for number in range(frames)]
    file = io.BytesIO()
    images[0].save(file, kind, save_all=True, append_images=images[1:], **options)
    return file


MANY = [("TIFF", "a.tif"), ("WEBP", "a.webp"), ("PNG", "a.png")]


@pytest.mark.parametrize(("kind", "name"), MANY, ids=[kind for kind, _ in MANY])
def test_pixels_count_once_for_each_frame(dan, settings, kind, name):
    settings.UPLOAD_MAX_PIXELS = 399_999
    reason = (
        f"{name} has 4 frames, 0.4 megapixels in all; the limit is 0.4. "
        "Send a single picture, or ask your administrator to raise the limit."
    )

    _refused(_animated(kind, 4), name, dan, "too_many_pixels", reason)


@pytest.mark.parametrize(("kind", "name"), MANY, ids=[kind for kind, _ in MANY])
def test_frames_within_the_limit_are_taken(dan, settings, kind, name):
    settings.UPLOAD_MAX_PIXELS = 400_000

    assert add_photo(_animated(kind, 4), name, dan).outcome == Outcome.IMPORTED


def test_the_preview_behind_a_phones_jpeg_does_not_count(dan, settings):
    settings.UPLOAD_MAX_PIXELS = 100_000

    assert add_photo(_animated("MPO", 2), "a.jpg", dan).outcome == Outcome.IMPORTED


def test_a_small_file_that_claims_a_huge_picture_is_refused_before_it_is_decoded(dan):
    bomb = bytearray(factory.picture(format="BMP").read())
    bomb[18:26] = (60_000).to_bytes(4, "little") * 2
    reason = f"a.bmp is 3600 megapixels; the limit is 200. {WAY_OUT}"

    _refused(io.BytesIO(bomb), "a.bmp", dan, "too_many_pixels", reason)


def test_the_sentence_names_the_file_and_not_its_folders(dan):
    _refused(io.BytesIO(), "C:\\Users\\Dan\\a.jpg", dan, "empty", "a.jpg is empty (0 bytes).")


def test_a_refusal_does_not_harm_what_is_there(dan):
    kept = factory.photo(dan)

    add_photo(io.BytesIO(b"no photo"), "a.jpg", dan)

    assert Photo.objects.get() == kept
    assert stored("originals") == [kept.original.name]


SIGNATURES = [b"", b"\xff\xd8\xff\xe1", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"BM", b"II*\0", b"MM\0*"]
SIGNATURES += [b"RIFF\x40\0\0\0WEBPVP8X", b"\0\0\0\x18ftypheic", b"\0\0\0\x18ftypmif1", b"GIF89a"]


@given(signature=st.sampled_from(SIGNATURES), rest=st.binary(max_size=400), name=st.text(max_size=300))
@hypothesis_settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_bytes_and_no_name_make_intake_raise(dan, signature, rest, name):
    taken = add_photo(io.BytesIO(signature + rest), name, dan)

    if taken.outcome == Outcome.REFUSED:
        assert taken.name in taken.reason
        assert stored("originals") == []
    else:
        taken.photo.delete()
    assert 0 < len(taken.name) <= 255


VALID = [
    factory.noise((16, 12), format=kind).read() for kind in ("JPEG", "PNG", "BMP", "TIFF", "WEBP", "HEIF")
]
_CHANGES = st.lists(
    st.tuples(st.integers(0, 2000), st.binary(min_size=1, max_size=4)), min_size=1, max_size=6
)


@given(content=st.sampled_from(VALID), changes=_CHANGES)
@hypothesis_settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_damage_to_a_picture_on_disk_makes_intake_raise(dan, tmp_path, content, changes):
    damaged = bytearray(content)
    for place, patch in changes:
        damaged[place % len(content) : place % len(content) + len(patch)] = patch
    # A real file: unlike memory it answers a wild seek with an OSError that has an errno.
    path = tmp_path / "damaged"
    path.write_bytes(damaged)

    with path.open("rb") as file:
        taken = add_photo(file, "damaged", dan, dry_run=True)

    assert taken.outcome == Outcome.REFUSED or taken.sha256


class FullDisk(FileSystemStorage):
    """Writes the first bytes and then has no room, as a disk does."""

    def _save(self, name, content):
        super()._save(name, ContentFile(b"the first bytes"))
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_is_said_as_it_is_and_leaves_nothing(dan, settings):
    settings.STORAGES = {
        **settings.STORAGES,
        "originals": {**settings.STORAGES["originals"], "BACKEND": f"{__name__}.FullDisk"},
    }

    with pytest.raises(OSError, match="No space left on device"):
        add_photo(factory.picture(), "a.jpg", dan)

    assert not Photo.objects.exists()
    assert stored("originals") == []
