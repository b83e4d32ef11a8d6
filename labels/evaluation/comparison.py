"""Compare what a detector says about a folder of photos with the ground truth."""

from collections import Counter
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath

from labels.detectors.base import PhotoRefused, Picture
from labels.evaluation.scores import score
from labels.intake import checks
from labels.intake.checks import Refused
from labels.labelling import detection
from labels.models import DetectionRun, Photo
from labels.pictures import decoding, redrawing
from labels.rules import engine
from labels.text.names import fold


def is_picture(name):
    extension = PurePosixPath(name).suffix.lower().removeprefix(".")
    return any(extension in extensions for _, extensions in decoding.FORMATS.values())


@dataclass(frozen=True)
class FileResult:
    """A DetectionRun and the Photo that the file may become, or the reason why there is none."""

    name: str
    run: DetectionRun | None = None
    photo: Photo | None = None
    reason: str = ""


def detect_files(files, detector):
    """Yield the FileResult of each (name, opener), handled like an upload. Raise DetectorUnavailable."""
    for name, opener in files:
        try:
            with opener() as file:
                photo = checks.check(file, name).photo
                run = detection.run_for_content(detector, photo.sha256, partial(_picture, file, photo))
        except (Refused, PhotoRefused) as refusal:
            yield FileResult(name, reason=refusal.reason)
        except decoding.BrokenPicture as error:
            yield FileResult(name, reason=f"The photo cannot be decoded: {error}.")
        else:
            yield FileResult(name, run, photo)


def _picture(file, photo):
    file.seek(0)
    jpeg = redrawing.rendition(redrawing.upright(file))
    return Picture(jpeg, photo.width, photo.height, photo.exif)


def compare(results, ground_truth, rules):
    """Return a row for each label of the ground truth, and {other label: photos} of what else is shown.

    `results` maps a file to its FileResult. A row holds the Score of the raw responses, whose labels
    count as predicted from the library's limit on, and of what the rules (a versions.Rules) show.
    """
    raw = {name: _raw(result.run.answer, rules.min_confidence) for name, result in results.items()}
    decisions = {name: rules.decide(result.photo, result.run) for name, result in results.items()}
    shown = {
        name: {fold(one.name): (one.confidence, one.active) for one in found if one.outcome != engine.HIDDEN}
        for name, found in decisions.items()
    }
    rows = []
    for label in ground_truth.labels:
        without, ruled = _score(raw, ground_truth, label), _score(shown, ground_truth, label)
        rows.append({"label": label, "without_rules": without, "with_rules": ruled})
    known = {fold(label) for label in ground_truth.labels}
    found = [one.name for decided in decisions.values() for one in decided if one.active]
    others = Counter(name for name in found if fold(name) not in known)
    return rows, dict(sorted(others.items(), key=lambda item: (-item[1], item[0])))


def _score(predictions, ground_truth, label):
    """Return the Score of {file: {folded name: (confidence, whether it is predicted)}}."""
    known = [name for name in predictions if ground_truth.annotations[name][label] is not None]
    found = [predictions[name].get(fold(label), (0.0, False)) for name in known]
    return score(
        [confidence for confidence, _ in found],
        [is_predicted for _, is_predicted in found],
        [ground_truth.annotations[name][label] for name in known],
    )


def _raw(response, min_confidence):
    best = {}
    for label in response.get("Labels", []):
        key = fold(label["Name"])
        best[key] = max(best.get(key, 0.0), float(label["Confidence"]))
    return {key: (confidence, confidence >= min_confidence) for key, confidence in best.items()}
