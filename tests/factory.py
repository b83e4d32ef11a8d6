"""Pictures, people and photos with defaults: no binary fixtures, no library."""

import io
from datetime import UTC, datetime

from django.contrib.auth import get_user_model
from PIL import Image

from labels import intake
from labels.models import Photo

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
    return Photo.objects.bulk_create(
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
