"""Decide by its content whether a file may become a photo."""

import hashlib
import zlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import PurePosixPath

from django.conf import settings
from django.template.defaultfilters import filesizeformat
from PIL import Image

from labels.intake.exif import camera_facts
from labels.models import Photo
from labels.models.photo import random_key
from labels.pictures import decoding, jpeg_markers, memory, one_large, redrawing

CHUNK = 1024 * 1024
# A film-strip of a panorama has so many pixels on its long side, and no more.
_MAX_SIDE = 500_000

_KNOWN_EXTENSIONS = {"gif", "avif", "jxl", "svg", "psd", "pdf"}.union(
    *(extensions for _, extensions in decoding.FORMATS.values())
)


class Refused(Exception):
    def __init__(self, reason, code):
        super().__init__(reason)
        self.reason, self.code = reason, code


@dataclass(frozen=True)
class Checked:
    """`photo` is not saved, and its `original` a new key without a file; or it is the `known` one's copy.

    `drawn` is the picture as `redrawing.upright` returns it, where that was asked for and can be had.
    """

    photo: Photo
    known: Photo | None = None
    drawn: Image.Image | None = None


def check(file, name, find_known=lambda sha256: None, draw=False):
    """Return what `file` (seekable, binary) may become; raise Refused naming file, reason and limit.

    A file whose SHA-256 is known is not decoded again.
    """
    name = clean_name(name)
    # An upload past the limit is cut on its way to the disk, but knows how many bytes came.
    size = check_size(name, max(file.seek(0, 2), getattr(file, "size", None) or 0))
    sha256, crc32 = digest(file)
    if known := find_known(sha256):
        return Checked(Photo(original_name=name, sha256=sha256), known)
    with _opened(file, name) as picture:
        kind, extensions = decoding.FORMATS[picture.format]
        _check_extension(name, kind, extensions)
        try:
            width, height = _check_pixels(name, picture)
            facts, drawn = _read(name, picture, file, draw)
        except decoding.BrokenPicture:
            reason = f"{name} is damaged or cut off; send it again from where it is still whole."
            raise Refused(reason, "damaged") from None
    if facts["orientation"] in (5, 6, 7, 8):
        width, height = height, width
    photo = Photo(
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
    return Checked(photo, drawn=drawn)


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
    if max(width, height) > _MAX_SIDE:
        raise Refused(
            f"{name} is {width:,} x {height:,} pixels; the limit for one side is {_MAX_SIDE:,}. "
            "Make it smaller or cut it.",
            "too_many_pixels",
        )
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


def _read(name, picture, file, draw):
    """Decode the picture; return what the camera wrote, and what is drawn of it or None."""
    needed = _check_memory(name, picture, file)
    _check_scans(name, picture, file)
    with one_large.turn(needed):
        # Of most PNGs Pillow decodes all to see what the camera wrote.
        facts = camera_facts(picture)
        drawn = _drawn(picture, file) if draw else None
        if drawn is None:
            # Once: verify() passes half a JPEG, only decoding finds the missing end.
            for _ in decoding.strips(picture, file, at_least=1):
                pass
    decoding.check_whole(picture, file)
    return facts, drawn


def _drawn(picture, file):
    # What can be decoded and not drawn is taken; its worker says what is wrong with it.
    with suppress(decoding.BrokenPicture):
        return redrawing.redraw(picture, file)


def _check_memory(name, picture, file):
    """Return the bytes that decoding takes, here or for its rendition; raise Refused over the limit."""
    needed = memory.needed(picture, file, redrawing.RENDITION_SIDE)
    limit = settings.UPLOAD_MAX_MEMORY
    if needed > limit:
        raise Refused(
            f"{name} has {_mega(picture.width * picture.height)} megapixels, which take "
            f"{filesizeformat(needed)} of memory to decode; the limit is {filesizeformat(limit)}. "
            "Make it smaller or save it as a plain JPEG, or ask your administrator to raise the limit.",
            "too_much_memory",
        )
    return needed


def _check_scans(name, picture, file):
    if picture.format in ("JPEG", "MPO") and jpeg_markers.scan_count(file) > jpeg_markers.MAX_SCANS:
        raise Refused(
            f"{name} has more than {jpeg_markers.MAX_SCANS} scans, which is the limit: it would take minutes "
            "to decode. Save it again and send that.",
            "too_many_scans",
        )
