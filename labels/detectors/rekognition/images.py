"""A picture as Amazon accepts it: a JPEG of 1 byte to 5 MB with sides of 80 to 10,000 px, or an S3 object."""

import io

from PIL import Image

from labels.detectors.base import PhotoRefused
from labels.detectors.rekognition.limits import MAX_BYTES, MAX_SIDE, MIN_SIDE


def image_parameters(picture):
    """Yield the `Image` parameter in each form that Amazon may be able to read. Raise PhotoRefused."""
    if picture.s3:
        bucket, key = picture.s3
        yield {"S3Object": {"Bucket": bucket, "Name": key}}
    yield {"Bytes": _fit(picture.jpeg)}
    # The plainest JPEG there is: baseline RGB, small.
    plain = Image.open(io.BytesIO(picture.jpeg)).convert("RGB")
    plain.thumbnail((1024, 1024))
    yield {"Bytes": _jpeg(_padded(plain), 80)}


def _fit(jpeg):
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
