"""One call about one picture: a permit for every attempt, and another Region where one fails."""

import logging
import random
import time

from botocore import xform_name
from django.conf import settings

from labels.detectors.base import PhotoRefused, RetryLater
from labels.detectors.rekognition.errors import RAISED, Failure, Fault, classify
from labels.detectors.rekognition.regions import permits
from photomgr import aws

logger = logging.getLogger(__name__)


class UnreadableImage(PhotoRefused):
    """Amazon cannot read this image; another form of it may do."""


def call(detector, image, residency):
    """Return the response about an `Image` parameter; raise PhotoRefused or RetryLater."""
    began, failed_regions = time.monotonic(), set()
    for _ in range(4):
        # With the longest wait for a permit and the longest call this ends before the photo's lease (60 s).
        if time.monotonic() - began > 30:
            break
        permit = permits.acquire(detector.operation, residency, frozenset(failed_regions))
        response = _call_region(detector, image, permit)
        if not isinstance(response, Failure):
            permits.succeeded(permit)
            return response
        _handle(response, permit, detector)
        failed_regions.add(permit.row.region)
    raise RetryLater(
        "Amazon Rekognition is busy or away in every Region that was asked; the photo waits for its turn.",
        "regions_busy",
        random.uniform(2, 30),  # noqa: S311 (spreads load, keeps no secret)
    )


def _call_region(detector, image, permit):
    try:
        # A Region that hangs must not hold a worker longer than its lease lasts.
        client = aws.client("rekognition", permit.row.region, seconds=settings.REKOGNITION_TIMEOUT)
        response = getattr(client, xform_name(detector.operation))(Image=image, **detector.params)
    except RAISED as error:
        return classify(error)
    request_id = response.pop("ResponseMetadata", {}).get("RequestId", "")
    if not isinstance(response.get(detector.response_key), list):
        # Something between us and Amazon answered 200 with a page of its own.
        return Failure(Fault.REGION, "NoAnswer", f"the answer holds no {detector.response_key}")
    return response | {"ResponseMetadata": {"RequestId": request_id, "Region": permit.row.region}}


def _handle(failure, permit, detector):
    """Report the failure to the Region's row; raise when the picture is to blame and not the Region."""
    match failure.fault:
        case Fault.THROTTLE:
            permits.throttled(permit)
        case Fault.REGION:
            permits.failed(permit, failure.message, billed=failure.may_be_billed)
        case Fault.ACCOUNT:
            permits.refused(permit, failure.message)
        case Fault.IMAGE:
            permits.unbilled(permit)
            reason = f"Amazon Rekognition cannot read this picture ({failure.message})."
            raise UnreadableImage(reason, failure.code)
        case Fault.PHOTO:
            permits.unbilled(permit)
            # Perhaps a fault of ours: the limits were checked before.
            operation = detector.operation
            logger.error("Amazon Rekognition refused the parameters of %s: %s", operation, failure.message)
            raise PhotoRefused(f"Amazon Rekognition refused this photo ({failure.message}).", failure.code)
