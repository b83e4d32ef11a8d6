"""Rows against files, both ways."""

from dataclasses import dataclass
from datetime import timedelta

from django.core.files.storage import storages
from django.utils import timezone

from labels import labelling, queue
from labels.intake.checks import digest
from labels.models import BundlePart, Photo

MISSING, CHANGED, ORPHAN = "missing", "changed", "orphan"
# A file this young may belong to an upload or a build whose row is not written yet.
_GRACE = timedelta(hours=1)


@dataclass(frozen=True)
class Finding:
    kind: str
    storage: str
    key: str
    detail: str = ""
    photo_id: int | None = None


def find(checksums=False):
    """Yield what is missing, changed or left over; with `checksums` every original is read."""
    yield from _originals(checksums)
    yield from _renditions()
    yield from _orphans("bundles", set(BundlePart.objects.values_list("file", flat=True)))


def repair(finding):
    """Mend one finding. What a person sent is never removed: a photo that lost its original says so."""
    if finding.kind == ORPHAN:
        storages[finding.storage].delete(finding.key)
    elif finding.storage == "renditions":
        Photo.objects.filter(pk=finding.photo_id).update(thumbnail="", rendition="")
        for pk in labelling.label_again(Photo.objects.filter(pk=finding.photo_id)):
            queue.label_photo(pk)
    else:
        Photo.objects.filter(pk=finding.photo_id).update(
            status=Photo.Status.FAILED,
            failure_code=f"original_{finding.kind}",
            failure_reason=f"The original is {finding.kind} in storage. {finding.detail}".strip(),
        )


def _originals(checksums):
    storage, keys = storages["originals"], set()
    for photo in Photo.objects.only("original", "size", "sha256").iterator():
        key = photo.original.name
        keys.add(key)
        if not storage.exists(key):
            yield Finding(MISSING, "originals", key, photo_id=photo.pk)
        elif detail := _difference(storage, photo, checksums):
            yield Finding(CHANGED, "originals", key, detail, photo.pk)
    yield from _orphans("originals", keys)


def _difference(storage, photo, checksums):
    size = storage.size(photo.original.name)
    if size != photo.size:
        return f"{size} bytes, {photo.size} expected"
    if checksums:
        with storage.open(photo.original.name, "rb") as file:
            if digest(file)[0] != photo.sha256:
                return "SHA-256 differs"
    return ""


def _renditions():
    storage, keys = storages["renditions"], set()
    for photo in Photo.objects.only("thumbnail", "rendition").iterator():
        mine = [file.name for file in (photo.thumbnail, photo.rendition) if file]
        keys.update(mine)
        lost = [key for key in mine if not storage.exists(key)]
        if lost:
            yield Finding(MISSING, "renditions", lost[0], photo_id=photo.pk)
    yield from _orphans("renditions", keys)


def _orphans(name, known):
    storage, oldest = storages[name], timezone.now() - _GRACE
    for key in _walk(storage, ""):
        if key not in known and storage.get_modified_time(key) < oldest:
            yield Finding(ORPHAN, name, key, f"{storage.size(key)} bytes")


def _walk(storage, folder):
    if folder == "" and not storage.exists(""):
        return
    folders, files = storage.listdir(folder)
    for file in sorted(files):
        yield f"{folder}/{file}" if folder else file
    for inner in sorted(folders):
        yield from _walk(storage, f"{folder}/{inner}" if folder else inner)
