"""Pictures, people and photos with defaults: no binary fixtures, no library."""

import io
import json
import random
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils import timezone
from PIL import Image

from labels.bundles.request import request_bundle
from labels.intake.add import Outcome, add_photo
from labels.labelling import attempts, decisions
from labels.labelling.record import record as write
from labels.labelling.resolving import resolve
from labels.models import DetectionRun, Heartbeat, Label, LabelCount, Photo, PhotoLabel, Verdict
from labels.rules import versions
from labels.selection import summaries
from labels.selection.predicate import Selection
from labels.workers import heartbeats
from photomgr.claim import lease_duration

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
    result = add_photo(picture(colour, size, **options), name, owner)
    assert result.outcome == Outcome.IMPORTED, result.reason
    return result.photo


def worker_seen(cluster, host=None, pid=1, worker=0, monitor=0, started=60):
    """Make the row of a cluster of a machine, by minutes ago; None: no sign of life yet. Not given: here."""
    now = timezone.now()
    signs = {
        f"{role}_at": None if minutes is None else now - timedelta(minutes=minutes)
        for role, minutes in {"worker": worker, "monitor": monitor, "started": started}.items()
    }
    return Heartbeat.objects.create(cluster=cluster, host=host or heartbeats.host(), pid=pid, **signs)


def ready():
    """Make the rows of an installation whose clusters work and whose sweep runs."""
    for cluster in heartbeats.CLUSTERS:
        worker_seen(cluster)
    heartbeats.swept()


def many_photos(owner, count, **fields):
    """Return `count` labelled photo rows without files, for lists that are only counted and shown."""
    # A library with photos has a folder with something in it.
    (settings.DATA_DIR / "originals" / "none").mkdir(parents=True, exist_ok=True)
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
    """Give the photo these labels, counts included, as if a detector had found them too."""
    confidence = 30 if status == PhotoLabel.Status.SUGGESTED else 90
    known = DetectionRun.objects.filter(content_sha256=photo.sha256, detector="factory").order_by("pk").last()
    found = known.answer["Labels"] if known else []
    labels = [{"Name": name, "Confidence": confidence} for name in names]
    label_as(photo, {"Labels": [*found, *labels]})
    if status in (PhotoLabel.Status.CONFIRMED, PhotoLabel.Status.REJECTED):
        for name in names:
            judge(photo, name, status == PhotoLabel.Status.CONFIRMED)


def label_as(photo, answer, detector="factory", version=None):
    """Label the photo with this answer in DetectLabels' shape, by the rules in force."""
    run = DetectionRun.objects.create(
        photo=photo,
        content_sha256=photo.sha256,
        detector=detector,
        version=version or str(DetectionRun.objects.count()),
        response=json.dumps(answer),
    )
    Photo.objects.filter(pk=photo.pk).update(
        status=Photo.WORKING, lease_owner="factory", lease_until=timezone.now() + lease_duration()
    )
    held = Photo.objects.get(pk=photo.pk)
    rules = versions.in_force()
    assert record(held, rules.decide(held, run), run, rules)
    return run


def record(held, found, run=None, rules=None):
    """Give the held photo these labels, as a worker does; return whether it was still held."""
    found = {held.pk: found}
    with transaction.atomic():
        if not Photo.objects.held(held).lock():
            return False
        wanted = resolve([held], found, rules.rules if rules else ())
        write([held], wanted, {held.pk: run.pk} if run else {})
        return attempts.finish(held, run, rules.version if rules else None)


def judge(photo, name, is_there, confidence=90.0):
    """Say whether the label is there, as its owner."""
    Verdict.objects.update_or_create(
        photo=photo,
        label=label(name),
        defaults={"is_there": is_there, "confidence": confidence, "by": photo.owner, "at": timezone.now()},
    )
    with transaction.atomic():
        decisions.resolve_again([Photo.objects.get(pk=photo.pk)])


def counts(owner):
    """Return {label name: number} as the tag list shows it."""
    return {row.label.name: row.count for row in LabelCount.objects.filter(owner=owner, count__gt=0)}


def held_bundle(owner, selection=None, part_bytes=None, lease_owner="a worker"):
    """Return a bundle as a worker holds it that has just claimed it; of the whole library by default."""
    return request_bundle(owner, selection or Selection(everything=True), part_bytes, lease_owner=lease_owner)
