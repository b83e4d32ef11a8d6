"""What the detector and the page are shown: upright, sRGB, small, and nothing but pixels."""

import io
import zlib

import pytest
from PIL import Image, ImageCms

from labels.detectors.base import PhotoRefused
from labels.intake.add import add_photo
from labels.models import Photo, PhotoSummary
from labels.models.photo import originals
from labels.pictures import renditions
from tests import factory
from tests.conftest import read_file, stored

pytestmark = pytest.mark.django_db

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def _taken(image, owner, format="PNG", **options):
    """Return the photo of `image`, claimed by a worker."""
    file = io.BytesIO()
    image.save(file, format, **options)
    taken = add_photo(file, "a", owner)
    assert taken.photo, taken.reason
    return Photo.objects.claim(taken.photo.pk, "worker")


def _shown(photo):
    return Image.open(io.BytesIO(renditions.ensure(photo)))


def _thumbnail(photo):
    return Image.open(io.BytesIO(read_file(photo.thumbnail.storage, photo.thumbnail.name)))


def _near(pixel, colour, by=12):
    return all(abs(a - b) <= by for a, b in zip(pixel, colour, strict=True))


def _corners():
    """Return 80 x 40 pixels: red top left, green top right, blue bottom left, white bottom right."""
    image = Image.new("RGB", (80, 40))
    for place, colour in (((0, 0), RED), ((40, 0), GREEN), ((0, 20), BLUE), ((40, 20), WHITE)):
        image.paste(colour, (*place, place[0] + 40, place[1] + 20))
    return image


# How a camera lays the upright picture down in the file for each EXIF orientation.
_LAID = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.mark.parametrize("orientation", _LAID)
def test_every_orientation_is_shown_upright(dan, orientation):
    laid = _corners() if _LAID[orientation] is None else _corners().transpose(_LAID[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    photo = _taken(laid, dan, "JPEG", exif=exif.tobytes(), quality=95)

    shown = _shown(photo)

    photo.refresh_from_db()
    assert shown.size == (photo.width, photo.height) == (80, 40)
    assert (photo.thumbnail_width, photo.thumbnail_height) == (80, 40)
    corners = [shown.getpixel(place) for place in ((10, 5), (70, 5), (10, 35), (70, 35))]
    assert all(map(_near, corners, (RED, GREEN, BLUE, WHITE)))


@pytest.mark.parametrize(
    ("size", "rendition", "thumbnail"),
    [
        pytest.param((2000, 1000), (1280, 640), (400, 200), id="wide"),
        pytest.param((1000, 2000), (640, 1280), (200, 400), id="high"),
        pytest.param((1280, 1280), (1280, 1280), (400, 400), id="just right"),
        pytest.param((500, 300), (500, 300), (400, 240), id="smaller than the rendition"),
        pytest.param((40, 30), (40, 30), (40, 30), id="smaller than the thumbnail"),
        pytest.param((3000, 2), (1280, 1), (400, 1), id="a line"),
    ],
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_pictures_are_made_small_and_never_enlarged(dan, kind, size, rendition, thumbnail):
    photo = _taken(Image.new("RGB", size, RED), dan, kind)

    shown = _shown(photo)

    assert shown.format == "JPEG"
    assert shown.size == rendition
    photo.refresh_from_db()
    assert (photo.thumbnail_width, photo.thumbnail_height) == thumbnail
    assert _thumbnail(photo).size == thumbnail


def _adobe_like_profile():
    """Return a profile whose gamut is another than sRGB's: LittleCMS makes Lab and XYZ, so a Lab PCS."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()


def _swapped_srgb():
    """Return an sRGB profile whose red and blue primaries are swapped: red pixels then mean blue."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, blue = profile.index(b"rXYZ", 128), profile.index(b"bXYZ", 128)
    profile[red : red + 4], profile[blue : blue + 4] = b"bXYZ", b"rXYZ"
    return bytes(profile)


def test_another_colour_space_becomes_srgb(dan):
    photo = _taken(Image.new("RGB", (64, 48), RED), dan, icc_profile=_swapped_srgb())

    shown = _shown(photo)

    assert _near(shown.getpixel((30, 20)), BLUE)


@pytest.mark.parametrize(
    "profile",
    [
        pytest.param(b"no profile", id="garbage"),
        pytest.param(_adobe_like_profile(), id="of another kind of picture"),
    ],
)
def test_a_profile_that_does_not_fit_is_left_out_of_account(dan, profile):
    photo = _taken(Image.new("RGB", (64, 48), RED), dan, icc_profile=profile)

    assert _near(_shown(photo).getpixel((30, 20)), RED)


def test_a_cmyk_jpeg_shows_its_colours(dan):
    photo = _taken(Image.new("CMYK", (64, 48), (0, 255, 255, 0)), dan, "JPEG")

    shown = _shown(photo)

    assert shown.mode == "RGB"
    assert _near(shown.getpixel((30, 20)), RED, by=40)


def test_sixteen_bit_grey_is_scaled_and_not_cut_off(dan):
    image = Image.new("I;16", (64, 48), 65535 // 4)
    image.paste(65535, (32, 0, 64, 48))

    shown = _shown(_taken(image, dan))

    assert _near(shown.getpixel((10, 20)), (64, 64, 64))
    assert _near(shown.getpixel((54, 20)), WHITE)


def test_a_palette_shows_its_colours_also_when_it_is_made_small(dan):
    photo = _taken(Image.new("RGB", (1400, 700), GREEN).convert("P"), dan)

    shown = _shown(photo)

    assert shown.size == (1280, 640)
    assert _near(shown.getpixel((600, 300)), GREEN)


@pytest.mark.parametrize(
    "image",
    [
        pytest.param(Image.new("RGBA", (64, 48), (0, 0, 0, 0)), id="RGBA"),
        pytest.param(Image.new("LA", (64, 48), (0, 0)), id="grey with alpha"),
        pytest.param(Image.new("RGBA", (2000, 100), (0, 0, 0, 0)), id="made small"),
    ],
)
def test_what_is_transparent_is_white(dan, image):
    assert _near(_shown(_taken(image, dan)).getpixel((30, 20)), WHITE)


def test_half_transparent_red_is_pink(dan):
    photo = _taken(Image.new("RGBA", (64, 48), (255, 0, 0, 128)), dan)

    assert _near(_shown(photo).getpixel((30, 20)), (255, 127, 127))


def test_a_transparent_palette_colour_is_white(dan):
    image = Image.new("P", (64, 48), 0)
    image.putpalette([0, 0, 0, 255, 0, 0])

    photo = _taken(image, dan, transparency=0)

    assert _near(_shown(photo).getpixel((30, 20)), WHITE)


def test_no_metadata_leaves_with_the_rendition(dan):
    exif = Image.Exif()
    exif[0x010F] = "Canon"
    exif.get_ifd(0x8825).update({1: "N", 2: (47.0, 22.0, 0.0)})
    photo = _taken(
        Image.new("RGB", (64, 48)),
        dan,
        "JPEG",
        exif=exif.tobytes(),
        icc_profile=_swapped_srgb(),
        comment=b"me",
    )

    shown = _shown(photo)

    photo.refresh_from_db()
    for picture in (shown, _thumbnail(photo)):
        assert not picture.getexif()
        assert not {"exif", "icc_profile", "comment", "xmp"} & picture.info.keys()
    assert b"Canon" not in renditions.ensure(photo)


def test_the_original_stays_byte_for_byte(dan):
    content = factory.noise((2000, 100)).read()
    photo = add_photo(io.BytesIO(content), "a.jpg", dan).photo

    renditions.ensure(Photo.objects.claim(photo.pk, "worker"))

    assert read_file(originals(), photo.original.name) == content


def test_renditions_are_made_once(dan):
    photo = _taken(Image.new("RGB", (64, 48)), dan)
    first = renditions.ensure(photo)
    files = stored("renditions")

    again = renditions.ensure(Photo.objects.get())

    assert again == first
    assert stored("renditions") == files
    assert len(files) == 2


@pytest.mark.parametrize("how", ["deleted", "held by another"])
def test_a_lost_claim_leaves_no_files(dan, how):
    photo = _taken(Image.new("RGB", (64, 48)), dan)
    if how == "deleted":
        # Without signals: the files are what this is about.
        PhotoSummary.objects.all().delete()
        Photo.objects.all()._raw_delete("default")
    else:
        Photo.objects.update(lease_owner="another")

    renditions.ensure(photo)

    assert stored("renditions") == []


def test_a_lost_original_is_said_in_a_sentence(dan):
    photo = _taken(Image.new("RGB", (64, 48)), dan)
    originals().delete(photo.original.name)

    with pytest.raises(PhotoRefused, match=r"^The original is no longer in storage\.$") as refused:
        renditions.ensure(photo)

    assert refused.value.code == "original_missing"
    assert stored("renditions") == []


def test_a_damaged_original_is_refused_for_good(dan):
    photo = _taken(Image.open(factory.noise((400, 300))), dan, "JPEG")
    path = photo.original.path
    with open(path, "rb") as file:
        half = file.read()[:20_000]
    with open(path, "wb") as file:
        file.write(half)
    # Taken in like this: intake looks at the beginning.
    photo.crc32 = zlib.crc32(half)

    with pytest.raises(PhotoRefused, match="^The photo cannot be decoded: ") as refused:
        renditions.ensure(photo)

    assert refused.value.code == "damaged"
