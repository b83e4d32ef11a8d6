"""Where archives lie: local files, written in place by any number of workers at once.

`s3_archive` has the same functions for a bucket; `archive_store.archives` chooses.
"""

import hashlib
import os
import shutil
import uuid
from pathlib import Path

from django.conf import settings

from labels.models.bundle import bundle_files

# Chunks in the making at a time in one process: a disk is not waited for.
AT_ONCE = 1
# What a failed download has built already waits for another try.
KEPT_FOR_RETRY = True
_BUFFER = 8 * 1024 * 1024


def chunk_bytes(size):
    return settings.BUNDLE_CHUNK_BYTES


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


def replace(key, bundle_id, size, kept):
    new = allocate(bundle_id, size)
    try:
        if kept:
            _copy_beginning(key, new, kept)
    except BaseException:
        remove(new)
        raise
    return new


def write(key, chunk, content):
    """Write the bytes of a chunk into a file that must be there; return its tag, which files have not."""
    with _path(key).open("r+b", buffering=0) as file:
        file.seek(chunk.start)
        for piece in content:
            file.write(piece)
    return ""


def is_there(key):
    return _path(key).exists()


def lost(key, tags):
    """Return the numbers of the chunks that are no longer as they were written: none, on a disk."""
    return []


def finish(key, tags):
    """Make the archive whole; a file is."""


def _copy_beginning(old_key, new_key, size):
    """Copy the first `size` bytes, which both plans share."""
    with _path(old_key).open("rb") as old, _path(new_key).open("r+b") as new:
        left = size
        while left:
            copied = os.sendfile(new.fileno(), old.fileno(), size - left, min(left, 1 << 30))
            if not copied:
                raise OSError(f"{old_key} ended {left} bytes early")
            left -= copied


def free_bytes():
    place = _path("")
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    return shutil.disk_usage(place).free


def remove(key):
    _path(key).unlink(missing_ok=True)


def keep_only(bundle_id, keys):
    for path in _path(str(bundle_id)).glob("*"):
        if f"{bundle_id}/{path.name}" not in keys:
            path.unlink()


def clear(bundle_id):
    """Remove every file of a bundle; a worker that still writes to one writes to nowhere."""
    shutil.rmtree(_path(str(bundle_id)), ignore_errors=True)


def sha256(key, on_piece):
    """Return the SHA-256 of a file; call `on_piece` after each piece, about 20 a second."""
    digest = hashlib.sha256()
    with _path(key).open("rb", buffering=0) as file:
        while piece := file.read(_BUFFER):
            digest.update(piece)
            on_piece()
    return digest.hexdigest()


def copy_out(key, path):
    shutil.copyfile(_path(key), path)


def address(key):
    return str(_path(key))


def _path(key):
    return Path(bundle_files().path(key))
