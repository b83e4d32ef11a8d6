"""Detection: one call of the detector for the same bytes, its raw response kept."""

import hashlib
import json
import time

from django.conf import settings
from django.db import IntegrityError

from labels.detectors import get_additional_detectors, get_detector
from labels.detectors.base import Picture
from labels.detectors.rekognition import findings, limits
from labels.models import DetectionRun, Photo, Residency
from labels.pictures import renditions


def run_for(photo):
    """Return the photo's DetectionRun; raise PhotoRefused or DetectorUnavailable."""
    jpeg = renditions.ensure(photo)
    run = run_for_content(get_detector(), photo.sha256, lambda: _picture(photo, jpeg), photo.pk)
    for additional in get_additional_detectors():
        # Each may wait for its turn as long as the first did.
        photo.renew_lease()
        run_for_content(additional, photo.sha256, lambda: _picture(photo, jpeg), photo.pk)
    return run


def run_for_content(detector, sha256, draw, photo_id=None):
    """Return the DetectionRun of a content; only without one draw() the Picture and call the detector."""
    known = kept(detector).filter(content_sha256=sha256).order_by("-pk").first()
    if known:
        return known
    picture = draw()
    began = time.monotonic()
    response = detector.detect(picture)
    return _keep(
        photo_id,
        content_sha256=sha256,
        detector=detector.name,
        version=detector.version or detector.version_of(response),
        params_hash=params_hash(detector.params),
        defaults={
            "params": detector.params,
            "response": json.dumps(response, ensure_ascii=False),
            "latency_ms": round((time.monotonic() - began) * 1000),
        },
    )


def _keep(photo_id, defaults, **identity):
    """Return the row of a response, without the photo when that was deleted meanwhile."""
    try:
        return DetectionRun.objects.get_or_create(**identity, defaults={**defaults, "photo_id": photo_id})[0]
    except IntegrityError:
        if Photo.objects.filter(pk=photo_id).exists():
            raise
        # It may have cost money, and the same content may come again.
        return DetectionRun.objects.get_or_create(**identity, defaults=defaults)[0]


def kept(detector):
    """Return the runs of this detector as it is configured; of any version when it names none."""
    runs = DetectionRun.objects.filter(detector=detector.name, params_hash=params_hash(detector.params))
    return runs.filter(version=detector.version) if detector.version else runs


def additional_responses(photo):
    """Return {detector: response} of the additional detectors to the photo's content, the latest of each."""
    runs = DetectionRun.objects.filter(content_sha256=photo.sha256, detector__in=findings.DETECTORS)
    return {run.detector: _readable(run) for run in runs.order_by("pk")}


def _readable(run):
    try:
        return run.answer
    except ValueError:
        # Shown as nothing found: a page about a photo is no place for a damaged row.
        return {}


def _picture(photo, jpeg):
    residency = Residency.objects.filter(owner=photo.owner_id).values_list("group", flat=True).first()
    s3 = None
    if settings.REKOGNITION_IMAGE == "s3object" and limits.object_fits(photo):
        storage = photo.original.storage
        s3 = storage.bucket_name, storage.key(photo.original.name)
    residency = residency or settings.REKOGNITION_RESIDENCY
    return Picture(jpeg, photo.width, photo.height, photo.exif, residency=residency, s3=s3)


def params_hash(params):
    return hashlib.sha256(json.dumps(params, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:16]
