"""A detector for tests, deterministic in every process: it names the colours it is shown.

A pure magenta picture is refused for good, a pure cyan one makes it unavailable, so that a test
chooses the outcome by the picture it uploads. With FAKE_DETECTOR_GATE set to a folder it writes
`entered` there and waits for `open` to appear, so that a test can kill the worker in the middle.
"""

import io
import os
import time
from pathlib import Path

from PIL import Image

from labels.detectors.base import DetectorUnavailable, PhotoRefused, Picture


class FakeDetector:
    name = "fake"
    version = "fake-1"
    params: dict = {}
    trained_on: frozenset = frozenset()

    def detect(self, picture: Picture) -> dict:
        """Return "Red", "Green" or "Blue" at 99, "Bright" or "Dark" at 90 and "Perhaps" at 30."""
        _wait_at_gate()
        pixel = Image.open(io.BytesIO(picture.jpeg)).convert("RGB").resize((1, 1)).getpixel((0, 0))
        if _near(pixel, (255, 0, 255)):
            raise PhotoRefused("The fake detector refuses magenta.", "refused_by_fake")
        if _near(pixel, (0, 255, 255)):
            raise DetectorUnavailable("The fake detector is away over cyan.", "fake_away")
        colour = ("Red", "Green", "Blue")[pixel.index(max(pixel))]
        light = "Bright" if sum(pixel) > 384 else "Dark"
        named = _label(colour, 99.0, parents=[{"Name": "Colour"}])
        labels = [_label("Colour", 99.0), named, _label(light, 90.0), _label("Perhaps", 30.0)]
        return {"Labels": labels, "LabelModelVersion": self.version}


def _near(pixel, colour):
    return all(abs(a - b) < 12 for a, b in zip(pixel, colour, strict=True))


def _label(name, confidence, parents=()):
    empty = {"Instances": [], "Parents": list(parents), "Aliases": [], "Categories": []}
    return {"Name": name, "Confidence": confidence, **empty}


def _wait_at_gate():
    if gate := os.environ.get("FAKE_DETECTOR_GATE"):
        Path(gate, "entered").touch()
        while not Path(gate, "open").exists():
            time.sleep(0.02)
