"""Measure the embedded detector on a folder of judged photos: `python -m benchmarks.local_detector FOLDER`.

Prints Markdown. Precision, recall and average precision come from cross-validation at the shipped operating
point; the time is LocalDetector.detect() on one core, after a first photo that loads the model.
"""

import argparse
import os
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from PIL import Image

from labels.detectors.base import Picture
from labels.detectors.local import LocalDetector
from labels.detectors.local.train import FOLDS, REPEATS, cross_validate, read_photos, table


def use_one_core():
    """Pin this process to a core: the threads of a numeric library cannot hide what a photo costs."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def milliseconds(folder: Path) -> list[float]:
    """Return how long each photo of a folder takes."""
    detector, times = LocalDetector(), []
    photos = sorted(folder.glob("*.jpg"))
    for path in [photos[0], *photos]:
        with Image.open(path) as image:
            picture = Picture(path.read_bytes(), image.width, image.height)
        started = time.perf_counter()
        detector.detect(picture)
        times.append((time.perf_counter() - started) * 1000)
    return times[1:]


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure the embedded detector.")
    parser.add_argument("folder", type=Path, help="photos and ground_truth.csv")
    parser.add_argument("--repeats", type=int, default=REPEATS, help="repeats of the cross-validation")
    options = parser.parse_args()
    use_one_core()
    times = milliseconds(options.folder)
    print(f"Model {LocalDetector().params['model']}, {len(times)} photos.\n")
    print(table(cross_validate(read_photos(options.folder), options.repeats)))
    print(f"\nCross-validation: {options.repeats} repeats of {FOLDS} folds; in brackets the worst repeat.")
    print(f"Time a photo, one core: median {statistics.median(times):.0f} ms, longest {max(times):.0f} ms.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
