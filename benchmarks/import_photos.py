"""Import against the floor: what reading, hashing, decoding and a thumbnail cost with no application.

Both sides run in one process and one run, alternating, and the best of each is compared: the machine
is noisy, the ratio much less so. Goal: at least 0.7 of the floor's photos per second.
"""

import hashlib
import io
import time
import zlib

from benchmarks.workbench import installation, photos, table

_ROUNDS = 3
_GOAL = 0.7


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
