"""One question about one picture: a permit for every call, and another Region where one fails."""

import logging
import random
import time

from django.conf import settings

from labels.detectors.base import NotNow, PhotoRefused
from labels.detectors.rekognition.errors import RAISED, Fault, Trouble, classify
from labels.detectors.rekognition.regions import permits
from photomgr import aws

logger = logging.getLogger(__name__)

MOST_CALLS = 4
# With the longest wait for a permit and the longest call it ends before the photo's claim does (60 s).
SECONDS = 30.0

_METHODS = {
    "DetectLabels": "detect_labels",
    "DetectModerationLabels": "detect_moderation_labels",
    "DetectText": "detect_text",
    "RecognizeCelebrities": "recognize_celebrities",
}


class Unfit(Exception):
    """Amazon cannot read this image; another form of it may do."""

    def __init__(self, reason, code):
        super().__init__(reason)
        self.code = code


def ask(detector, image, residency):
    """Return the answer about an `Image` parameter; raise Unfit, PhotoRefused or NotNow."""
    began, avoid = time.monotonic(), set()
    for _ in range(MOST_CALLS):
        if time.monotonic() - began > SECONDS:
            break
        try:
            permit = permits.take(detector.operation, residency, frozenset(avoid))
        except permits.NoPermit as wait:
            raise NotNow(wait.reason, wait.code, wait.seconds) from None
        answer = _call(detector, image, permit)
        if not isinstance(answer, Trouble):
            permits.worked(permit)
            return answer
        _settle(answer, permit, detector)
        avoid.add(permit.region)
    raise NotNow(
        "Amazon Rekognition is busy or away in every Region that was asked; the photo waits for its turn.",
        "regions_busy",
        random.uniform(2, 30),  # noqa: S311 (spreads load, keeps no secret)
    )


def _call(detector, image, permit):
    """Return the answer of one call, or its Trouble."""
    try:
        # A Region that hangs must not hold a worker longer than its claim lasts.
        client = aws.client("rekognition", permit.region, seconds=settings.REKOGNITION_TIMEOUT)
        answer = getattr(client, _METHODS[detector.operation])(Image=image, **detector.params)
    except RAISED as error:
        return classify(error)
    metadata = answer.pop("ResponseMetadata", {})
    if not isinstance(answer.get(detector.answer_key), list):
        # Something between us and Amazon answered 200 with a page of its own.
        return Trouble(Fault.REGION, "NoAnswer", f"the answer holds no {detector.answer_key}")
    return {
        **answer,
        "ResponseMetadata": {"RequestId": metadata.get("RequestId", ""), "Region": permit.region},
    }


def _settle(trouble, permit, detector):
    """Tell the Region's row what happened; raise when the picture is to blame and not the Region."""
    match trouble.fault:
        case Fault.THROTTLE:
            permits.throttled(permit)
        case Fault.REGION:
            permits.failed(permit, trouble.words, billed=trouble.may_be_billed)
        case Fault.ACCOUNT:
            permits.refused(permit, trouble.words)
        case Fault.BYTES | Fault.OBJECT:
            permits.unbilled(permit)
            raise Unfit(f"Amazon Rekognition cannot read this picture ({trouble.words}).", trouble.code)
        case Fault.PHOTO:
            permits.unbilled(permit)
            # Perhaps a fault of ours: the limits were checked before.
            logger.error(
                "Amazon Rekognition refused the parameters of %s: %s", detector.operation, trouble.words
            )
            raise PhotoRefused(f"Amazon Rekognition refused this photo ({trouble.words}).", trouble.code)
