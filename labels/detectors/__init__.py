"""The detectors by name; LABELS_DETECTOR chooses one.

Each is imported when it is wanted: the local one is trained and measured without Django.
"""

from functools import cache

from django.conf import settings

from photomgr.environment import SETTINGS

NAMES = SETTINGS["LABELS_DETECTOR"].choices


def get_detector():
    """Return the configured detector, one per process: loading a model takes longer than using it."""
    return by_name(settings.LABELS_DETECTOR)


def get_further():
    """Return the detectors that are asked after the first one, for answers that are only kept."""
    if settings.LABELS_DETECTOR != "rekognition":
        return []
    from labels.detectors import rekognition

    return [rekognition.of(operation) for operation in settings.REKOGNITION_ALSO]


@cache
def by_name(name):
    if name == "local":
        from labels.detectors.local import LocalDetector

        return LocalDetector()
    if name == "rekognition":
        from labels.detectors import rekognition

        return rekognition.of("DetectLabels")
    if name == "fake":
        from labels.detectors.fake import FakeDetector

        return FakeDetector()
    raise ValueError(f"LABELS_DETECTOR is {name!r}; it may be one of {', '.join(NAMES)}.")
