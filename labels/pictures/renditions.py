"""Thumbnail and detector rendition. The original is read, never written."""

import zlib
from contextlib import suppress

from django.core.files.base import ContentFile

from labels.detectors.base import PhotoRefused
from labels.models import Photo
from labels.models.photo import random_key, renditions
from labels.pictures import decoding, memory, one_large, redrawing, shrinking
from labels.storage.errors import ObjectUnreadable

THUMBNAIL_SIDE, THUMBNAIL_QUALITY = 400, 80


def ensure(photo):
    """Make the photo's thumbnail and rendition when they are missing; return the rendition's bytes.

    Raise PhotoRefused when the original is gone, changed since intake or cannot be decoded.
    """
    if photo.thumbnail and photo.rendition:
        # One that is gone is made again.
        with suppress(FileNotFoundError), photo.rendition.open("rb") as file:
            return file.read()
    # A large picture takes longer than a lease where a machine is slow or busy.
    with photo.lease_renewed():
        picture = _upright(photo)
    rendition = save(photo, picture)
    _keep(photo)
    return rendition


def save(photo, picture):
    """Write the photo's thumbnail and rendition, not its row; return the rendition's bytes."""
    rendition, small = redrawing.rendition(picture), shrinking.within(picture, THUMBNAIL_SIDE, gap=1)
    photo.rendition = renditions().save(random_key("jpg"), ContentFile(rendition))
    thumbnail = redrawing.jpeg(small, THUMBNAIL_QUALITY)
    photo.thumbnail = renditions().save(random_key("jpg"), ContentFile(thumbnail))
    photo.thumbnail_width, photo.thumbnail_height = small.size
    return rendition


def _upright(photo):
    try:
        with photo.original.open("rb") as file:
            # Answers of detectors are kept by the content of intake.
            if _crc32(file) != photo.crc32:
                raise PhotoRefused(
                    "The original in storage is not the one that was taken in.", "original_changed"
                )
            picture = decoding.open_picture(file)
            with one_large.turn(memory.needed(picture, file, redrawing.RENDITION_SIDE)):
                return redrawing.redraw(picture, file)
    except FileNotFoundError:
        raise PhotoRefused("The original is no longer in storage.", "original_missing") from None
    except ObjectUnreadable as error:
        raise PhotoRefused(f"The original: {error.strerror}.", "original_unreadable") from error
    except decoding.BrokenPicture as error:
        raise PhotoRefused(f"The photo cannot be decoded: {error}.", "damaged") from error


def _crc32(file):
    crc32 = 0
    while block := file.read(1024 * 1024):
        crc32 = zlib.crc32(block, crc32)
    file.seek(0)
    return crc32


def _keep(photo):
    names = ("rendition", "thumbnail", "thumbnail_width", "thumbnail_height")
    if not Photo.objects.held(photo).update(**{name: getattr(photo, name) for name in names}):
        # Deleted meanwhile, or another worker took over: it makes its own.
        for file in (photo.rendition, photo.thumbnail):
            renditions().delete(file.name)
