"""Measure the embedded detector on a folder of judged photos: `python -m benchmarks.local_detector FOLDER`.

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
from labels.detectors.local import LocalDetector
from labels.detectors.local.train import FOLDS, REPEATS, cross_validate, read_photos, table


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


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure the embedded detector.")
    parser.add_argument("folder", type=Path, help="photos and ground_truth.csv")
    parser.add_argument("--repeats", type=int, default=REPEATS, help="repeats of the cross-validation")
    options = parser.parse_args()
    times = milliseconds(options.folder)
    print(f"Model {LocalDetector().params['model']}, {len(times)} photos.\n")
    print(table(cross_validate(read_photos(options.folder), options.repeats)))
    print(f"\nCross-validation: {options.repeats} repeats of {FOLDS} folds; in brackets the worst repeat.")
    print(f"Processor time of one thread a photo: median {statistics.median(times):.0f} ms,", end=" ")
    print(f"longest {max(times):.0f} ms.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
