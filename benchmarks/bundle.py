"""Building archives: against `zip -0` and `cat`, the memory of a worker, and ten gigabytes.

All on local files in one run. `python -m benchmarks.bundle [ROUNDS]`; goals: at most 0.6 of zip's time and
2 of cat's, under 120 MB and as much for 3,000 photos as for 300, open files that do not grow.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from benchmarks.workbench import installation, table

PHOTO = 300_000
LARGE, LARGE_PHOTOS = 4_000_000, 2_500
TAKEN = datetime(2020, 1, 1, tzinfo=UTC)


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    owner = installation()
    race(owner, rounds)
    print()
    memory(owner)
    print()
    ten_gigabytes(owner)


def race(owner, rounds):
    paths = make_photos(owner, 1000)
    folder = Path(tempfile.mkdtemp(dir=os.environ["PHOTOMGR_DATA_DIR"]))
    ours, sums, floors, zips, cats = [], [], [], [], []
    for _ in range(rounds):
        spent = {}
        seconds(build_and_sum, owner, spent)
        ours.append(spent["build"])
        sums.append(spent["sum"])
        archive, joined = folder / "all.zip", folder / "all"
        floors.append(seconds(copy_checked, paths, joined))
        zips.append(seconds(subprocess.run, ["zip", "-0", "-q", "-j", archive, *paths], check=True))
        with joined.open("wb") as out:
            cats.append(seconds(subprocess.run, ["cat", *paths], stdout=out, check=True))
        archive.unlink()
        joined.unlink()
        # The disk shall not still write what the one before left, while the next one runs.
        os.sync()
    shutil.rmtree(folder)
    by_zip, by_cat = min(zips), min(cats)
    print(f"1,000 photos of {PHOTO:,} random bytes, best of {rounds}, alternating.\n")
    print(
        table(
            ("", "seconds", "MB/s", "of zip's time", "of cat's time"),
            *(
                (name, f"{s:.2f}", f"{300 / s:.0f}", f"{s / by_zip:.2f}", f"{s / by_cat:.1f}")
                for name, s in (
                    ("request and build, until it may be fetched: CRC-32s checked, resumable", min(ours)),
                    ("its SHA-256, computed afterwards", min(sums)),
                    ("`zip -0 -q`", by_zip),
                    ("`cat` into a file (copied by the kernel, not checked)", by_cat),
                    ("floor: read, CRC-32 and write in one Python loop", min(floors)),
                )
            ),
        )
    )


def memory(owner):
    alone = fresh("idle")
    rows = [("Django and this application imported", f"{alone['mb']:.0f}", alone["files"])]
    for count in (300, 3000):
        make_photos(owner, count)
        found = fresh("build", ask(owner))
        rows.append((f"a build of {count:,} photos", f"{found['mb']:.0f}", found["files"]))
    print(table(("a fresh process", "peak MB", "most open files"), *rows))


def ten_gigabytes(owner):
    size = LARGE * LARGE_PHOTOS
    free = shutil.disk_usage(os.environ["PHOTOMGR_DATA_DIR"]).free
    if free < 1.5 * size:
        print(f"The archive of 10 GB was left out: {free / 1e9:.0f} GB are free.")
        return
    make_photos(owner, LARGE_PHOTOS, LARGE, sparse=True)
    found = fresh("build", ask(owner))
    speed = size / 1e6 / found["seconds"]
    print(
        f"10 GB ({LARGE_PHOTOS:,} sparse files of {LARGE // 10**6} MB, in "
        f"{found['parts']} parts): {found['seconds']:.0f} s, {speed:.0f} MB/s, "
        f"{found['mb']:.0f} MB of memory, {found['files']} open files."
    )


def make_photos(owner, count, size=PHOTO, sparse=False):
    """Replace the owner's photos by `count` files with their rows; return the paths."""
    from django.conf import settings

    from labels.models import Photo

    owner.photos.all().delete()
    shutil.rmtree(settings.DATA_DIR / "originals", ignore_errors=True)
    random, rows, paths = Random(count), [], []
    for number in range(count):
        key = f"{number % 256:02x}/{number:08}.jpg"
        path = settings.DATA_DIR / "originals" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        head = random.randbytes(16 if sparse else size)
        with path.open("wb") as file:
            file.write(head)
            file.truncate(size)
        content = head + bytes(size - len(head))
        rows.append(
            Photo(
                owner=owner,
                original=key,
                original_name=f"DSC_{number:05}.JPG",
                format="JPEG",
                size=size,
                sha256=hashlib.sha256(content).hexdigest(),
                crc32=zlib.crc32(content),
                width=640,
                height=480,
                taken_at=TAKEN + timedelta(minutes=number),
                status=Photo.Status.LABELLED,
            )
        )
        paths.append(path)
    Photo.objects.bulk_create(rows, batch_size=500)
    return paths


def build_and_sum(owner, spent):
    from labels.bundles import sums as archive_sums

    began = time.perf_counter()
    bundle = ask(owner)
    carry_out(bundle)
    ready = time.perf_counter()
    for part in bundle.parts.all():
        archive_sums.work_out(part)
    spent.update(build=ready - began, sum=time.perf_counter() - ready)


def copy_checked(paths, target):
    with target.open("wb", buffering=0) as out:
        for path in paths:
            crc = 0
            with path.open("rb", buffering=0) as file:
                while piece := file.read(1 << 20):
                    crc = zlib.crc32(piece, crc)
                    out.write(piece)


def ask(owner):
    from labels.bundles.request import request_bundle
    from labels.selection.predicate import Selection

    return request_bundle(owner, Selection(everything=True), lease_owner="bench")


def carry_out(bundle):
    from labels.bundles import building

    building.build(bundle)
    bundle.refresh_from_db()
    assert bundle.status == bundle.Status.READY, bundle.failure_reason


def seconds(step, *arguments, **options):
    """Return how long the step took; archives that it left are removed afterwards."""
    from labels.models import Bundle

    began = time.perf_counter()
    step(*arguments, **options)
    passed = time.perf_counter() - began
    for bundle in Bundle.objects.all():
        bundle.delete()
        shutil.rmtree(Path(os.environ["PHOTOMGR_DATA_DIR"]) / "bundles", ignore_errors=True)
    return passed


def fresh(what, bundle=None):
    """Return what a process of its own measured that does what a worker does."""
    command = [sys.executable, "-m", "benchmarks.bundle", what, str(bundle.pk if bundle else 0)]
    return json.loads(subprocess.check_output(command))


def worker(what, pk):
    """Import what a worker imports, build if asked to, and say what it took."""
    import django

    django.setup()
    import labels.tasks  # noqa: F401 (what qcluster imports)
    from labels.models import Bundle

    answer, most, done = {}, [0], threading.Event()

    def watch():
        while not done.wait(0.002):
            most[0] = max(most[0], len(os.listdir("/proc/self/fd")))

    watcher = threading.Thread(target=watch)
    watcher.start()
    if what == "build":
        bundle = Bundle.objects.get(pk=pk)
        answer["parts"] = -(-bundle.planned_bytes // bundle.part_bytes)
        answer["seconds"] = seconds(carry_out, bundle)
    else:
        time.sleep(0.1)
    done.set()
    watcher.join()
    # Not getrusage: its peak is inherited from the process that started this one.
    [peak] = [line for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line]
    print(json.dumps({**answer, "mb": int(peak.split()[1]) / 1024, "files": most[0]}))


if __name__ == "__main__":
    worker(*sys.argv[1:]) if len(sys.argv) == 3 else main()
