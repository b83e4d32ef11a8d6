"""What every detector offers, and the two ways it may fail."""

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class Picture:
    """What a detector is given: never the original file, never its metadata unasked.

    `jpeg` is the detector rendition (upright, sRGB, at most 1280 px on the long side, no metadata);
    `width` and `height` are those of the upright original; `exif` the few camera facts kept at
    intake (`labels.intake.exif`), an empty dict when the file had none. `residency` names the group of
    Regions it may be sent to, empty for any; `s3` the (bucket, key) of an original that a service may
    read for itself.
    """

    jpeg: bytes
    width: int
    height: int
    exif: dict = field(default_factory=dict)
    residency: str = ""
    s3: tuple[str, str] | None = None


class PhotoRefused(Exception):
    """This photo can never be labelled by this detector: ends the photo's job."""

    def __init__(self, reason: str, code: str):
        super().__init__(reason)
        self.reason = reason
        self.code = code


class DetectorUnavailable(Exception):
    """The detector could not answer now; the photo is not to blame and is tried again later."""

    def __init__(self, reason: str, code: str):
        super().__init__(reason)
        self.reason = reason
        self.code = code


class NotNow(DetectorUnavailable):
    """It is nobody's turn: no Region is free or no money left. The photo waits `seconds`, and no attempt
    is counted, so that it never fails for it."""

    def __init__(self, reason: str, code: str, seconds: float):
        super().__init__(reason, code)
        self.seconds = seconds


class Detector(Protocol):
    """Answers in DetectLabels' shape: `{"Labels": [...], "LabelModelVersion": "..."}`.

    `name`, `version` and `params` are the cache key next to the photo's content: change one of them
    whenever the same picture would get another answer. An empty `version` says that only the service
    knows it: the answer names it, and a kept answer of any version counts. `learnt_from` holds the
    SHA-256 of the photos it was trained on, as far as they are known: what it says about those proves
    nothing.
    """

    name: str
    version: str
    params: dict
    learnt_from: frozenset[str]

    def detect(self, picture: Picture) -> dict:
        """Return the raw response; raise PhotoRefused or DetectorUnavailable."""
        ...
