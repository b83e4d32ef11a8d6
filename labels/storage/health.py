"""Whether something can be written to each storage now."""

import shutil
import threading
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

from django.core.files.base import ContentFile
from django.core.files.storage import storages

from labels.storage import is_bucket

# Thumbnails share the bucket of the archives.
_LABELS = {"originals": "Photos", "bundles": "Archives and thumbnails"}

# Machines ask every few seconds, and a bucket charges for each write: a success is cached for so long.
# Nobody waits longer than this for a storage that hangs, which botocore does for minutes.
_CACHE_SECONDS, _WAIT_SECONDS = 30.0, 5.0


@dataclass(frozen=True)
class StorageHealth:
    """`error` says why nothing can be written there, or is ""; `free_bytes` is None for a bucket."""

    label: str
    location: str
    error: str
    free_bytes: int | None


def check_storages(fresh=False, wait=_WAIT_SECONDS):
    """Return the StorageHealth of photos and archives, after writing a small file to each.

    A recent success is not checked again unless `fresh`; `wait` is in seconds.
    """
    checks = {name: _check(storages[name], fresh) for name in _LABELS}
    end = time.monotonic() + wait
    for check in checks.values():
        check.join(max(0.0, end - time.monotonic()))
    return [_health(_LABELS[name], check, wait) for name, check in checks.items()]


def clear_cache():
    _checks.clear()


class _WriteCheck(threading.Thread):
    """Write a small file and delete it; a thread, so that one that hangs can be left behind."""

    def __init__(self, storage):
        super().__init__(daemon=True)
        self.storage, self.started, self.error = storage, time.monotonic(), "it could not be tried"

    def run(self):
        name = f"readyz-{uuid.uuid4().hex}"
        try:
            self.storage.save(name, ContentFile(b"ok"))
            self.storage.delete(name)
        except OSError as error:
            self.error = error.strerror or type(error).__name__
        else:
            self.error = ""

    def is_cached(self):
        return not self.error and time.monotonic() - self.started < _CACHE_SECONDS


_checks = {}


def _check(storage, fresh):
    """Return the check that is running or cached, else a new one."""
    check = _checks.get(storage)
    if check and (check.is_alive() or (check.is_cached() and not fresh)):
        return check
    _checks[storage] = check = _WriteCheck(storage)
    check.start()
    return check


def _health(label, check, wait):
    storage = check.storage
    return StorageHealth(
        label=label,
        location=f"bucket {storage.bucket_name}" if is_bucket(storage) else f"folder {storage.location}",
        error=f"no answer within {wait:g} seconds" if check.is_alive() else check.error,
        free_bytes=None if is_bucket(storage) else _free_bytes(Path(storage.location)),
    )


def _free_bytes(folder):
    """Return the free bytes of the disk on which the folder lies, or will lie."""
    while not folder.is_dir():
        folder = folder.parent
    return shutil.disk_usage(folder).free
