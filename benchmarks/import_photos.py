"""Import against the floor: what reading, hashing, decoding and a thumbnail cost with no application.

Both sides run in one run, alternating, and the best of each is compared: the machine is noisy, the ratio much
less so. First one process each, then as many as there are cores, as `import_photos` does it.
"""

import hashlib
import io
import multiprocessing
import os
import tempfile
import time
import zipfile
import zlib
from pathlib import Path

from benchmarks.workbench import installation, photos, table

_ROUNDS = 3
_GOAL, _GOAL_ON_ALL_CORES = 0.7, 0.9
_COPIES, _TINY = 4, 5000


def main():
    owner = installation()
    paths = photos()
    floor, both, imported, whole = [], [], [], []
    for _ in range(_ROUNDS):
        floor.append(_seconds(_floor, paths, (400,)))
        both.append(_seconds(_floor, paths, (1280, 400)))
        imported.append(_seconds(_import, paths, owner))
        whole.append(_seconds(_renditions, owner))
        owner.photos.all().delete()
    rate, rate_of_both = len(paths) / min(floor), len(paths) / min(both)
    all_of_it = [a + b for a, b in zip(imported, whole, strict=True)]
    rows = [
        ("floor: read, SHA-256, CRC-32, decode, thumbnail", f"{rate:.0f}", "1.00"),
        ("import (checked, hashed, stored, row, enqueued)", *_against(paths, imported, rate)),
        ("floor with the 1280 px rendition as well", f"{rate_of_both:.0f}", "1.00"),
        ("import, then thumbnail and rendition", *_against(paths, all_of_it, rate_of_both)),
    ]
    print(f"{len(paths)} photos, best of {_ROUNDS}; goal for the import: {_GOAL} of the floor.\n")
    print(table(("step", "photos per second", "of the floor"), *rows))
    with tempfile.TemporaryDirectory() as folder:
        _on_all_cores(owner, _copies(paths, Path(folder)))
    with tempfile.TemporaryDirectory() as folder:
        _tiny(owner, Path(folder))


def _on_all_cores(owner, paths):
    cores = os.cpu_count()
    floor, imported = [], []
    with multiprocessing.get_context("fork").Pool(cores) as pool:
        for _ in range(_ROUNDS):
            floor.append(_seconds(_floor_in, pool, paths))
            imported.append(_seconds(_import_all, paths, owner, cores))
            owner.photos.all().delete()
    rate = len(paths) / min(floor)
    said = f"{len(paths)} photos by {cores} processes, best of {_ROUNDS}"
    print(f"\n{said}; goal: {_GOAL_ON_ALL_CORES} of the floor.\n")
    rows = [
        ("floor with the 1280 px rendition, in each process", f"{rate:.0f}", "1.00"),
        ("import_photos: photo, thumbnail and rendition", *_against(paths, imported, rate)),
    ]
    print(table(("step", "photos per second", "of the floor"), *rows))


def _copies(paths, folder):
    """Return so many different files: a photo is valid with a few bytes behind it."""
    made = []
    for number in range(_COPIES):
        for path in paths:
            made.append(folder / f"{number}-{path.name}")
            made[-1].write_bytes(path.read_bytes() + bytes(number))
    return made


def _floor_in(pool, paths):
    pool.map(_floor_of_one, paths, chunksize=4)


def _floor_of_one(path):
    _floor([path], (1280, 400))


def _import_all(paths, owner, workers):
    from labels.intake import many, sources
    from labels.intake.add import Outcome

    adding = many.add_all(sources.find(paths[0].parent), owner, workers=workers)
    assert all(finish().outcome == Outcome.IMPORTED for _, finish in adding)


def _tiny(owner, folder):
    """Compare a zip of many tiny files with the folder of the same files."""
    photos, archive = folder / "photos", folder / "photos.zip"
    photos.mkdir()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for number in range(_TINY):
            (photos / f"{number}.txt").write_text(f"This is no photo {number}.")
            packed.write(photos / f"{number}.txt", f"{number}.txt")
    seconds = [_seconds(_look_at, source, owner) for source in (photos, archive)]
    print(f"\n{_TINY:,} tiny files, one process.\n")
    rows = zip(("folder", "zip"), seconds, strict=True)
    print(
        table(
            ("source", "seconds", "of the folder"),
            *((n, f"{s:.1f}", f"{s / seconds[0]:.2f}") for n, s in rows),
        )
    )


def _look_at(source, owner):
    from labels.intake import many, sources

    for _, finish in many.add_all(sources.find(source), owner):
        finish()


def _against(paths, seconds, rate):
    mine = len(paths) / min(seconds)
    return f"{mine:.0f}", f"{mine / rate:.2f}"


def _seconds(step, *arguments):
    began = time.perf_counter()
    step(*arguments)
    return time.perf_counter() - began


def _floor(paths, sides):
    from PIL import Image, ImageOps

    for path in paths:
        content = path.read_bytes()
        hashlib.sha256(content).hexdigest()
        zlib.crc32(content)
        picture = Image.open(io.BytesIO(content))
        picture.draft(None, (sides[0], sides[0]))
        picture = ImageOps.exif_transpose(picture)
        for side in sides:
            picture.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=1.5)
            picture.save(io.BytesIO(), "JPEG", quality=85)


def _import(paths, owner):
    from labels.intake.add import Outcome, add_photo

    for path in paths:
        with path.open("rb") as file:
            assert add_photo(file, path.name, owner).outcome == Outcome.IMPORTED


def _renditions(owner):
    from labels.models import Photo
    from labels.pictures import renditions

    for photo in owner.photos.all():
        renditions.ensure(Photo.objects.claim(photo.pk, "bench"))


if __name__ == "__main__":
    main()
