"""Ask the detector about a photo, or answer from what it said before about the same bytes."""

import hashlib
import json
import time

from labels import renditions
from labels.detectors import get_detector
from labels.detectors.base import Picture
from labels.models import DetectionRun


def run_for(photo):
    """Return the photo's DetectionRun, from the cache when these bytes were answered before.

    Raise PhotoRefused or DetectorUnavailable. The raw response is kept as it came.
    """
    jpeg = renditions.ensure(photo)
    picture = Picture(jpeg, photo.width, photo.height, photo.exif)
    return ask(get_detector(), photo.sha256, lambda: picture, photo.pk)


def ask(detector, sha256, draw, photo_id=None):
    """Return the DetectionRun of a content, asking the detector only when it was never asked before.

    `draw()` returns the Picture and is called only then. Raise what the detector raises.
    """
    key = {
        "content_sha256": sha256,
        "detector": detector.name,
        "version": detector.version,
        "params_hash": params_hash(detector.params),
    }
    known = DetectionRun.objects.filter(**key).first()
    if known:
        return known
    picture = draw()
    began = time.monotonic()
    response = detector.detect(picture)
    run, _ = DetectionRun.objects.get_or_create(
        **key,
        defaults={
            "photo_id": photo_id,
            "params": detector.params,
            "response": json.dumps(response, ensure_ascii=False),
            "latency_ms": round((time.monotonic() - began) * 1000),
        },
    )
    return run


def params_hash(params):
    """Return a short hash of the parameters, the same for any order of keys."""
    text = json.dumps(params, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
