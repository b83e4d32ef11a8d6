"""Where archives lie: local files, written in place by any number of workers at once.

Object storage has the same four steps as a multipart upload: allocate, write a chunk, take chunks
over into a new plan, remove.
"""

import hashlib
import os
import shutil
import uuid
from pathlib import Path

from labels.models.bundle import bundle_files

_BUFFER = 8 * 1024 * 1024


def allocate(bundle_id, size):
    """Return the key of a new file of `size` bytes; raise OSError (ENOSPC) when the disk can't hold it."""
    key = f"{bundle_id}/{uuid.uuid4().hex}.zip"
    path = _path(key)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with path.open("xb") as file:
        try:
            os.posix_fallocate(file.fileno(), 0, size)
        except OSError:
            path.unlink()
            raise
    return key


def write(key, start, content):
    """Write an iterable of bytes at `start`, into a file that must be there."""
    with _path(key).open("r+b", buffering=0) as file:
        file.seek(start)
        for piece in content:
            file.write(piece)


def take_over(old_key, new_key, size):
    """Copy the first `size` bytes, which both plans share."""
    with _path(old_key).open("rb") as old, _path(new_key).open("r+b") as new:
        left = size
        while left:
            copied = os.sendfile(new.fileno(), old.fileno(), size - left, min(left, 1 << 30))
            if not copied:
                raise OSError(f"{old_key} ended {left} bytes early")
            left -= copied


def free_bytes():
    """Return the free space where archives are written."""
    place = _path("")
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    return shutil.disk_usage(place).free


def remove(key):
    _path(key).unlink(missing_ok=True)


def keep_only(bundle_id, keys):
    """Remove every file of a bundle but these."""
    for path in _path(str(bundle_id)).glob("*"):
        if f"{bundle_id}/{path.name}" not in keys:
            path.unlink()


def clear(bundle_id):
    """Remove every file of a bundle; a worker that still writes to one writes to nowhere."""
    shutil.rmtree(_path(str(bundle_id)), ignore_errors=True)


def sha256(key, on_beat):
    """Return the SHA-256 of a file; call `on_beat` after each of its pieces, about 20 a second."""
    digest = hashlib.sha256()
    with _path(key).open("rb", buffering=0) as file:
        while piece := file.read(_BUFFER):
            digest.update(piece)
            on_beat()
    return digest.hexdigest()


def _path(key):
    return Path(bundle_files().path(key))
