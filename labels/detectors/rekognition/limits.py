"""Pure: what Amazon accepts, which botocore does not check.

Source: "Guidelines and quotas in Amazon Rekognition", developer guide.
"""

MAX_BYTES = 5_242_880
MIN_SIDE, MAX_SIDE = 80, 10_000
OBJECT_MAX_BYTES = 15 * 1024**2
OBJECT_FORMATS = ("JPEG", "PNG")


def object_fits(photo):
    """Return whether Amazon may read the photo's original for itself, by format, bytes and sides."""
    return (
        photo.format in OBJECT_FORMATS
        and photo.size <= OBJECT_MAX_BYTES
        and min(photo.width, photo.height) >= MIN_SIDE
        and max(photo.width, photo.height) <= MAX_SIDE
    )
