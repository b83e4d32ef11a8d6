"""Pictures made in memory, small enough to read in a test."""

import io

import numpy as np
from PIL import Image

from labels.detectors.base import Picture


def jpeg(image: Image.Image, quality: int = 95) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality, subsampling=0)
    return file.getvalue()


def plain(colour=(120, 130, 140), size=(320, 240)) -> Image.Image:
    return Image.new("RGB", size, colour)


def noise(size=(320, 240), seed=1) -> Image.Image:
    values = np.random.RandomState(seed).randint(0, 256, (size[1], size[0], 3), np.uint8)
    return Image.fromarray(values)


def stripes(size=(480, 480), width=24) -> Image.Image:
    """Return hard black and white bars: nothing could be sharper."""
    column = (np.arange(size[0]) // width % 2 * 255).astype(np.uint8)
    return Image.fromarray(np.tile(column, (size[1], 1))).convert("RGB")


def picture(image: Image.Image | None = None, **overrides) -> Picture:
    image = image or plain()
    values = {"jpeg": jpeg(image), "width": image.width, "height": image.height, "exif": {}} | overrides
    return Picture(**values)


def by_name(response: dict) -> dict[str, dict]:
    return {label["Name"]: label for label in response["Labels"]}
