"""An original drawn anew, as small as it is needed: upright, sRGB, no metadata. Knows no storage."""

import io

from PIL import Image, ImageCms, ImageOps

from labels.pictures import decoding

# 1280 px at quality 85 is a median of 132 KB, against a limit of 5 MB for Rekognition's Bytes.
RENDITION_SIDE, RENDITION_QUALITY = 1280, 85

_SRGB = ImageCms.createProfile("sRGB")


def upright(file):
    """Return the picture in `file`, at most RENDITION_SIDE on the long side; raise BrokenPicture."""
    picture = decoding.open_picture(file)
    decoding.decode(picture, at_least=RENDITION_SIDE)
    with decoding.reading():
        picture = ImageOps.exif_transpose(picture)
        return _srgb(within(picture, RENDITION_SIDE))


def rendition(picture):
    """Return the JPEG bytes every detector is given of what `upright` returned."""
    return jpeg(picture, RENDITION_QUALITY)


def within(picture, side):
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
        top = 65535 if picture.getextrema()[1] > 255 else 255
        return picture.convert("F").point(lambda value: value * (255 / top)).convert("L").convert("RGB")
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        rgba = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
    return picture.convert("RGB")


def jpeg(picture, quality):
    out = io.BytesIO()
    # A fresh picture carries no EXIF, no GPS position and no profile over into the file.
    plain = Image.new("RGB", picture.size)
    plain.paste(picture)
    plain.save(out, "JPEG", quality=quality)
    return out.getvalue()
