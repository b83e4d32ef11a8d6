"""An original drawn anew, as small as it is needed: upright, sRGB, no metadata. Knows no storage."""

import io

from PIL import Image, ImageCms

from labels.pictures import decoding, shrinking

# 1280 px at quality 85 is a median of 132 KB, against a limit of 5 MB for Rekognition's Bytes.
RENDITION_SIDE, RENDITION_QUALITY = 1280, 85

# What undoes how the camera was held, by the orientation in EXIF.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SRGB = ImageCms.createProfile("sRGB")


def upright(file):
    """Return the picture in `file`, at most RENDITION_SIDE on the long side; raise BrokenPicture."""
    return redraw(decoding.open_picture(file), file)


def redraw(picture, file):
    """Return what `upright` returns, of the `picture` that was opened from `file`."""
    strips = decoding.strips(picture, file, RENDITION_SIDE, shrinking.factor(picture.size, RENDITION_SIDE))
    with decoding.reading():
        small = shrinking.shrunk(picture, strips, RENDITION_SIDE)
        return _srgb(_turned(small, decoding.orientation(picture)))


def rendition(picture):
    """Return the JPEG bytes every detector is given of what `upright` returned."""
    return jpeg(picture, RENDITION_QUALITY)


def _turned(picture, orientation):
    return picture.transpose(_TURNS[orientation]) if orientation in _TURNS else picture


def _srgb(picture):
    profile = picture.info.get("icc_profile")
    if profile and picture.mode in ("RGB", "CMYK", "L"):
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            return ImageCms.profileToProfile(picture, source, _SRGB, outputMode="RGB")
        except (ImageCms.PyCMSError, OSError):
            pass  # A broken profile: shown without it, as browsers do.
    return shrinking.plain(picture)


def jpeg(picture, quality):
    out = io.BytesIO()
    # A fresh picture carries no EXIF, no GPS position and no profile over into the file.
    plain = Image.new("RGB", picture.size)
    plain.paste(picture)
    plain.save(out, "JPEG", quality=quality)
    return out.getvalue()
