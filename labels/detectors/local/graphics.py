"""Tell drawings in flat colours (flags, charts, logos) from photos, and flags among them.

A graphic consists of few colours, each exactly even, with hard borders between them; a photo shades its
colours and softens its borders, and even a studio's white background is only one of many colours.
"""

from dataclasses import dataclass
from functools import reduce

import numpy as np
from PIL import Image

from labels.detectors.local.palette import simple_name
from labels.detectors.local.pixels import to_lab
from labels.detectors.local.taxonomy import COLOURS_AND_COMPOSITION, labelled, scene_label

SAME_COLOUR = 6  # levels of 255 that JPEG at quality 85 moves an even colour at most, off its borders
SOFT, HARD = 8, 48  # levels between neighbours: above the first a step, above the second a border


@dataclass(frozen=True)
class Flatness:
    """Shares of the picture: each flat colour (RGB, share), steps that are soft, borders that are hard."""

    colours: list[tuple[np.ndarray, float]]
    soft: float
    hard: float

    @property
    def is_graphic(self) -> bool:
        flat = sum(share for _, share in self.colours)
        # Without a border a picture of one colour may be anything, a lens cap as well. Of flat - soft 135
        # photos measure at most 0.64, and of 326 flags all but 3 % (mostly coat of arms) more than 0.7.
        return self.hard >= 0.002 and flat - self.soft >= 0.7


def measure_flatness(image: Image.Image) -> Flatness:
    # NEAREST: any mean would mix two colours at their border into a third.
    small = image.copy()
    small.thumbnail((320, 320), Image.Resampling.NEAREST)
    rgb, (width, height) = np.asarray(small), small.size
    # The largest difference of any channel within the 3 x 3 square around each pixel. Pillow's MaxFilter,
    # like an axis of three in numpy, takes many times as long.
    padded = np.pad(rgb, ((1, 1), (1, 1), (0, 0)), mode="edge")
    near = [padded[down : down + height, right : right + width] for down in range(3) for right in range(3)]
    steps = reduce(np.maximum, np.moveaxis(reduce(np.maximum, near) - reduce(np.minimum, near), -1, 0))
    soft = float(((steps > SOFT) & (steps <= HARD)).mean())
    return Flatness(_flat_colours(rgb), soft, float((steps > HARD).mean()))


def _flat_colours(rgb: np.ndarray) -> list[tuple[np.ndarray, float]]:
    """Return the most frequent colours of a picture, each with all that equals it but for JPEG."""
    # Channel by channel: numpy is slow along an axis of three.
    pixels = [plane.ravel().astype(np.int16) for plane in np.moveaxis(rgb, -1, 0)]
    red, green, blue = (plane.astype(np.int32) // 8 for plane in pixels)
    code = (red << 10) + (green << 5) + blue
    count, colours = len(code), []
    while len(code) and len(colours) < 6:
        typical = code == np.bincount(code).argmax()
        middle = [np.median(plane[typical]) for plane in pixels]
        other = np.zeros(len(code), bool)
        for plane, level in zip(pixels, middle, strict=True):
            other |= np.abs(plane - int(level)) > SAME_COLOUR
        colours.append((np.array(middle), (len(code) - np.count_nonzero(other)) / count))
        pixels, code = [plane[other] for plane in pixels], code[other]
    return colours


def graphic_labels(flatness: Flatness, width: int, height: int) -> list[dict]:
    """Return Graphic for a drawing, and Flag as a suggestion for what could be one."""
    if not flatness.is_graphic:
        return []
    labels = [labelled("Graphic", 80.0, category=COLOURS_AND_COMPOSITION)]  # measured, not defined
    coloured = sum(
        share
        for colour, share in flatness.colours
        if simple_name(tuple(to_lab(colour.astype(np.uint8)))) not in ("white", "gray", "black")
    )
    # Shapes from Switzerland's to Qatar's; a chart is mostly paper.
    if 0.95 <= width / max(height, 1) <= 2.7 and coloured >= 0.25:
        # A suggestion: a logo in three colours measures just the same.
        labels.append(scene_label("Flag", 45.0))
    return labels
