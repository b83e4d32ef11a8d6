from dataclasses import dataclass, field

from labels.detectors.base import Picture
from labels.detectors.rekognition.calls import UnreadableImage, call
from labels.detectors.rekognition.images import image_parameters


@dataclass(frozen=True)
class RekognitionDetector:
    """One operation of Rekognition; called with low confidence and no filters: rules come after."""

    operation: str
    name: str
    response_key: str  # what a response must hold
    version_key: str = ""  # where it names its model
    params: dict = field(default_factory=dict)
    version = ""  # only Amazon knows it before the call
    trained_on = frozenset()

    def detect(self, picture: Picture) -> dict:
        """Return the raw response, its ResponseMetadata cut down to the request's id and the Region."""
        for image in image_parameters(picture):
            try:
                return call(self, image, picture.residency)
            except UnreadableImage as error:
                unreadable = error
        raise unreadable

    def version_of(self, response):
        return str(response.get(self.version_key, ""))[:40]


_LEAST = {"MinConfidence": 40.0}
_MODERATION = "rekognition moderation", "ModerationLabels", "ModerationModelVersion", _LEAST
DETECTORS = {
    detector.operation: detector
    for detector in (
        RekognitionDetector("DetectLabels", "rekognition", "Labels", "LabelModelVersion", _LEAST),
        RekognitionDetector("DetectModerationLabels", *_MODERATION),
        RekognitionDetector("DetectText", "rekognition text", "TextDetections", "TextModelVersion"),
        RekognitionDetector("RecognizeCelebrities", "rekognition celebrities", "CelebrityFaces"),
    )
}
