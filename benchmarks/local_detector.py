"""Measure the embedded detector on photos with ground truth: `python -m benchmarks.local_detector FOLDER`.

Prints Markdown. Precision, recall and average precision come from cross-validation at the shipped operating
point; the time is what LocalDetector.detect() takes of one core, after a first photo that loads the model.
"""

import os

# Before numpy is imported, it would not listen later: a second thread hides what a photo costs.
os.environ["OMP_NUM_THREADS"] = "1"

import argparse
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from PIL import Image

from labels.detectors.base import Picture
from labels.detectors.local.detector import LocalDetector
from labels.evaluation.training import ACCEPTED, FOLDS, REPEATS, cross_validate, read_photos, table
from labels.pictures import redrawing

SHOWN = 55.0  # LABELS_MIN_CONFIDENCE as it comes


def milliseconds(folder: Path) -> list[float]:
    """Return the processor time of each photo of a folder; other programs on the machine do not count."""
    detector, times = LocalDetector(), []
    photos = sorted(folder.glob("*.jpg"))
    for path in [photos[0], *photos]:
        with Image.open(path) as image:
            picture = Picture(path.read_bytes(), image.width, image.height)
        started = time.process_time()
        detector.detect(picture)
        times.append((time.process_time() - started) * 1000)
    return times[1:]


def told_apart(photos: Path, flags: Path) -> str:
    """Return how many photos and flags are called Graphic, Flag, and by a scene that would be shown."""
    lines = ["| | pictures | Graphic | Flag suggested | a scene shown |", "|---|---|---|---|---|"]
    detector = LocalDetector()
    for what, paths in (("photos", photos.glob("*.jpg")), ("flags", flags.glob("*.png"))):
        answers = [
            {one["Name"]: one["Confidence"] for one in _answer(detector, path)} for path in sorted(paths)
        ]
        counts = [sum(name in answer for answer in answers) for name in ("Graphic", "Flag")]
        counts.append(sum(any(answer.get(name, 0) >= SHOWN for name in ACCEPTED) for answer in answers))
        lines.append(f"| {what} | {len(answers)} | {' | '.join(map(str, counts))} |")
    return "\n".join(lines)


def _answer(detector: LocalDetector, path: Path) -> list[dict]:
    with path.open("rb") as file:
        image = redrawing.upright(file)
    return detector.detect(Picture(redrawing.rendition(image), *image.size))["Labels"]


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure the embedded detector.")
    parser.add_argument("folder", type=Path, help="photos and ground_truth.csv")
    parser.add_argument("--repeats", type=int, default=REPEATS, help="repeats of the cross-validation")
    options = parser.parse_args()
    times = milliseconds(options.folder)
    print(f"Model {LocalDetector().params['model']}, {len(times)} photos.\n")
    print(table(cross_validate(read_photos(options.folder), options.repeats)))
    print(f"\nCross-validation: {options.repeats} repeats of {FOLDS} folds; in brackets the worst repeat.")
    print(f"Processor time of one thread per photo: median {statistics.median(times):.0f} ms,", end=" ")
    print(f"longest {max(times):.0f} ms.")
    flags = options.folder.parent / "flags"
    if flags.is_dir():
        print(f"\n{told_apart(options.folder, flags)}\n")
        print("The threshold of Graphic was chosen on these pictures; on others it may do worse.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
