"""Whether something can be written to each storage now."""

import shutil
import threading
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db import connections

from labels.storage import is_bucket
from labels.storage.errors import StorageUnavailable
from labels.storage.folder import check_is_there

# Thumbnails share the bucket of the archives.
_LABELS = {"originals": "Photos", "bundles": "Archives and thumbnails"}
checks = {}  # the last or running one of each storage


@dataclass(frozen=True)
class StorageHealth:
    """`error` says why nothing can be written there, or is ""; `free_bytes` is None for a bucket."""

    label: str
    location: str
    error: str
    free_bytes: int | None


def check_storages(fresh=False, wait=5.0):
    """Return the StorageHealth of each storage after writing a small file to it.

    A success of the last 30 seconds is not checked again unless `fresh`: machines ask every few seconds,
    and a bucket charges for each write. Nobody waits more than `wait` seconds for a storage that hangs,
    which botocore does for minutes.
    """
    started = {label: _check(storages[name], fresh) for name, label in _LABELS.items()}
    end = time.monotonic() + wait
    for check in started.values():
        check.join(max(0.0, end - time.monotonic()))
    return [_health(label, check, wait) for label, check in started.items()]


class _Gone:
    """In place of a check: the folder is not there, and writing to it would make another one."""

    def __init__(self, storage, error):
        self.storage, self.error = storage, error

    def join(self, timeout):
        pass

    def is_alive(self):
        return False


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
            self.error = ""
        except OSError as error:
            self.error = error.strerror or type(error).__name__
        finally:
            # An empty folder was compared with the rows.
            connections.close_all()


def _check(storage, fresh):
    """Return the check that is running or cached, else a new one."""
    try:
        check_is_there(storage)
    except StorageUnavailable as error:
        return _Gone(storage, error.strerror)
    check = checks.get(storage)
    is_recent = check and not check.error and time.monotonic() - check.started < 30
    if (check and check.is_alive()) or (is_recent and not fresh):
        return check
    checks[storage] = check = _WriteCheck(storage)
    check.start()
    return check


def _health(label, check, wait):
    error = f"no answer within {wait:g} seconds" if check.is_alive() else check.error
    if is_bucket(check.storage):
        return StorageHealth(label, f"bucket {check.storage.bucket_name}", error, None)
    folder = Path(check.storage.location)
    # The disk on which the folder lies, or will lie.
    existing = next(filter(Path.is_dir, (folder, *folder.parents)))
    return StorageHealth(label, f"folder {folder}", error, shutil.disk_usage(existing).free)
