"""What every detector offers, and how it may fail."""

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class Picture:
    """What a detector is given: never the original file, never its metadata unasked."""

    jpeg: bytes  # the detector rendition: upright, sRGB, at most 1280 px on the long side, no metadata
    width: int  # of the upright original
    height: int
    exif: dict = field(default_factory=dict)  # the few camera facts of `labels.intake.exif`
    residency: str = ""  # the group of Regions it may be sent to; empty: any
    s3: tuple[str, str] | None = None  # bucket and key of an original that a service may read for itself


class DetectionError(Exception):
    """A detector gave no response: `reason` is for people, `code` for Photo.failure_code."""

    def __init__(self, reason: str, code: str):
        super().__init__(reason)
        self.reason, self.code = reason, code


class PhotoRefused(DetectionError):
    """This detector can never label this photo: its job ends."""


class DetectorUnavailable(DetectionError):
    """The detector cannot respond now; the photo is not to blame and is retried later."""


class RetryLater(DetectorUnavailable):
    """No Region is free or no budget left: the photo waits `seconds`, and no attempt is counted."""

    def __init__(self, reason: str, code: str, seconds: float):
        super().__init__(reason, code)
        self.seconds = seconds


class Detector(Protocol):
    """Responds in DetectLabels' shape: `{"Labels": [...], "LabelModelVersion": "..."}`.

    `name`, `version` and `params` are the cache key next to the photo's content: change one of them
    whenever the same picture would get another response.
    """

    name: str
    version: str  # empty: only the service knows it, the response names it, and any stored one counts
    params: dict
    trained_on: frozenset[str]  # SHA-256 of photos about which its response proves nothing

    def detect(self, picture: Picture) -> dict:
        """Return the raw response; raise PhotoRefused or DetectorUnavailable."""
