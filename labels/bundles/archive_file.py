"""Where an archive is written: a file that people cannot fetch until it is whole."""

import hashlib
import os
import shutil
from contextlib import suppress
from pathlib import Path

from labels.models.bundle import bundle_files

_CHUNK = 1024 * 1024


class ArchiveFile:
    """A draft beside its final place: write, rewind, then publish or discard."""

    def __init__(self, key):
        self.key = key
        self._path = Path(bundle_files().path(key))
        self._draft = self._path.with_name(f"{self._path.name}.partial")
        self._draft.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._file = self._draft.open("wb+")

    def write(self, content):
        self._file.write(content)

    def rewind(self, offset):
        """Forget everything from `offset` on."""
        self._file.seek(offset)
        self._file.truncate()

    def publish(self):
        """Make the archive whole and fetchable; return (bytes, SHA-256 as hex) as read back."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.seek(0)
        digest, size = hashlib.sha256(), 0
        while chunk := self._file.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
        self._file.close()
        self._draft.replace(self._path)
        return size, digest.hexdigest()

    def discard(self):
        # Closing writes what is still buffered, which fails again on a full disk.
        with suppress(OSError):
            self._file.close()
        _remove(self._draft)


def free_bytes():
    """Return the free space where archives are written."""
    place = Path(bundle_files().path(""))
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    return shutil.disk_usage(place).free


def remove_archive(key):
    """Remove one archive that is not to be fetched after all."""
    _remove(Path(bundle_files().path(key)))


def clear(bundle_id):
    """Remove the files of every attempt at the bundle."""
    shutil.rmtree(bundle_files().path(str(bundle_id)), ignore_errors=True)


def _remove(path):
    """Remove a file, and its folder with the last one."""
    path.unlink(missing_ok=True)
    with suppress(OSError):
        path.parent.rmdir()
