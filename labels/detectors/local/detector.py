import functools

from labels.detectors.base import Picture
from labels.detectors.local.facts import fact_labels
from labels.detectors.local.graphics import graphic_labels, measure_flatness
from labels.detectors.local.palette import dominant_colours, is_colourless, thumbnail
from labels.detectors.local.pixels import decode
from labels.detectors.local.quality import measure_quality
from labels.detectors.local.scenes import label_scenes, load_model
from labels.detectors.local.taxonomy import scene_label, with_ancestors


class LocalDetector:
    """Responds in DetectLabels' shape without a network or a GPU."""

    name = "local"
    version = "embedded-2"

    @functools.cached_property
    def params(self) -> dict:
        return {"model": load_model().digest}

    @functools.cached_property
    def trained_on(self) -> frozenset[str]:
        return frozenset(one.decode() for one in load_model().arrays["learnt_from"])

    def detect(self, picture: Picture) -> dict:
        """Return labels and image properties; raise PhotoRefused for bytes that are no picture."""
        image, size = decode(picture.jpeg), (picture.width, picture.height)
        pixels, quality, flatness = thumbnail(image), measure_quality(image), measure_flatness(image)
        colours = dominant_colours(pixels)
        scenes = label_scenes(image, is_photo=not flatness.is_graphic)
        labels = [scene_label(name, value) for name, value in scenes.items()]
        labels += graphic_labels(flatness, *size)
        labels += fact_labels(*size, colours, is_colourless(pixels), quality, picture.exif)
        return {
            "Labels": with_ancestors(labels),
            "LabelModelVersion": self.version,
            "ImageProperties": {"Quality": quality.as_response(), "DominantColors": colours},
        }
