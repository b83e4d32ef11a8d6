"""Amazon Rekognition: the calls that keep nothing at Amazon, through whichever Region is free."""

from dataclasses import dataclass

from labels.detectors.base import PhotoRefused, Picture
from labels.detectors.rekognition import limits
from labels.detectors.rekognition.calls import Unfit, ask


@dataclass(frozen=True)
class RekognitionDetector:
    """One operation of Rekognition; asked once, with low confidence and no filters: rules come after."""

    operation: str
    name: str
    params: dict
    answer_key: str  # what an answer must hold
    version_key: str = ""  # where it names its model
    # Only Amazon knows the model's version before the call.
    version: str = ""
    learnt_from: frozenset = frozenset()

    def detect(self, picture: Picture) -> dict:
        """Return the raw response, its ResponseMetadata cut down to the request's id and the Region."""
        images = [{"S3Object": dict(zip(("Bucket", "Name"), picture.s3, strict=True))}] if picture.s3 else []
        images.append({"Bytes": limits.fit(picture.jpeg)})
        for image in images:
            try:
                return ask(self, image, picture.residency)
            except Unfit as unfit:
                reason = unfit
        # Amazon cannot read these bytes: once more as the plainest JPEG there is.
        try:
            return ask(self, {"Bytes": limits.remade(picture.jpeg)}, picture.residency)
        except Unfit:
            raise PhotoRefused(str(reason), reason.code) from None

    def version_of(self, response):
        """Return the model's version as the answer names it."""
        return str(response.get(self.version_key, ""))[:40]


_CALLS = {
    detector.operation: detector
    for detector in (
        RekognitionDetector(
            operation="DetectLabels",
            name="rekognition",
            params={"MinConfidence": 40.0},
            answer_key="Labels",
            version_key="LabelModelVersion",
        ),
        RekognitionDetector(
            operation="DetectModerationLabels",
            name="rekognition moderation",
            params={"MinConfidence": 40.0},
            answer_key="ModerationLabels",
            version_key="ModerationModelVersion",
        ),
        RekognitionDetector(
            operation="DetectText",
            name="rekognition text",
            params={},
            answer_key="TextDetections",
            version_key="TextModelVersion",
        ),
        RekognitionDetector(
            operation="RecognizeCelebrities",
            name="rekognition celebrities",
            params={},
            answer_key="CelebrityFaces",
        ),
    )
}
OPERATIONS = tuple(_CALLS)


def of(operation):
    """Return the detector that makes this call."""
    return _CALLS[operation]
