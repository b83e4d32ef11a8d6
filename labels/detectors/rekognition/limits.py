"""What Amazon takes: 1 byte to 5 MB, JPEG, sides of 80 to 10,000 px. botocore checks none of it.

Source: "Guidelines and quotas in Amazon Rekognition", developer guide.
"""

import io

from PIL import Image

from labels.detectors.base import PhotoRefused

MAX_BYTES = 5_242_880
MIN_SIDE, MAX_SIDE = 80, 10_000
OBJECT_MAX_BYTES = 15 * 1024**2
OBJECT_FORMATS = ("JPEG", "PNG")


def fit(jpeg):
    """Return the rendition as it may be sent: a side under 80 px gets white margins. Raise PhotoRefused."""
    picture = Image.open(io.BytesIO(jpeg))
    if min(picture.size) < MIN_SIDE:
        jpeg = _jpeg(_padded(picture), 85)
    if not jpeg or len(jpeg) > MAX_BYTES or max(picture.size) > MAX_SIDE:
        raise PhotoRefused(
            f"The picture of {len(jpeg):,} bytes and {picture.width} × {picture.height} px is beyond what "
            f"Amazon Rekognition takes ({MAX_BYTES:,} bytes, {MAX_SIDE:,} px).",
            "too_large",
        )
    return jpeg


def remade(jpeg):
    """Return the picture encoded anew, baseline RGB of at most 1024 px: nothing exotic is left."""
    picture = Image.open(io.BytesIO(jpeg)).convert("RGB")
    picture.thumbnail((1024, 1024))
    return _jpeg(_padded(picture), 80)


def object_fits(photo):
    """Return whether Amazon may read the photo's original for itself, by format, bytes and sides."""
    return (
        photo.format in OBJECT_FORMATS
        and photo.size <= OBJECT_MAX_BYTES
        and min(photo.width, photo.height) >= MIN_SIDE
        and max(photo.width, photo.height) <= MAX_SIDE
    )


def _padded(picture):
    size = tuple(max(MIN_SIDE, side) for side in picture.size)
    if size == picture.size:
        return picture
    page = Image.new("RGB", size, "white")
    page.paste(picture, tuple((new - old) // 2 for new, old in zip(size, picture.size, strict=True)))
    return page


def _jpeg(picture, quality):
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=quality, progressive=False)
    return out.getvalue()
