"""A file that lacks its end is refused, wherever it was cut."""

import io

import pytest
from PIL import Image

from labels.intake.add import Outcome, add_photo
from labels.models import Photo
from labels.pictures import decoding
from tests import factory
from tests.conftest import stored

FRAMES = [Image.open(factory.noise((20, 16), seed=number, format="PNG")) for number in (1, 2)]
SMALL = {
    "JPEG": ("JPEG", {}),
    "progressive JPEG": ("JPEG", {"progressive": True}),
    "PNG": ("PNG", {}),
    "animated PNG": ("PNG", {"save_all": True, "append_images": FRAMES}),
    "BMP": ("BMP", {}),
    "TIFF": ("TIFF", {}),
    "LZW TIFF": ("TIFF", {"compression": "tiff_lzw"}),
    "JPEG in TIFF": ("TIFF", {"compression": "jpeg"}),
    "WebP": ("WEBP", {}),
    "lossless WebP": ("WEBP", {"lossless": True}),
    "animated WebP": ("WEBP", {"save_all": True, "append_images": FRAMES}),
    "HEIC": ("HEIF", {}),
    "HEIC of many pictures": ("HEIF", {"save_all": True, "append_images": FRAMES}),
}


def _decodes(content):
    try:
        file = io.BytesIO(content)
        picture = decoding.open_picture(file)
        decoding.frame_count(picture)
        decoding.decode(picture, at_least=1)
        decoding.check_whole(picture, file)
    except decoding.BrokenPicture:
        return False
    return True


@pytest.mark.parametrize(("kind", "options"), SMALL.values(), ids=SMALL)
def test_no_prefix_of_a_picture_passes_for_the_whole(kind, options):
    content = factory.noise((20, 16), format=kind, **options).read()

    whole = [cut for cut in range(len(content)) if _decodes(content[:cut])]

    assert whole == []
    assert _decodes(content)


LARGE = [
    (kind, percent) for kind in ("JPEG", "PNG", "BMP", "TIFF", "WEBP", "HEIF") for percent in (10, 50, 90, 99)
]


@pytest.mark.django_db
@pytest.mark.parametrize(("kind", "percent"), LARGE, ids=[f"{kind} {percent} %" for kind, percent in LARGE])
def test_a_photo_cut_off_on_its_way_is_refused_and_leaves_nothing(dan, kind, percent):
    content = factory.noise((640, 480), format=kind).read()
    cut = content[: len(content) * percent // 100]

    taken = add_photo(io.BytesIO(cut), "IMG_1", dan)

    damaged = "IMG_1 is damaged or cut off; send it again from where it is still whole."
    unreadable = f"IMG_1 is not a photo that can be read; {decoding.ACCEPTED} are accepted."
    assert taken.outcome == Outcome.REFUSED
    assert taken.reason in (damaged, unreadable)
    if kind == "JPEG":
        assert (taken.code, taken.reason) == ("damaged", damaged)
    assert not Photo.objects.exists()
    assert stored("originals") == []


@pytest.mark.django_db
def test_a_jpeg_without_its_last_two_bytes_is_refused(dan):
    content = factory.noise((1600, 1200)).read()

    taken = add_photo(io.BytesIO(content[:-2]), "a.jpg", dan)

    assert taken.code == "damaged"


def test_a_jpeg_whose_preview_was_cut_off_behind_it_is_still_a_photo():
    # Programs that edit a phone's JPEG drop the pictures behind the first and leave their index in place.
    content = factory.noise(format="MPO", save_all=True, append_images=FRAMES[:1]).read()
    first = content.index(b"\xff\xd9\xff\xd8") + 2

    assert _decodes(content[:first])
    assert not any(_decodes(content[:cut]) for cut in range(first))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "HEIF", "WEBP", "BMP", "TIFF"])
@pytest.mark.parametrize(
    "trailer", [b"\0" * 512, b"MotionPhoto_Data" * 20, b"\xff" * 40], ids=["0", "M", "ff"]
)
def test_what_a_phone_writes_behind_a_picture_does_no_harm(kind, trailer):
    assert _decodes(factory.picture(format=kind).read() + trailer)


def test_a_tiff_whose_later_pages_were_cut_off_passes_for_its_first():
    # Copies: an encoder leaves its settings on the pictures it was given.
    pages = [frame.copy() for frame in FRAMES]
    content = factory.noise((20, 16), format="TIFF", save_all=True, append_images=pages).read()

    assert _decodes(content[:-100])
    assert not _decodes(content[: len(content) // 4])
