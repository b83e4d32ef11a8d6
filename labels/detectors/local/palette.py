"""Dominant colours of a picture, named with twelve plain words."""

import bisect

import numpy as np
from PIL import Image

from labels.detectors.local.pixels import chroma, square, to_lab, to_rgb

SAME_COLOUR = 12.0  # Lab distance below which two clusters are one colour to most eyes
NEUTRAL_CHROMA = 10.0
# Where each hue ends, in degrees of Lab. sRGB red lies at 40, yellow at 103, green at 136, cyan at 196, sky
# blue at 235, blue at 306, magenta at 328.
_HUE_ENDS = (20, 52, 82, 112, 172, 228, 310, 335)
_HUES = ("pink", "red", "orange", "yellow", "green", "cyan", "blue", "purple", "pink")
NAMES = ("black", "gray", "white", "brown", *sorted(set(_HUES)))


def simple_name(lab: tuple[float, float, float]) -> str:
    """Return one of 12 colour names of a Lab colour, in the sense of Rekognition's SimplifiedColor."""
    light, a, b = lab
    strength = float(np.hypot(a, b))
    if light < 12 or (light < 20 and strength < 2 * NEUTRAL_CHROMA):
        return "black"
    if strength < NEUTRAL_CHROMA or (light > 90 and strength < 15):
        return "white" if light > 88 else "gray"
    hue = float(np.degrees(np.arctan2(b, a)) % 360)
    if 20 <= hue < 36 and light > 62:
        return "pink"  # salmon
    return _by_lightness(_HUES[bisect.bisect_right(_HUE_ENDS, hue)], light, strength)


def _by_lightness(name: str, light: float, strength: float) -> str:
    """Return what a hue is called when dark or pale: dark orange is brown, dark pink purple."""
    if name == "pink" and light < 35:
        return "purple"
    brown = {
        "red": light < 45 and strength < 40,
        "orange": light < 60 or strength < 35,
        "yellow": light < 50 or (strength < 25 and light < 75),
    }
    return "brown" if brown.get(name) else name


def thumbnail(image: Image.Image) -> np.ndarray:
    """Return the Lab colours of 4096 spots of a picture: (4096, 3)."""
    return to_lab(square(image, 64)).reshape(-1, 3)


def dominant_colours(pixels: np.ndarray) -> list[dict]:
    """Return at most 8 colours of Lab pixels, largest first, in the shape of Rekognition's DominantColors."""
    centres, shares = _merge_alike(*_cluster(pixels))
    order = np.argsort(-shares, kind="stable")
    return [_described(centres[i], shares[i]) for i in order if shares[i] >= 1]  # per cent


def _cluster(pixels: np.ndarray, rounds: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Return k-means centres of Lab pixels and shares in per cent (furthest points first)."""
    centres = [np.median(pixels, 0)]
    distance = ((pixels - centres[0]) ** 2).sum(1)
    while len(centres) < 8 and distance.max() > SAME_COLOUR**2:
        centres.append(pixels[np.argmax(distance)])
        distance = np.minimum(distance, ((pixels - centres[-1]) ** 2).sum(1))
    centres = np.array(centres)
    for _ in range(rounds):
        nearest = np.argmin((centres**2).sum(1) - 2 * pixels @ centres.T, 1)
        counts = np.bincount(nearest, minlength=len(centres))
        sums = np.stack([np.bincount(nearest, pixels[:, i], len(centres)) for i in range(3)], 1)
        centres = np.where(counts[:, None] > 0, sums / np.maximum(counts, 1)[:, None], centres)
    return centres, 100 * counts / len(pixels)


def _merge_alike(centres: np.ndarray, shares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return centres and shares with the closest pairs joined until all are plainly different."""
    while len(centres) > 1:
        distance = np.sqrt(((centres[:, None] - centres) ** 2).sum(-1)) + 1e9 * np.eye(len(centres))
        i, j = np.unravel_index(np.argmin(distance), distance.shape)
        if distance[i, j] >= SAME_COLOUR:
            break
        weight = shares[[i, j]] + 1e-9
        centres[i] = (centres[[i, j]] * weight[:, None]).sum(0) / weight.sum()
        shares[i] += shares[j]
        centres, shares = np.delete(centres, j, 0), np.delete(shares, j)
    return centres, shares


def _described(lab: np.ndarray, share: float) -> dict:
    rgb = to_rgb(lab).tolist()
    return {
        **dict(zip(("Red", "Green", "Blue"), rgb, strict=True)),
        "HexCode": f"#{bytes(rgb).hex()}",
        "SimplifiedColor": simple_name(tuple(lab)),
        "PixelPercent": round(float(share), 2),
    }


def is_colourless(pixels: np.ndarray) -> bool:
    """Return whether Lab pixels are shades of grey: mean chroma below 4, hardly one above 12 (a red beak)."""
    strength = chroma(pixels)
    return bool(strength.mean() < 4 and np.percentile(strength, 99.8) < 12)
