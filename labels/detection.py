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
    detector = get_detector()
    key = {
        "content_sha256": photo.sha256,
        "detector": detector.name,
        "version": detector.version,
        "params_hash": params_hash(detector.params),
    }
    known = DetectionRun.objects.filter(**key).first()
    if known:
        return known
    began = time.monotonic()
    response = detector.detect(Picture(jpeg, photo.width, photo.height, photo.exif))
    run, _ = DetectionRun.objects.get_or_create(
        **key,
        defaults={
            "photo_id": photo.pk,
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
