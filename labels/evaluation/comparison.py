"""Compare what a detector says about a folder of photos with what is on them."""

from collections import Counter
from dataclasses import dataclass
from pathlib import PurePosixPath

from labels.detectors.base import PhotoRefused, Picture
from labels.evaluation import scores
from labels.intake import checks
from labels.intake.checks import Checked, Refused
from labels.labelling import detection
from labels.models import DetectionRun
from labels.pictures import decoding, redrawing
from labels.rules import engine
from labels.text.names import fold

_EXTENSIONS = {f".{extension}" for _, extensions in decoding.FORMATS.values() for extension in extensions}


def is_picture(name):
    """Return whether a file's name is that of a photo."""
    return PurePosixPath(name).suffix.lower() in _EXTENSIONS


@dataclass(frozen=True)
class Answer:
    """What a detector said about one file: `run` and what the file's bytes told, or why there is none."""

    name: str
    run: DetectionRun | None = None
    photo: Checked | None = None
    reason: str = ""


def answers(files, detector):
    """Yield the Answer of each (name, opener).

    Each passes the same checks and is drawn anew as in an upload. What was answered before about the
    same content is not asked again, and a new answer is kept. Raise DetectorUnavailable.
    """
    for name, opener in files:
        try:
            with opener() as file:
                checked = checks.check(file, name)
                run = detection.ask(detector, checked.sha256, _drawing(file, checked))
        except (Refused, PhotoRefused) as refusal:
            yield Answer(name, reason=refusal.reason)
        else:
            yield Answer(name, run, checked)


def _drawing(file, checked):
    def draw():
        file.seek(0)
        try:
            jpeg = redrawing.rendition(redrawing.upright(file))
        except decoding.BrokenPicture as error:
            raise PhotoRefused(f"The photo cannot be decoded: {error}.", "damaged") from error
        return Picture(jpeg, checked.width, checked.height, checked.facts.exif)

    return draw


def compare(answered, truth, rules):
    """Return a row a label of the truth, and how often other labels were said.

    `answered` maps a file to its Answer. A row holds the score of the plain answers, of which those from the
    library's limit on count as said, and that of what the rules (a policies.Rules) make of them.
    """
    plain = {name: _plain(answer.run.answer) for name, answer in answered.items()}
    decisions = {name: _decide(answer, rules) for name, answer in answered.items()}
    decided = {name: _decided(found) for name, found in decisions.items()}
    rows = []
    for label in truth.labels:
        names = [name for name in answered if truth.answers[name][label] is not None]
        correct = [truth.answers[name][label] for name in names]
        key = fold(label)
        before = [plain[name].get(key, 0.0) for name in names]
        after = [decided[name].get(key, (0.0, False)) for name in names]
        rows.append(
            {
                "label": label,
                "without_rules": scores.score(
                    before, [one >= rules.min_confidence for one in before], correct
                ),
                "with_rules": scores.score([one for one, _ in after], [said for _, said in after], correct),
            }
        )
    return rows, _others(decisions.values(), truth)


def _decide(answer, rules):
    """Return what the rules make of an answer, as of one about a photo in the library."""
    response, photo = answer.run.answer, answer.photo
    kind = engine.photo_kind(photo.format, photo.facts.camera, response)
    setting = engine.Setting(answer.run.detector, answer.run.version, kind)
    return engine.decide(response, rules.min_confidence, rules.rules, setting)


def _plain(response):
    """Return the confidence of each folded name in a raw response."""
    best = {}
    for raw in response.get("Labels", []):
        key = fold(raw["Name"])
        best[key] = max(best.get(key, 0.0), float(raw["Confidence"]))
    return best


def _decided(decisions):
    """Return (confidence, whether it is shown) of each folded name the rules leave in sight."""
    return {
        fold(decision.name): (decision.confidence, decision.active)
        for decision in decisions
        if decision.outcome != engine.HIDDEN
    }


def _others(decided, truth):
    """Return {label: photos} of what is shown and the truth knows nothing of, the most frequent first."""
    judged = {fold(label) for label in truth.labels}
    counts = Counter(
        decision.name
        for decisions in decided
        for decision in decisions
        if decision.active and fold(decision.name) not in judged
    )
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
