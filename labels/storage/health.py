"""Where photos and archives lie, and whether something can be written there now."""

import shutil
import threading
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

from django.core.files.base import ContentFile
from django.core.files.storage import storages

from labels.storage import is_bucket

# What lies in each storage that is tried; thumbnails share the bucket of the archives.
_TRIED = {"originals": "Photos", "bundles": "Archives and thumbnails"}

# Machines ask every few seconds, anybody may, and a bucket charges for each write: what worked is believed
# for so long. Nobody waits longer for a storage that hangs, which botocore does for minutes.
_BELIEVED_SECONDS, _WAITED_SECONDS = 30.0, 5.0


@dataclass(frozen=True)
class Place:
    """One bucket or folder; `trouble` says why nothing can be written there, `free` is None in a bucket."""

    what: str
    where: str
    trouble: str
    free: int | None


def places(fresh=False, wait=_WAITED_SECONDS):
    """Return the Places of photos and archives, each tried by writing something small.

    One that worked lately is not tried again unless `fresh`; `wait` is in seconds.
    """
    attempts = {name: _attempt(storages[name], fresh) for name in _TRIED}
    end = time.monotonic() + wait
    for attempt in attempts.values():
        attempt.join(max(0.0, end - time.monotonic()))
    return [_place(_TRIED[name], attempt, wait) for name, attempt in attempts.items()]


def forget():
    """Believe nothing that was tried before, for a test that begins anew."""
    _attempts.clear()


class _Attempt(threading.Thread):
    """Write something small and take it away again; a thread, so that it may be left to hang."""

    def __init__(self, storage):
        super().__init__(daemon=True)
        self.storage, self.began, self.trouble = storage, time.monotonic(), "it could not be tried"

    def run(self):
        name = f"readyz-{uuid.uuid4().hex}"
        try:
            self.storage.save(name, ContentFile(b"ok"))
            self.storage.delete(name)
        except OSError as error:
            self.trouble = error.strerror or type(error).__name__
        else:
            self.trouble = ""

    def is_believed(self):
        return not self.trouble and time.monotonic() - self.began < _BELIEVED_SECONDS


_attempts = {}


def _attempt(storage, fresh):
    """Return the attempt that is under way or still believed, else a new one."""
    attempt = _attempts.get(storage)
    if attempt and (attempt.is_alive() or (attempt.is_believed() and not fresh)):
        return attempt
    _attempts[storage] = attempt = _Attempt(storage)
    attempt.start()
    return attempt


def _place(what, attempt, wait):
    storage = attempt.storage
    in_bucket = is_bucket(storage)
    return Place(
        what=what,
        where=f"bucket {storage.bucket_name}" if in_bucket else f"folder {storage.location}",
        trouble=f"no answer within {wait:g} seconds" if attempt.is_alive() else attempt.trouble,
        free=None if in_bucket else _free(Path(storage.location)),
    )


def _free(folder):
    """Return the bytes that are free where the folder lies, or will lie."""
    while not folder.is_dir():
        folder = folder.parent
    return shutil.disk_usage(folder).free
