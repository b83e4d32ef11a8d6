"""The detectors by name; LABELS_DETECTOR chooses one."""

from functools import cache

from django.conf import settings

NAMES = ("local", "fake")


def get_detector():
    """Return the configured detector, one per process: loading a model takes longer than using it."""
    return by_name(settings.LABELS_DETECTOR)


@cache
def by_name(name):
    if name == "local":
        from labels.detectors.local import LocalDetector

        return LocalDetector()
    if name == "fake":
        from labels.detectors.fake import FakeDetector

        return FakeDetector()
    raise ValueError(f"LABELS_DETECTOR is {name!r}; it may be one of {', '.join(NAMES)}.")
