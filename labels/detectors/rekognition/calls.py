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

MAX_ATTEMPTS = 4
# With the longest wait for a permit and the longest call it ends before the photo's lease does (60 s).
SECONDS = 30.0


class UnreadableImage(PhotoRefused):
    """Amazon cannot read this image; another form of it may do."""


def call(detector, image, residency):
    """Return the response about an `Image` parameter; raise PhotoRefused or RetryLater."""
    began, failed_regions = time.monotonic(), set()
    for _ in range(MAX_ATTEMPTS):
        if time.monotonic() - began > SECONDS:
            break
        permit = permits.acquire(detector.operation, residency, frozenset(failed_regions))
        response = _call_region(detector, image, permit)
        if not isinstance(response, Failure):
            permits.succeeded(permit)
            return response
        _handle(response, permit, detector)
        failed_regions.add(permit.region)
    raise RetryLater(
        "Amazon Rekognition is busy or away in every Region that was asked; the photo waits for its turn.",
        "regions_busy",
        random.uniform(2, 30),  # noqa: S311 (spreads load, keeps no secret)
    )


def _call_region(detector, image, permit):
    """Return the response of one call, or its Failure."""
    try:
        # A Region that hangs must not hold a worker longer than its lease lasts.
        client = aws.client("rekognition", permit.region, seconds=settings.REKOGNITION_TIMEOUT)
        response = getattr(client, xform_name(detector.operation))(Image=image, **detector.params)
    except RAISED as error:
        return classify(error)
    metadata = response.pop("ResponseMetadata", {})
    if not isinstance(response.get(detector.response_key), list):
        # Something between us and Amazon answered 200 with a page of its own.
        return Failure(Fault.REGION, "NoAnswer", f"the answer holds no {detector.response_key}")
    return {
        **response,
        "ResponseMetadata": {"RequestId": metadata.get("RequestId", ""), "Region": permit.region},
    }


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
            raise UnreadableImage(
                f"Amazon Rekognition cannot read this picture ({failure.message}).", failure.code
            )
        case Fault.PHOTO:
            permits.unbilled(permit)
            # Perhaps a fault of ours: the limits were checked before.
            logger.error(
                "Amazon Rekognition refused the parameters of %s: %s", detector.operation, failure.message
            )
            raise PhotoRefused(f"Amazon Rekognition refused this photo ({failure.message}).", failure.code)
