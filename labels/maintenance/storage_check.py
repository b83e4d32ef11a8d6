"""Rows against files, both ways."""

from dataclasses import dataclass
from datetime import timedelta

from django.core.files.storage import storages
from django.utils import timezone

from labels.intake.checks import digest
from labels.labelling import attempts
from labels.models import BundlePart, Photo
from labels.storage import is_bucket
from labels.storage.errors import ObjectUnreadable, StorageUnavailable
from labels.storage.folder import check_is_there
from labels.workers import queue

MISSING, CHANGED, ORPHAN, STALE = "missing", "changed", "orphan", "stale upload"
# A file this young may belong to an upload or a build whose row is not written yet.
_GRACE = timedelta(hours=1)


@dataclass(frozen=True)
class Finding:
    kind: str
    storage: str
    key: str
    detail: str = ""
    photo_id: int | None = None


@dataclass(eq=False)
class Stopped(Exception):
    """The storage went away in the middle; `after` is where to go on."""

    after: str
    reason: str


def find(checksums=False, after=""):
    """Yield what is missing, changed or left over; with `checksums` every original is read.

    Goes folder by folder (keys begin with two random digits), so that it needs the memory of one, and
    begins behind the folder `after` ("originals/3f"). Raises Stopped when the storage goes away.
    """
    place = after
    try:
        check_is_there(storages["originals"])
        for name, known in (("bundles", _bundles), ("originals", _originals), ("renditions", _renditions)):
            for folder in _folders(storages[name], known):
                if f"{name}/{folder}" > after:
                    yield from _compare(name, folder, known, checksums)
                    place = f"{name}/{folder}"
        yield from _stale_uploads()
    except StorageUnavailable as error:
        raise Stopped(place, error.strerror) from error


def repair(finding):
    """Mend one finding. What a person sent is never removed: a photo that lost its original says so."""
    if finding.kind == STALE:
        # Imports boto3.
        from labels.storage import multipart

        multipart.abort(storages[finding.storage], finding.key)
    elif finding.kind == ORPHAN:
        storages[finding.storage].delete(finding.key)
    elif finding.storage == "renditions":
        Photo.objects.filter(pk=finding.photo_id).update(thumbnail="", rendition="")
        for pk in attempts.label_again(Photo.objects.filter(pk=finding.photo_id)):
            queue.enqueue_after_commit("label_next_photo", pk)
    else:
        Photo.objects.filter(pk=finding.photo_id).update(
            status=Photo.Status.FAILED,
            failure_code=f"original_{finding.kind}",
            failure_reason=f"The original is {finding.kind} in storage. {finding.detail}".strip(),
        )


def _originals(within):
    """Yield (key, photo id, size, SHA-256) of the rows."""
    rows = Photo.objects.filter(**within("original"))
    return rows.values_list("original", "pk", "size", "sha256").iterator()


def _renditions(within):
    for field in ("thumbnail", "rendition"):
        for key, pk in Photo.objects.filter(**within(field)).values_list(field, "pk").iterator():
            yield key, pk, None, ""


def _bundles(within):
    # An archive in the making is no file yet, and one that is lost is asked for again.
    for key in BundlePart.objects.filter(**within("file")).values_list("file", flat=True).iterator():
        yield key, None, None, ""


def _folders(storage, known):
    """Return the top folders in which there are files, or rows say so; "" is none."""
    in_rows = {
        key.rpartition("/")[0].partition("/")[0] for key, *_ in known(lambda field: {f"{field}__gt": ""})
    }
    in_storage = storage.listdir("")[0] if storage.exists("") or is_bucket(storage) else []
    return sorted({"", *in_rows, *in_storage})


def _compare(name, folder, known, checksums):
    storage, oldest = storages[name], timezone.now() - _GRACE
    # The rows first: what is stored meanwhile is too young to be called left over.
    rows = {
        key: row for key, *row in known(lambda field: _in_folder(field, folder)) if "/" in key or not folder
    }
    for key, size, modified in _files(storage, folder):
        row = rows.pop(key, None)
        if row is None:
            if modified < oldest:
                yield Finding(ORPHAN, name, key, f"{size} bytes")
        elif detail := _difference(storage, key, size, row, checksums):
            yield Finding(CHANGED, name, key, detail, row[0])
    for key, (pk, *_) in sorted(rows.items()):
        if pk is not None:
            yield Finding(MISSING, name, key, photo_id=pk)


def _in_folder(field, folder):
    # From "3f/" up to "3f0", the character behind the slash.
    return {f"{field}__gte": f"{folder}/", f"{field}__lt": f"{folder}0"} if folder else {f"{field}__in": ()}


def _difference(storage, key, size, row, checksums):
    _, expected, sha256 = row
    if expected is None:
        return ""
    if size != expected:
        return f"{size} bytes, {expected} expected"
    if checksums:
        try:
            with storage.open(key, "rb") as file:
                return "" if digest(file)[0] == sha256 else "SHA-256 differs"
        except ObjectUnreadable as error:
            return error.strerror
    return ""


def _files(storage, folder):
    """Yield (key, size, modified) of the files in a top folder and below, or of those in none."""
    if is_bucket(storage) and folder:
        yield from storage.walk(within=f"{folder}/")
        return
    if not is_bucket(storage) and not storage.exists(folder):
        return
    folders, files = storage.listdir(folder)
    for file in sorted(files):
        key = f"{folder}/{file}" if folder else file
        yield key, storage.size(key), storage.get_modified_time(key)
    for inner in sorted(folders) if folder else ():
        yield from _files(storage, f"{folder}/{inner}")


def _stale_uploads():
    """Yield the unfinished uploads of archives that nobody builds: they are paid for and never seen."""
    storage, oldest = storages["bundles"], timezone.now() - _GRACE
    if not is_bucket(storage):
        return
    from labels.storage import multipart

    for key, _, begun in multipart.list_uploads(storage):
        if begun < oldest and not BundlePart.objects.filter(file=key).exists():
            yield Finding(STALE, "bundles", key, f"an upload begun {begun:%Y-%m-%d %H:%M} UTC, not finished")
