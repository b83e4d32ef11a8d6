"""Pixels as numbers: decoding a rendition, CIE Lab, and the two means every feature is built from."""

import io
import warnings

import numpy as np
from PIL import Image

from labels.detectors.base import PhotoRefused

SIDE = 128  # the scene features see a square of this side, whatever the photo's shape
THIRDS = (slice(0, 43), slice(43, 86), slice(86, SIDE))  # top, middle, bottom rows of that square
_FROM_LINEAR_RGB = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
_WHITE_D65 = np.array([0.95047, 1.0, 1.08883])
_LINEAR = np.arange(256) / 255
_LINEAR = np.where(_LINEAR <= 0.04045, _LINEAR / 12.92, ((_LINEAR + 0.055) / 1.055) ** 2.4)


def decode(jpeg: bytes) -> Image.Image:
    """Return the RGB picture, halved while both sides stay at 320 px or more; raise PhotoRefused."""
    try:
        with warnings.catch_warnings():
            # A bomb only warns at first; a detector has no use for a picture of that size either.
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(jpeg))
            # Enough for every measurement: libjpeg halves while decoding, which saves most of the time.
            image.draft("RGB", (320, 320))
            return image.convert("RGB")
    # Pillow's decoders raise OSError, SyntaxError, ValueError, struct.error and more for bytes from outside.
    except Exception as error:  # noqa: BLE001
        reason = "The photo could not be decoded: it is damaged or not a JPEG."
        raise PhotoRefused(reason, "undecodable") from error


def square(image: Image.Image, side: int = SIDE) -> np.ndarray:
    """Return the picture squeezed into a square: (side, side, 3) bytes."""
    # BOX is an exact mean when shrinking well below half; LANCZOS keeps small pictures from turning blocky.
    resample = Image.Resampling.BOX if min(image.size) >= 2 * side else Image.Resampling.LANCZOS
    return np.asarray(image.resize((side, side), resample))


def to_lab(rgb: np.ndarray) -> np.ndarray:
    """Return CIE Lab (D65) of sRGB bytes, last axis 3: L 0..100, a and b about -128..127."""
    xyz = _LINEAR[rgb] @ _FROM_LINEAR_RGB.T / _WHITE_D65
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], -1)


def to_rgb(lab: np.ndarray) -> np.ndarray:
    """Return sRGB bytes of CIE Lab (D65), last axis 3: the inverse of to_lab, clipped to the gamut."""
    fy = (lab[..., 0] + 16) / 116
    f = np.stack([fy + lab[..., 1] / 500, fy, fy - lab[..., 2] / 200], -1)
    xyz = np.where(f > 0.206893, f**3, (f - 16 / 116) / 7.787) * _WHITE_D65
    linear = np.clip(xyz @ np.linalg.inv(_FROM_LINEAR_RGB).T, 0, 1)
    srgb = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.rint(srgb * 255).astype(np.uint8)


def chroma(lab: np.ndarray) -> np.ndarray:
    return np.hypot(lab[..., 1], lab[..., 2])


def cell_means(values: np.ndarray, cells: int) -> np.ndarray:
    """Return the mean over each cell of a grid: (H, W, ...) becomes (cells, cells, ...)."""
    height, width = values.shape[:2]
    return values.reshape(cells, height // cells, cells, width // cells, *values.shape[2:]).mean((1, 3))


def cell_deviations(values: np.ndarray, cells: int) -> np.ndarray:
    return np.sqrt(np.maximum(cell_means(values**2, cells) - cell_means(values, cells) ** 2, 0))


def box_mean(values: np.ndarray, radius: int) -> np.ndarray:
    """Return the mean over the (2 radius + 1) square around each pixel of a plane."""
    n = 2 * radius + 1
    total = np.pad(values, radius, mode="edge").cumsum(0, dtype=np.float64).cumsum(1)
    total = np.pad(total, ((1, 0), (1, 0)))
    return (total[n:, n:] - total[:-n, n:] - total[n:, :-n] + total[:-n, :-n]) / n**2


def roughness(light: np.ndarray) -> np.ndarray:
    """Return the standard deviation of lightness (0..1) in the 5 x 5 square around each pixel."""
    return np.sqrt(np.maximum(box_mean(light**2, 2) - box_mean(light, 2) ** 2, 0))
