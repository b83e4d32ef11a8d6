"""Tell drawings in flat colours (flags, charts, logos) from photos, and flags among them.

A graphic consists of few colours, each exactly even, with hard borders between them; a photo shades its
colours and softens its borders, and even a studio's white background is only one of many colours.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from labels.detectors.local.palette import simple_name
from labels.detectors.local.pixels import to_lab
from labels.detectors.local.taxonomy import COLOURS_AND_COMPOSITION, labelled, scene_label

LONG_SIDE = 320
FLAT_COLOURS = 6
SAME_COLOUR = 6  # levels of 255 that JPEG at quality 85 moves an even colour at most, off its borders
SOFT, HARD = 8, 48  # levels between neighbours: above the first a step, above the second a border
# Share of the picture in flat colours less that in soft steps. 135 photos measure at most 0.64, and of
# 326 flags all but the 3 % that are mostly coat of arms more than 0.70.
GRAPHIC_FROM = 0.7
LEAST_BORDER = 0.002  # of all pixels; a picture of one colour may be anything, a lens cap as well

GRAPHIC_CONFIDENCE = 80.0  # measured, not defined
FLAG_CONFIDENCE = 45.0  # a suggestion: a logo in three colours measures just the same
FLAG_SHAPES = (0.95, 2.7)  # width / height, from Switzerland's to Qatar's
FLAG_COLOURED = 0.25  # of the picture; a chart is mostly paper
COLOURLESS = {"white", "gray", "black"}


@dataclass(frozen=True)
class Flatness:
    """Shares of the picture: each flat colour (RGB, share), steps that are soft, borders that are hard."""

    colours: list[tuple[np.ndarray, float]]
    soft: float
    hard: float

    @property
    def is_graphic(self) -> bool:
        flat = sum(share for _, share in self.colours)
        return self.hard >= LEAST_BORDER and flat - self.soft >= GRAPHIC_FROM


def measure_flatness(image: Image.Image) -> Flatness:
    """Return how flat a picture's colours are."""
    # NEAREST: any mean would mix two colours at their border into a third.
    small = image.copy()
    small.thumbnail((LONG_SIDE, LONG_SIDE), Image.Resampling.NEAREST)
    rgb = np.asarray(small)
    steps = _steps(rgb)
    soft = float(((steps > SOFT) & (steps <= HARD)).mean())
    return Flatness(_flat_colours(rgb), soft, float((steps > HARD).mean()))


def _steps(rgb: np.ndarray) -> np.ndarray:
    """Return the largest difference of any channel within the 3 x 3 square around each pixel: (H, W)."""
    high = low = np.pad(rgb, ((1, 1), (1, 1), (0, 0)), mode="edge")
    high = np.maximum(np.maximum(high[:-2], high[1:-1]), high[2:])
    low = np.minimum(np.minimum(low[:-2], low[1:-1]), low[2:])
    high = np.maximum(np.maximum(high[:, :-2], high[:, 1:-1]), high[:, 2:])
    low = np.minimum(np.minimum(low[:, :-2], low[:, 1:-1]), low[:, 2:])
    red, green, blue = np.moveaxis(high - low, -1, 0)
    return np.maximum(np.maximum(red, green), blue)


def _flat_colours(rgb: np.ndarray) -> list[tuple[np.ndarray, float]]:
    """Return the most frequent colours of a picture, each with all that equals it but for JPEG."""
    # Channel by channel: numpy is slow along an axis of three.
    pixels = [plane.ravel().astype(np.int16) for plane in np.moveaxis(rgb, -1, 0)]
    code = sum(
        (plane // 8).astype(np.int32) << shift for plane, shift in zip(pixels, (10, 5, 0), strict=True)
    )
    count, colours = len(code), []
    while len(code) and len(colours) < FLAT_COLOURS:
        typical = code == np.bincount(code).argmax()
        middle = [np.median(plane[typical]) for plane in pixels]
        other = np.zeros(len(code), bool)
        for plane, level in zip(pixels, middle, strict=True):
            other |= np.abs(plane - int(level)) > SAME_COLOUR
        colours.append((np.array(middle), (len(code) - np.count_nonzero(other)) / count))
        pixels, code = [plane[other] for plane in pixels], code[other]
    return colours


def looks_like_flag(flatness: Flatness, width: int, height: int) -> bool:
    """Return whether a graphic has the shape of a flag and is coloured rather than paper."""
    low, high = FLAG_SHAPES
    coloured = sum(
        share
        for colour, share in flatness.colours
        if simple_name(tuple(to_lab(colour.astype(np.uint8)))) not in COLOURLESS
    )
    return low <= width / max(height, 1) <= high and coloured >= FLAG_COLOURED


def graphic_labels(flatness: Flatness, width: int, height: int) -> list[dict]:
    """Return Graphic for a drawing, and Flag as a suggestion for what could be one."""
    if not flatness.is_graphic:
        return []
    labels = [labelled("Graphic", GRAPHIC_CONFIDENCE, category=COLOURS_AND_COMPOSITION)]
    if looks_like_flag(flatness, width, height):
        labels.append(scene_label("Flag", FLAG_CONFIDENCE))
    return labels
