"""Features of colour: which colours lie where, how smooth they are, and two educated guesses (sky, foliage).

Functions take Lab (128, 128, 3) and roughness (128, 128); mirroring the picture changes none of the vectors.
"""

import functools
from itertools import pairwise

import numpy as np

from labels.detectors.local.pixels import SIDE, THIRDS, cell_deviations, cell_means, chroma

LAB_UNITS = np.array([50.0, 25.0, 25.0])  # brings L, a and b to about -2..2
_HUE_EDGES = (0, 40, 70, 95, 115, 150, 200, 250, 275, 310)  # degrees in Lab: red, orange, yellow ... pink
_COLOURS = 5 + 2 * len(_HUE_EDGES)


def colour_words(lab: np.ndarray) -> np.ndarray:
    """Return one of 25 colour numbers a pixel: 5 greys, then 10 hues x dark, light."""
    light = lab[..., 0]
    hue = np.degrees(np.arctan2(lab[..., 2], lab[..., 1])) % 360
    hued = 5 + 2 * (np.digitize(hue, _HUE_EDGES) - 1) + (light >= 45)
    return np.where(chroma(lab) < 8, np.digitize(light, (25, 50, 75, 90)), hued)


def colour_texture(lab: np.ndarray, rough: np.ndarray) -> np.ndarray:
    """Return joint histograms of 25 colours x 3 degrees of roughness, by thirds and overall: 300 numbers."""
    code = colour_words(lab) * 3 + np.digitize(rough, (0.008, 0.03))
    bands = [np.bincount(code[rows].ravel(), minlength=3 * _COLOURS) / code[rows].size for rows in THIRDS]
    return np.sqrt(np.concatenate([*bands, sum(bands) / 3]))


def colour_grid(lab: np.ndarray, rough: np.ndarray) -> np.ndarray:
    """Return Lab, its spread, chroma and roughness on a 4 x 4 grid, mirrored halves merged: 64 numbers."""
    scaled, roughness = lab / LAB_UNITS, np.log(cell_means(rough, 4) + 0.003)[..., None]
    planes = [cell_means(scaled, 4), cell_deviations(scaled, 4), cell_means(chroma(lab)[..., None] / 25, 4)]
    cells = np.concatenate([*planes, roughness], -1)
    return ((cells + cells[:, ::-1]) / 2)[:, :2].ravel()


def centre_surround(lab: np.ndarray, rough: np.ndarray) -> np.ndarray:
    """Return colours, light and roughness of the middle, a ring around it and the rim: 153 numbers."""
    # A subject stands in the middle before something else; a meadow is the same everywhere.
    words = colour_words(lab)
    shares = [np.sqrt(np.bincount(words[ring], minlength=_COLOURS) / ring.sum()) for ring in _discs()]
    tone = [np.append(lab[ring].mean(0) / LAB_UNITS, np.log(rough[ring].mean() + 0.003)) for ring in _discs()]
    spread = [lab[ring].std(0) / LAB_UNITS for ring in _discs()]
    colours, light = shares[0] - shares[2], tone[0] - tone[2]
    return np.concatenate([*shares, colours, np.abs(colours), *tone, light, np.abs(light[:3]), *spread])


@functools.cache
def _discs() -> list[np.ndarray]:
    """Return masks of the middle, the ring around it and the rim, about a third of the picture each."""
    axis = np.linspace(-1, 1, SIDE)
    radius = np.hypot(axis[:, None], axis)
    return [radius < 0.55, (radius >= 0.55) & (radius < 0.95), radius >= 0.95]


def sky_signs(lab: np.ndarray, rough: np.ndarray) -> np.ndarray:
    """Return signs of a sky: what hangs smoothly from the top, and how rows change downwards: 59 numbers."""
    light, a, b = lab[..., 0], lab[..., 1], lab[..., 2]
    blue = (b < -4) & (b < -0.4 * np.abs(a)) & (light > 25)
    white = (light > 70) & (chroma(lab) < 14) & (b < 10)
    smooth = rough < 0.025
    numbers = []
    for mask in (blue & smooth, (blue | white) & smooth, smooth, blue | white):
        depth = np.minimum.accumulate(mask, 0).sum(0) / SIDE
        numbers += [depth.mean(), np.median(depth), (depth > 0.1).mean(), depth.std()]
        numbers += [mask[THIRDS[0]].mean() - mask[THIRDS[2]].mean(), mask.mean()]
    numbers += _flood_from_top(lab, rough)
    numbers += list((lab[:32].mean((0, 1)) - lab[-32:].mean((0, 1))) / LAB_UNITS)
    numbers.append(np.log((rough[:32].mean() + 0.002) / (rough[-32:].mean() + 0.002)))
    rows = np.array([np.log(rough.mean(1) + 0.003), b.mean(1) / 25, light.mean(1) / 50])
    return np.append(numbers, rows.reshape(24, -1).mean(1))


def _flood_from_top(lab: np.ndarray, rough: np.ndarray) -> list[float]:
    """Return depth, colour and roughness of what the top edge leads to without a step in colour."""
    step = np.sqrt((np.diff(lab, axis=0) ** 2).sum(-1))
    even = np.vstack([np.ones((1, SIDE), bool), step < 4])  # 4: a step that is just plain to the eye
    reached = np.minimum.accumulate(even, 0)
    depth, area = reached.sum(0) / SIDE, reached.sum() + 1
    colour = (lab * reached[..., None]).sum((0, 1)) / area / LAB_UNITS
    smoothness = np.log((rough * reached).sum() / area + 0.002)
    return [depth.mean(), np.median(depth), depth.std(), *colour, smoothness]


def excess_green(rgb: np.ndarray) -> np.ndarray:
    """Return (2G - R - B) / (R + G + B), Woebbecke et al. 1995: above 0 where green prevails."""
    r, g, b = rgb[..., 0] / 255, rgb[..., 1] / 255, rgb[..., 2] / 255
    return (2 * g - r - b) / (r + g + b + 1e-3)


def foliage_signs(lab: np.ndarray, rough: np.ndarray, rgb: np.ndarray) -> np.ndarray:
    """Return how much is green, olive, and roughly so, overall and by thirds: 50 numbers."""
    light, a, b = lab[..., 0], lab[..., 1], lab[..., 2]
    excess = excess_green(rgb)
    green, olive, coarse = (a < -4) & (b > 4), (a < 3) & (b > 8) & (light < 70), rough > 0.02
    masks = [excess > 0.05, excess > 0.15, excess > 0.3, green, olive]
    masks += [(excess > 0.05) & coarse, green & coarse, olive & coarse, green & ~coarse]
    numbers = [np.sqrt(mask[rows].mean()) for mask in masks for rows in (slice(None), *THIRDS)]
    numbers += list(np.percentile(excess, [10, 25, 50, 75, 90, 97]) * 3)
    numbers.append(cell_means(excess, 4).max() * 3)
    numbers += list(np.percentile(a, [3, 10, 25, 50]) / 25)
    area = green.sum() + 30
    numbers.append(np.log((rough * green).sum() / area + 0.002))
    numbers += [(light * green).sum() / area / 50, (chroma(lab) * green).sum() / area / 25]
    return np.array(numbers)


def overall(lab: np.ndarray, rough: np.ndarray, rgb: np.ndarray) -> np.ndarray:
    """Return colourfulness, tone, evenness, and how the frequency spectrum leans: 40 numbers."""
    light = lab[..., 0] / 100
    r, g, b = rgb[..., 0] / 255, rgb[..., 1] / 255, rgb[..., 2] / 255
    high, low = np.maximum(np.maximum(r, g), b), np.minimum(np.minimum(r, g), b)
    red_green, yellow_blue = r - g, (r + g) / 2 - b  # Hasler and Suesstrunk's colourfulness, 2003
    edge = np.concatenate([part.ravel() for part in (rough[:8], rough[-8:], rough[:, :8], rough[:, -8:])])
    numbers = _spectrum_lean(light)
    numbers += list(np.percentile((high - low) / (high + 1e-3), [10, 50, 90]))
    numbers += list(np.percentile(chroma(lab), [10, 50, 90, 98]) / 25)
    numbers += [red_green.std() * 3, yellow_blue.std() * 3, red_green.mean() * 3, yellow_blue.mean() * 3]
    numbers += list(np.percentile(light, [5, 25, 50, 75, 95]))
    numbers += list(np.log(np.percentile(rough, [10, 25, 50, 75, 90]) + 0.003))
    numbers.append(np.log((rough[32:96, 32:96].mean() + 0.003) / (edge.mean() + 0.003)))
    numbers += [np.log(cell_means(rough, 8) + 0.003).std(), (rough < 0.006).mean()]
    numbers.append(np.abs(light - light[:, ::-1]).mean() * 3)
    return np.array(numbers)


def _spectrum_lean(light: np.ndarray) -> list[float]:
    """Return for 5 rings of frequency the log power across and down against the diagonals', and theirs."""
    window = np.hanning(SIDE)[:, None] * np.hanning(SIDE)
    power = (np.abs(np.fft.fft2((light - light.mean()) * window)) ** 2).ravel()
    numbers = []
    for across, down, diagonal in _rings():
        logs = [np.log(power[sector].mean() + 1e-3) for sector in (across, down, diagonal)]
        numbers += [logs[0] - logs[2], logs[1] - logs[2], logs[2] / 3]
    return numbers


@functools.cache
def _rings() -> list[tuple[np.ndarray, ...]]:
    """Return, ring by ring, where in the flat spectrum the sectors across, down and diagonal lie."""
    axis = np.fft.fftfreq(SIDE) * SIDE
    x, y = np.meshgrid(axis, axis)
    radius, angle = np.hypot(x, y), np.degrees(np.arctan2(y, x)) % 180
    across = np.minimum(angle, 180 - angle) < 15
    down = np.abs(angle - 90) < 15
    diagonal = np.minimum(np.abs(angle - 45), np.abs(angle - 135)) < 25
    rings = [(radius >= low) & (radius < high) for low, high in pairwise((2, 5, 10, 20, 40, 64))]
    return [tuple(np.flatnonzero(ring & sector) for sector in (across, down, diagonal)) for ring in rings]
