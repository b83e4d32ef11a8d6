"""Thumbnail and detector rendition. The original is read, never written."""

import io

from django.core.files.base import ContentFile
from PIL import Image, ImageCms, ImageOps

from labels import pictures
from labels.detectors.base import PhotoRefused
from labels.models import Photo
from labels.models.photo import random_key, renditions

# 1280 px at quality 85 is a median of 132 KB, against a limit of 5 MB for Rekognition's Bytes.
RENDITION_SIDE, RENDITION_QUALITY = 1280, 85
THUMBNAIL_SIDE, THUMBNAIL_QUALITY = 400, 80

_SRGB = ImageCms.createProfile("sRGB")


def ensure(photo):
    """Make the photo's thumbnail and rendition when they are missing, and return the rendition's bytes.

    Raise PhotoRefused when the original is gone or cannot be decoded.
    """
    if photo.thumbnail and photo.rendition:
        with photo.rendition.open("rb") as file:
            return file.read()
    picture = _upright(photo)
    rendition = _jpeg(_within(picture, RENDITION_SIDE), RENDITION_QUALITY)
    small = _within(picture, THUMBNAIL_SIDE)
    _keep(photo, rendition, _jpeg(small, THUMBNAIL_QUALITY), small.size)
    return rendition


def _upright(photo):
    """Return the original upright, in sRGB, as small as the rendition allows, with no metadata."""
    try:
        with photo.original.open("rb") as file:
            picture = pictures.open_picture(file)
            pictures.decode(picture, at_least=RENDITION_SIDE)
            with pictures.reading():
                picture = ImageOps.exif_transpose(picture)
                picture = _within(picture, RENDITION_SIDE)
                return _srgb(picture)
    except FileNotFoundError:
        raise PhotoRefused("The original is no longer in storage.", "original_missing") from None
    except pictures.BrokenPicture as error:
        raise PhotoRefused(f"The photo cannot be decoded: {error}.", "damaged") from error


def _within(picture, side):
    """Return a copy whose long side is at most `side` pixels; a smaller picture is never enlarged."""
    if max(picture.size) <= side:
        return picture
    # Resampling palettes or 16-bit greys directly gives wrong colours.
    copy = picture.copy() if picture.mode in ("RGB", "L", "CMYK") else _plain(picture)
    # A gap of 1.5 halves 1280 px by averaging before Lanczos does the rest: a third of the time.
    copy.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=1.5)
    return copy


def _srgb(picture):
    profile = picture.info.get("icc_profile")
    if profile and picture.mode in ("RGB", "CMYK", "L"):
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            return ImageCms.profileToProfile(picture, source, _SRGB, outputMode="RGB")
        except (ImageCms.PyCMSError, OSError):
            pass  # A broken profile: shown without it, as browsers do.
    return _plain(picture)


def _plain(picture):
    """Return the picture as RGB: 16-bit greys scaled, transparency on white."""
    if picture.mode.startswith("I") or picture.mode == "F":
        low, high = picture.getextrema()
        top = 65535 if high > 255 else 255
        return picture.convert("F").point(lambda value: value * (255 / top)).convert("L").convert("RGB")
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        rgba = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
    return picture.convert("RGB")


def _jpeg(picture, quality):
    out = io.BytesIO()
    # A fresh picture carries no EXIF, no GPS position and no profile over into the file.
    plain = Image.new("RGB", picture.size)
    plain.paste(picture)
    plain.save(out, "JPEG", quality=quality)
    return out.getvalue()


def _keep(photo, rendition, thumbnail, thumbnail_size):
    keys = [renditions().save(random_key("jpg"), ContentFile(data)) for data in (rendition, thumbnail)]
    photo.rendition, photo.thumbnail = keys
    photo.thumbnail_width, photo.thumbnail_height = thumbnail_size
    kept = Photo.objects.held(photo).update(
        rendition=keys[0],
        thumbnail=keys[1],
        thumbnail_width=photo.thumbnail_width,
        thumbnail_height=photo.thumbnail_height,
    )
    if not kept:
        # Deleted meanwhile, or another worker took over: it makes its own.
        for key in keys:
            renditions().delete(key)
