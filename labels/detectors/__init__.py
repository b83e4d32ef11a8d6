"""The detectors; LABELS_DETECTOR chooses the first one, REKOGNITION_ALSO those that run after it."""

from functools import cache

from django.conf import settings

from photomgr.environment import SETTINGS

NAMES = SETTINGS["LABELS_DETECTOR"].choices


def get_detector():
    return detector_named(settings.LABELS_DETECTOR)


def get_additional_detectors():
    """Return the detectors that run after the first one; their responses are kept and give no labels."""
    if settings.LABELS_DETECTOR != "rekognition":
        return []
    from labels.detectors.rekognition.detector import DETECTORS

    return [DETECTORS[operation] for operation in settings.REKOGNITION_ALSO]


@cache
def detector_named(name):
    # One per process: loading a model takes longer than using it. Each brings libraries of its own.
    if name == "local":
        from labels.detectors.local.detector import LocalDetector

        return LocalDetector()
    if name == "rekognition":
        from labels.detectors.rekognition.detector import DETECTORS

        return DETECTORS["DetectLabels"]
    if name == "fake":
        from labels.detectors.fake import FakeDetector

        return FakeDetector()
    raise ValueError(f"LABELS_DETECTOR is {name!r}; it may be one of {', '.join(NAMES)}.")
