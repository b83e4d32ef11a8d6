"""How much memory it takes to decode a picture, known from its header."""

from PIL import TiffImagePlugin

from labels.pictures import jpeg_markers, png_strips

# A whole PNG that takes more is decoded strip by strip, which takes twice the time.
PNG_WHOLE = 256 * 1024 * 1024
# Measured with Pillow 13 and pillow-heif 1.8: two canvases, a frame and the picture; planes and the picture.
_WEBP_PIXEL, _HEIF_PIXEL = 17, 9
_ROWS_PER_STRIP, _TILE_WIDTH, _TILE_LENGTH = 278, 322, 323


def needed(picture, file, at_least):
    """Return the bytes that decoding takes at most, to no less than `at_least` pixels a side.

    `picture` is opened, and not yet decoded.
    """
    pixels = picture.width * picture.height
    if picture.format in ("JPEG", "MPO"):
        return _jpeg(picture, file, at_least)
    if picture.format == "WEBP":
        return _WEBP_PIXEL * pixels + file.seek(0, 2)
    if picture.format == "HEIF":
        return _HEIF_PIXEL * pixels + file.seek(0, 2)
    if picture.format == "PNG" and decodes_in_strips(picture, file):
        return png_strips.COPIES * png_strips.strip_bytes(file)
    if picture.format == "TIFF":
        return _whole(picture) + _tiff_strip(picture)
    return _whole(picture)


def decodes_in_strips(picture, file):
    return picture.format == "PNG" and _whole(picture) > PNG_WHOLE and bool(png_strips.strip_bytes(file))


def _whole(picture):
    """Return what Pillow keeps of the decoded picture: four bytes a pixel for all but the plainest."""
    pixel = 1 if picture.mode in ("1", "L", "P") else 2 if picture.mode.startswith("I;16") else 4
    return pixel * picture.width * picture.height


def _jpeg(picture, file, at_least):
    """Decoded at an eighth, a quarter or half; of several scans all coefficients are kept, two bytes each."""
    largest = min(picture.width, picture.height) // at_least
    scale = next((by for by in (8, 4, 2) if by <= largest), 1)
    coefficients = 0
    if jpeg_markers.read_header(file).has_many_scans:
        coefficients = 2 * len(picture.getbands()) * picture.width * picture.height
    return coefficients + _whole(picture) // scale**2


def _tiff_strip(picture):
    """Return the bytes that libtiff unpacks at a time: some files are one single strip."""
    tags = picture.tag_v2 if isinstance(picture, TiffImagePlugin.TiffImageFile) else {}
    width = _number(tags.get(_TILE_WIDTH), picture.width)
    height = _number(tags.get(_TILE_LENGTH), _number(tags.get(_ROWS_PER_STRIP), picture.height))
    # Up to four channels of 32 bits, as a file may say.
    channel = 4 if picture.mode in ("I", "F") else 2
    return channel * len(picture.getbands()) * min(width, picture.width) * min(height, picture.height)


def _number(value, default):
    return value if isinstance(value, int) and value > 0 else default
