"""Where photos and archives lie, and whether something can be written there now."""

import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path

from django.core.files.base import ContentFile
from django.core.files.storage import storages

from labels.buckets import BucketStorage

# What lies in each storage that is tried; thumbnails share the bucket of the archives.
_TRIED = {"originals": "Photos", "bundles": "Archives and thumbnails"}


@dataclass(frozen=True)
class Place:
    """One bucket or folder; `trouble` says why nothing can be written there, `free` is None in a bucket."""

    what: str
    where: str
    trouble: str
    free: int | None


def places():
    """Return the Places of photos and archives, each tried by writing something small."""
    return [_place(what, storages[name]) for name, what in _TRIED.items()]


def _place(what, storage):
    in_bucket = isinstance(storage, BucketStorage)
    return Place(
        what=what,
        where=f"bucket {storage.bucket}" if in_bucket else f"folder {storage.location}",
        trouble=_trouble(storage),
        free=None if in_bucket else _free(Path(storage.location)),
    )


def _trouble(storage):
    name = f"readyz-{uuid.uuid4().hex}"
    try:
        storage.save(name, ContentFile(b"ok"))
        storage.delete(name)
    except OSError as error:
        return error.strerror or type(error).__name__
    return ""


def _free(folder):
    """Return the bytes that are free where the folder lies, or will lie."""
    while not folder.is_dir():
        folder = folder.parent
    return shutil.disk_usage(folder).free
