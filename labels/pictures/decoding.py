"""The one file that knows how pictures are opened: which formats, and what a broken one raises."""

import struct
from contextlib import contextmanager, suppress

import pillow_heif
from PIL import ExifTags, Image

from labels.pictures import jpeg_markers, memory, png_chunks, png_strips

pillow_heif.register_heif_opener()

# Intake refuses by pixels x frames before anything is decoded; Pillow's own limit would only warn.
Image.MAX_IMAGE_PIXELS = None

# Pillow's name for a format -> the name people know and the extensions that go with it.
FORMATS = {
    "JPEG": ("JPEG", ("jpg", "jpeg", "jpe", "jfif")),
    # A JPEG with a preview or depth map behind it, as many phones write it.
    "MPO": ("JPEG", ("jpg", "jpeg", "mpo")),
    "PNG": ("PNG", ("png", "apng")),
    "BMP": ("BMP", ("bmp", "dib")),
    "TIFF": ("TIFF", ("tif", "tiff")),
    "WEBP": ("WebP", ("webp",)),
    "HEIF": ("HEIC", ("heic", "heif", "hif")),
}
ACCEPTED = "JPEG, PNG, BMP, TIFF, WebP and HEIC"

# What Pillow and its plug-ins raise over bytes that are not what they claim to be.
_BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    EOFError,
    ArithmeticError,
    RuntimeError,
    AttributeError,
    struct.error,
    png_strips.NotWhole,
    Image.DecompressionBombError,
)

# More than any scanner writes: a few kilobytes of them keep a decoder busy for minutes.
MAX_FRAMES = 1000
_MAX_EXIF = 16 * 1024 * 1024


class BrokenPicture(Exception):
    """The bytes are no picture we take, or only a part of one."""


class OverLimit(BrokenPicture):
    """The file would take too long to read; its words say what it has too much of, and the limit."""


@contextmanager
def reading():
    """Turn whatever a decoder raises over bad bytes into BrokenPicture; let real I/O errors through."""
    try:
        yield
    except _BROKEN as error:
        # A full disk or a lost mount has an errno; a decoder's complaint has none.
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise BrokenPicture(str(error)) from error


def open_picture(file):
    """Return the lazily opened picture; raise BrokenPicture when it is none of FORMATS."""
    _check_structure(file)
    # Pillow's JPEG reader gives MPO too and registers no other for it: asked for one, it raises KeyError.
    with reading():
        picture = Image.open(file, formats=[name for name in FORMATS if name != "MPO"])
        if memory.decodes_in_strips(picture, file):
            # Pillow would decode all of it to see whether there is any behind the picture data.
            picture.info["exif"] = _png_exif(file)
        return picture


def frame_count(picture):
    """Return how many pictures the file holds, MAX_FRAMES + 1 for any number beyond MAX_FRAMES."""
    # A phone's JPEG with its preview.
    if picture.format == "MPO":
        return 1
    with reading():
        if picture.format == "TIFF":
            return _page_count(picture)
        return min(getattr(picture, "n_frames", 1), MAX_FRAMES + 1)


def _check_structure(file):
    """Raise OverLimit over a file made to keep Pillow busy, which walks these formats in Python."""
    file.seek(0)
    begins, excess = file.read(8), ""
    if begins.startswith(b"\xff\xd8\xff"):
        excess = jpeg_markers.read_header(file).excess
    elif begins == b"\x89PNG\r\n\x1a\n":
        excess = png_chunks.read_chunks(file).excess
    file.seek(0)
    if excess:
        raise OverLimit(excess)


def orientation(picture):
    """Return how the camera was held, as EXIF says it, from 1 to 8: 1 where it says nothing of use."""
    try:
        with reading():
            said = picture.getexif().get(ExifTags.Base.Orientation)
    except BrokenPicture:
        return 1
    return said if said in range(1, 9) else 1


def _page_count(picture):
    """Return how many pages a TIFF has, MAX_FRAMES + 1 for more: counting all takes the square of them."""
    pages = 1
    with suppress(EOFError):
        # One by one: Pillow believes that there are as many as were asked for.
        while pages <= MAX_FRAMES:
            picture.seek(pages)
            pages += 1
    picture.seek(0)
    return pages


def decode(picture, at_least):
    """Decode so that both sides are at least `at_least` pixels where the original's are."""
    with reading():
        # JPEG at an eighth, a quarter or half of its size when that suffices: a quarter of the time.
        picture.draft(None, (at_least, at_least))
        picture.load()
    return picture


def strips(picture, file, at_least, multiple=1):
    """Decode as decode() does; yield the picture, or of a large PNG one strip after the other.

    These have heights that are multiples of `multiple` where they can be.
    """
    if not memory.decodes_in_strips(picture, file):
        yield decode(picture, at_least)
        return
    with reading():
        for strip in png_strips.strips(file, multiple):
            strip.info.update(picture.info)
            yield strip


def check_whole(picture, file):
    """Raise BrokenPicture when the end of a PNG or HEIC is missing although its first picture decodes.

    In JPEG, BMP and WebP decoding finds that out. Behind an MPO's first picture and a TIFF's first
    page nothing is asked for: programs that edit such a file leave the rest half in place.
    """
    ends = {"PNG": _png_ends, "HEIF": _heif_ends}.get(picture.format)
    if ends and ends(file) > file.seek(0, 2):
        raise BrokenPicture("its end is missing")


def _png_ends(file):
    return png_chunks.read_chunks(file).ends_at


def _png_exif(file):
    place, length = png_chunks.read_chunks(file).exif or (0, 0)
    file.seek(place)
    return file.read(min(length, _MAX_EXIF))


def _heif_ends(file):
    """Return where the last box ends that pictures need; what phones write behind it does not count."""
    place, end = 0, 0
    while True:
        file.seek(place)
        length, kind, long = struct.unpack(">I4sQ", file.read(16).ljust(16, b"\0"))
        length = long if length == 1 else length
        if length < 8:
            return end
        place += length
        if kind in (b"ftyp", b"meta", b"mdat", b"moov"):
            end = place
