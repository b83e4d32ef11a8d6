"""Measure the archive planner: `python benchmarks/zip_plan.py [ENTRIES]`; one JSON document on stdout.

Each figure is taken in a process of its own, so that `mb` is what that step adds to an empty interpreter.
Seconds are those of the processor, as every step is plain computing on one core.
"""

import json
import resource
import subprocess
import sys
import time
import zlib
from datetime import datetime
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from labels.archives.names import unique_names
from labels.archives.parts import Trailer, split
from labels.archives.zip_layout import Entry, ZipLayout

PHOTO = 3_000_000
TAKEN = datetime(2024, 5, 6, 7, 8, 10)


def entries(count):
    return (Entry(f"IMG_{number:07d}.jpg", PHOTO, number, TAKEN) for number in range(count))


def peak_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def entries_alone(count):
    """What the generator of entries costs by itself, within the figures below."""
    for _ in entries(count):
        pass


def plan(count):
    ZipLayout(entries(count))


def plan_list(count):
    """The same with the entries held by the caller as well."""
    held = list(entries(count))
    ZipLayout(held)


def parts(count):
    manifest = Trailer("manifest.csv", 60, lambda entry: 120 + len(entry.name))
    for _ in split(entries(count), 4 << 30, [manifest]):
        pass


def names_different(count):
    unique_names(f"IMG_{number:07d}.JPG" for number in range(count))


def names_equal(count):
    unique_names("IMG_0001.JPG" for _ in range(count))


def names_accented(count):
    unique_names(f"Fête {number:07d}.JPG" for number in range(count))


STEPS = [entries_alone, plan, plan_list, parts, names_different, names_equal, names_accented]


def measure(step, count):
    before, started = peak_mb(), time.process_time()
    step(count)
    return {"seconds": round(time.process_time() - started, 2), "mb": round(peak_mb() - before)}


def measure_reads(count):
    """Small random ranges anywhere in the archive, and copying with the CRC-32s checked."""
    content = Random(1).randbytes(PHOTO)
    crc32 = zlib.crc32(content)
    archive = ZipLayout(Entry(f"{number}.jpg", PHOTO, crc32, TAKEN) for number in range(count))
    random = Random(2)
    starts = [random.randrange(archive.size - 100) for _ in range(2000)]
    started = time.process_time()
    for start in starts:
        list(archive.read(start, start + 100, lambda index, begin, end: [content[begin:end]]))
    per_range = (time.process_time() - started) / len(starts)

    wanted = 1000 * PHOTO
    view = memoryview(content)
    started = time.process_time()
    for _ in archive.read(0, min(wanted, archive.size), lambda index, begin, end: blocks(view, begin, end)):
        pass
    seconds = time.process_time() - started
    started = time.process_time()
    directory = archive.size - archive.header_offset(count - 1) - PHOTO
    for _ in archive.segments(archive.size - directory, archive.size):
        pass
    return {
        "random_range_us": round(per_range * 1e6, 1),
        "copy_and_check_mb_per_s": round(wanted / 1e6 / seconds),
        "central_directory_mb": round(directory / 1e6, 1),
        "central_directory_seconds": round(time.process_time() - started, 2),
    }


def blocks(view, begin, end, size=1 << 20):
    return (view[at : min(at + size, end)] for at in range(begin, end, size))


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    if len(sys.argv) > 2:
        by_name = {step.__name__: step for step in STEPS}
        print(json.dumps(measure(by_name[sys.argv[2]], count)))
        return
    result = {"entries": count}
    for step in STEPS:
        command = [sys.executable, __file__, str(count), step.__name__]
        result[step.__name__] = json.loads(subprocess.check_output(command))
    result["read"] = measure_reads(count)
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
