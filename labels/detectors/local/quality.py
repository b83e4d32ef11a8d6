"""Brightness, contrast and sharpness as numbers, and the few words that follow from them by definition."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from labels.detectors.local.pixels import to_lab

LONG_SIDE = 480  # measured at one size, or a large photo would always look blurrier than its own thumbnail
RADIUS = 4  # of the second blur, pixels


@dataclass(frozen=True)
class Quality:
    """Brightness, sharpness, contrast 0..100 as in Rekognition's ImageProperties; `blur` 0..1 or unknown."""

    brightness: float
    sharpness: float
    contrast: float
    high_key: bool
    low_key: bool
    blur: float | None

    @property
    def is_blurry(self) -> bool:
        # Sharp photos measure 0.03..0.24, the same photos under a 6 px blur 0.42 and more.
        return self.blur is not None and self.blur >= 0.35

    def as_response(self) -> dict[str, float]:
        return {"Brightness": self.brightness, "Sharpness": self.sharpness, "Contrast": self.contrast}


def measure_quality(image: Image.Image) -> Quality:
    grey = image.convert("L")
    grey.thumbnail((LONG_SIDE, LONG_SIDE), Image.Resampling.BOX)
    share = np.array(grey.histogram()) / (grey.width * grey.height)
    light = to_lab(np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, 1))[:, 0]  # L* of each grey level
    mean = float(share @ light)
    deviation = float(np.sqrt(share @ (light - mean) ** 2))
    # By L*; a high-key picture has hardly any black.
    dark, bright = share[light <= 25].sum(), share[light >= 75].sum()
    blur = blurriness(np.asarray(grey, np.float32) / 255)
    return Quality(
        brightness=round(mean, 2),
        sharpness=round(100 * (1 - blur), 2) if blur is not None else 0.0,
        contrast=round(min(100.0, 2 * deviation), 2),  # L* deviates by 50 at most: half black, half white
        high_key=bool(bright >= 0.75 and dark < 0.02),
        low_key=bool(dark >= 0.75),
        blur=blur,
    )


def blurriness(grey: np.ndarray) -> float | None:
    """Return 0 (every step is sharp) .. 1 (a second blur changes nothing), or None without a clear edge.

    Crete et al., "The blur effect", SPIE 6492, 2007, but on the strongest edges only: a portrait before a
    soft background is a sharp photo.
    """
    values = [one for one in (_axis_blur(grey), _axis_blur(grey.T)) if one is not None]
    return round(float(min(values)), 4) if values else None


def _axis_blur(grey: np.ndarray) -> float | None:
    if min(grey.shape) < 32:
        return None
    padded = np.pad(grey, ((RADIUS, RADIUS), (0, 0)), mode="edge").cumsum(0, dtype=np.float64)
    total = np.pad(padded, ((1, 0), (0, 0)))
    smooth = (total[2 * RADIUS + 1 :] - total[: -2 * RADIUS - 1]) / (2 * RADIUS + 1)
    # Without a clear edge there is no ground to measure focus; over a few pixels, as soft ones are edges too.
    if _percentile(np.abs(grey[2 * RADIUS :] - grey[: -2 * RADIUS]), 99) < 0.12:
        return None
    steps = np.abs(np.diff(grey, axis=0))
    strong = steps >= max(_percentile(steps, 99.8), 1 / 255)
    smooth_steps = np.abs(np.diff(smooth, axis=0)[strong])
    return float(np.minimum(smooth_steps, steps[strong]).sum() / steps[strong].sum())


def _percentile(values: np.ndarray, percent: float) -> float:
    """Return a percentile without the interpolation np.percentile takes its time for."""
    flat = values.ravel()
    rank = int(len(flat) * percent / 100)
    return float(np.partition(flat, rank)[rank])
