"""Pictures, people and photos with defaults: no binary fixtures, no library."""

import io
import random
from datetime import UTC, datetime

from django.contrib.auth import get_user_model
from PIL import Image

from labels import bundles, intake, labelling, summaries
from labels.models import Label, LabelCount, Photo, PhotoLabel
from labels.selection import Selection

RED, GREEN, BLUE = (200, 30, 30), (30, 200, 30), (30, 30, 200)
# What the fake detector refuses for good, and what makes it unavailable.
MAGENTA, CYAN = (255, 0, 255), (0, 255, 255)


def picture(colour=RED, size=(64, 48), format="JPEG", exif=None, **options):
    """Return an in-memory file with a plain picture; every colour and size gives other bytes."""
    file = io.BytesIO()
    image = Image.new("RGB", size, colour)
    if exif:
        tags = image.getexif()
        tags.update(exif)
        options["exif"] = tags.tobytes()
    image.save(file, format, **options)
    file.seek(0)
    return file


def noise(size=(64, 48), seed=0, format="JPEG", **options):
    """Return an in-memory file with a picture that does not compress away, the same for the same seed."""
    pixels = random.Random(seed).randbytes(size[0] * size[1] * 3)
    file = io.BytesIO()
    Image.frombytes("RGB", size, pixels).save(file, format, **options)
    file.seek(0)
    return file


def taken(moment, **tags):
    """Return EXIF tags that say when a picture was taken."""
    return {0x0132: moment.strftime("%Y:%m:%d %H:%M:%S"), **tags}


def user(name="dan", **fields):
    return get_user_model().objects.create_user(
        name, fields.pop("email", f"{name}@example.com"), "password", **fields
    )


def photo(owner, colour=RED, size=(64, 48), name="photo.jpg", **options):
    """Return a photo that went through intake; it is labelled only when on_commit callbacks are run."""
    result = intake.take(picture(colour, size, **options), name, owner)
    assert result.outcome == intake.Outcome.IMPORTED, result.reason
    return result.photo


def many_photos(owner, count, **fields):
    """Return `count` labelled photo rows without files, for lists that are only counted and shown."""
    photos = Photo.objects.bulk_create(
        Photo(
            owner=owner,
            original=f"none/{owner.pk}-{number}.jpg",
            original_name=f"IMG_{number:04}.JPG",
            format="JPEG",
            size=1000 + number,
            sha256=f"{owner.pk:032x}{number:032x}",
            crc32=number,
            width=640,
            height=480,
            status=fields.get("status", Photo.Status.LABELLED),
            taken_at=fields.get("taken_at", datetime(2024, 5, 1 + number % 28, 12, tzinfo=UTC)),
        )
        for number in range(count)
    )
    summaries.differences(repair=True)
    return photos


def label(name):
    return Label.objects.get_or_create(key=name.casefold(), defaults={"name": name})[0]


def give_labels(photo, *names, status=PhotoLabel.Status.ACTIVE):
    """Give the photo these labels, counts included, as if a detector had found them."""
    PhotoLabel.objects.bulk_create(
        PhotoLabel(photo=photo, label=label(name), confidence=90, status=status) for name in names
    )
    labelling.count_differences(repair=True)
    summaries.differences(repair=True)
    Photo.objects.filter(pk=photo.pk).update(status=Photo.Status.LABELLED)


def counts(owner):
    """Return {label name: number} as the tag list shows it."""
    return {row.label.name: row.count for row in LabelCount.objects.filter(owner=owner, count__gt=0)}


def held_bundle(owner, selection=None, part_bytes=None):
    """Return a bundle as a worker holds it that has just claimed it; of the whole library by default."""
    return bundles.ask(owner, selection or Selection(everything=True), part_bytes, held_by="a worker")
