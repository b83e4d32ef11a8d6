"""Decide by its content whether a file may become a photo."""

import hashlib
import threading
import zlib
from contextlib import nullcontext
from pathlib import PurePosixPath

from django.conf import settings
from django.template.defaultfilters import filesizeformat

from labels.intake.exif import camera_facts
from labels.models import Photo
from labels.models.photo import random_key
from labels.pictures import decoding, jpeg_markers

CHUNK = 1024 * 1024

# Formats without a draft mode, and progressive JPEGs, are decoded whole, up to 3 bytes a pixel and more:
# one large picture at a time in a process keeps a busy web server within the memory of one.
_LARGE_PIXELS = 20_000_000
_ONE_LARGE = threading.Semaphore(1)

_KNOWN_EXTENSIONS = {"gif", "avif", "jxl", "svg", "psd", "pdf"}.union(
    *(extensions for _, extensions in decoding.FORMATS.values())
)


class Refused(Exception):
    def __init__(self, reason, code):
        super().__init__(reason)
        self.reason, self.code = reason, code


def check(file, name):
    """Return the Photo, not saved, that `file` (seekable, binary) may become.

    Its `original` is a new key, without a file. Raise Refused naming file, reason and limit.
    """
    name = clean_name(name)
    # An upload past the limit is cut on its way to the disk, but knows how many bytes came.
    size = check_size(name, max(file.seek(0, 2), getattr(file, "size", None) or 0))
    file.seek(0)
    with _opened(file, name) as picture:
        kind, extensions = decoding.FORMATS[picture.format]
        _check_extension(name, kind, extensions)
        try:
            width, height = _check_pixels(name, picture)
            facts = camera_facts(picture)
            _check_decodes(name, picture, file)
        except decoding.BrokenPicture:
            reason = f"{name} is damaged or cut off; send it again from where it is still whole."
            raise Refused(reason, "damaged") from None
    sha256, crc32 = digest(file)
    if facts["orientation"] in (5, 6, 7, 8):
        width, height = height, width
    return Photo(
        original=random_key(extensions[0]),
        original_name=name,
        format=kind,
        size=size,
        sha256=sha256,
        crc32=crc32,
        width=width,
        height=height,
        **facts,
    )


def clean_name(name):
    """Return the last part of a path, printable and at most 255 characters, extension kept."""
    last = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    last = "".join(c for c in last if c.isprintable()).strip() or "photo"
    if len(last) > 255:
        suffix = PurePosixPath(last).suffix[:20]
        last = last[: 255 - len(suffix)] + suffix
    return last


def check_size(name, size):
    """Return the size in bytes; raise Refused when there is nothing, or more than UPLOAD_MAX_BYTES."""
    if size == 0:
        raise Refused(f"{name} is empty (0 bytes).", "empty")
    limit = settings.UPLOAD_MAX_BYTES
    if size > limit:
        raise Refused(
            f"{name} is {filesizeformat(size)}; the limit is {filesizeformat(limit)}. "
            "Make it smaller, or ask your administrator to raise the limit.",
            "too_large",
        )
    return size


def digest(file):
    """Return (SHA-256 as hex, CRC-32) of the whole file, read in chunks."""
    file.seek(0)
    sha256, crc32 = hashlib.sha256(), 0
    while chunk := file.read(CHUNK):
        sha256.update(chunk)
        crc32 = zlib.crc32(chunk, crc32)
    return sha256.hexdigest(), crc32


def _opened(file, name):
    try:
        return decoding.open_picture(file)
    except decoding.OverLimit as excess:
        raise Refused(
            f"{name} has {excess}, which is the limit: it would take too long to read. Save it again and "
            "send that.",
            "too_many_pieces",
        ) from None
    except decoding.BrokenPicture:
        raise Refused(
            f"{name} is not a photo that can be read; {decoding.ACCEPTED} are accepted.", "not_a_photo"
        ) from None


def _check_extension(name, kind, extensions):
    extension = PurePosixPath(name).suffix[1:].casefold()
    if extension in _KNOWN_EXTENSIONS and extension not in extensions:
        raise Refused(
            f"{name} is really a {kind} file. Rename it to end in .{extensions[0]} and send it again.",
            "wrong_extension",
        )


def _check_pixels(name, picture):
    width, height = picture.size
    limit = settings.UPLOAD_MAX_PIXELS
    if width * height > limit:
        raise Refused(
            f"{name} is {_mega(width * height)} megapixels; the limit is {_mega(limit)}. "
            "Make it smaller, or ask your administrator to raise the limit.",
            "too_many_pixels",
        )
    frames = decoding.frame_count(picture)
    if frames > decoding.MAX_FRAMES:
        raise Refused(
            f"{name} has more than {decoding.MAX_FRAMES:,} pages, which is the limit. Send single pictures.",
            "too_many_frames",
        )
    if width * height * frames > limit:
        raise Refused(
            f"{name} has {frames} frames, {_mega(width * height * frames)} megapixels in all; "
            f"the limit is {_mega(limit)}. Send a single picture, or ask your administrator "
            "to raise the limit.",
            "too_many_pixels",
        )
    return width, height


def _mega(pixels):
    return f"{pixels / 1_000_000:.1f}".removesuffix(".0")


def _check_decodes(name, picture, file):
    """Decode once: verify() passes half a JPEG, only decoding finds the missing end."""
    if picture.format in ("JPEG", "MPO") and jpeg_markers.scan_count(file) > jpeg_markers.MAX_SCANS:
        raise Refused(
            f"{name} has more than {jpeg_markers.MAX_SCANS} scans, which is the limit: it would take minutes "
            "to decode. Save it again and send that.",
            "too_many_scans",
        )
    # Of a progressive JPEG all coefficients are kept, whatever size is asked for.
    whole = picture.format not in ("JPEG", "MPO") or picture.info.get("progressive")
    is_large = whole and picture.width * picture.height > _LARGE_PIXELS
    with _ONE_LARGE if is_large else nullcontext():
        decoding.decode(picture, at_least=1)
    decoding.check_whole(picture, file)
