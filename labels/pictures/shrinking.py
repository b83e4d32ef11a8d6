"""A decoded picture made small, without a further copy of it at its full size."""

from itertools import chain

from PIL import Image

# Resampling palettes or 16-bit greys directly gives wrong colours.
_DIRECT = ("RGB", "L", "CMYK")
# A gap of 1.5 halves 1280 px by averaging before Lanczos does the rest: a third of the time.
_GAP = 1.5
# Up to here a copy costs nothing worth the trouble of going strip by strip.
_SMALL_PIXELS, _STRIP_PIXELS = 8_000_000, 1_000_000


def within(picture, side, gap=_GAP):
    """Return a copy whose long side is at most `side` pixels; a smaller picture is never enlarged.

    `gap` says how much is left to Lanczos after averaging; 1 leaves the least and takes half the time.
    """
    if max(picture.size) <= side:
        return picture
    copy = picture.copy() if picture.mode in _DIRECT else plain(picture)
    copy.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=gap)
    return copy


def shrunk(picture, strips, side):
    """Return what `strips` show from top to bottom, at most `side` pixels on the long side.

    They are parts of the opened `picture`, or only itself: its size and colours are known once that is read.
    """
    first = next(strips)
    if first is picture and picture.width * picture.height <= _SMALL_PIXELS:
        return within(picture, side)
    by, white = factor(picture.size, side), None
    if first is picture:
        strips, white = _cut(picture, by), _white(picture)
    else:
        strips = chain([first], strips)
    small = _reduced(strips, picture.size, by, white)
    small.info = {name: value for name, value in picture.info.items() if name == "icc_profile"}
    return within(small, side)


def factor(size, side):
    """Return by how much both sides are divided before the rest is resampled with care."""
    return int(max(size) / side / _GAP) or 1


def plain(picture, white=None):
    """Return the picture as RGB: 16-bit greys scaled to `white`, what is transparent on white."""
    if picture.mode.startswith("I") or picture.mode == "F":
        white = white or _white(picture)
        return picture.convert("F").point(lambda value: value * (255 / white)).convert("L").convert("RGB")
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        rgba = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
    return picture.convert("RGB")


def _white(picture):
    """Return the value of white in a picture of 16-bit greys."""
    if not picture.mode.startswith("I") and picture.mode != "F":
        return None
    return 65535 if picture.getextrema()[1] > 255 else 255


def _cut(picture, multiple):
    """Yield the picture in strips, their heights multiples of `multiple` where they can be."""
    rows = max(1, _STRIP_PIXELS // picture.width)
    rows = rows // multiple * multiple or rows
    for top in range(0, picture.height, rows):
        yield picture.crop((0, top, picture.width, min(picture.height, top + rows)))


def _reduced(strips, size, by, white):
    """Return the strips below each other, each side divided by `by`."""
    width, height = (-(-side // by) for side in size)
    small, down, top = None, by, 0
    for strip in strips:
        direct = strip if strip.mode in _DIRECT and "transparency" not in strip.info else plain(strip, white)
        if small is None:
            # A wide picture may have strips of fewer rows than are averaged: these are, at the end.
            down = by if strip.height % by == 0 or strip.height == size[1] else 1
            small = Image.new(direct.mode, (width, height if down > 1 else size[1]))
        small.paste(direct.reduce((by, down)), (0, top // down))
        top += strip.height
    return small if down == by else small.reduce((1, by))
