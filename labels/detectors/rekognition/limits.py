"""Pure: what Amazon accepts, which botocore does not check.

Source: "Guidelines and quotas in Amazon Rekognition", developer guide.
"""

MAX_BYTES = 5_242_880
MIN_SIDE, MAX_SIDE = 80, 10_000


def object_fits(photo):
    """Return whether Amazon may read the photo's original for itself."""
    return (
        photo.format in ("JPEG", "PNG")
        and photo.size <= 15 * 1024**2
        and min(photo.width, photo.height) >= MIN_SIDE
        and max(photo.width, photo.height) <= MAX_SIDE
    )
