"""Where archives lie: local files, written in place by any number of workers at once."""

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


def chunk_bytes(size):
    return settings.BUNDLE_CHUNK_BYTES


def replace(key, bundle_id, size, kept):
    """Return the key of a new file of `size` bytes; raise OSError (ENOSPC) when the disk can't hold it."""
    new = f"{bundle_id}/{uuid.uuid4().hex}.zip"
    _path(new).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with _path(new).open("xb") as file:
            os.posix_fallocate(file.fileno(), 0, size)
            if kept:
                _copy_beginning(_path(key), file, kept)
    except BaseException:
        remove(new)
        raise
    return new


def _copy_beginning(path, new, size):
    with path.open("rb") as old:
        while size:
            copied = os.sendfile(new.fileno(), old.fileno(), None, min(size, 1 << 30))
            if not copied:
                raise OSError(f"{path} ended {size} bytes early")
            size -= copied


def write(key, chunk, content):
    with _path(key).open("r+b", buffering=0) as file:
        file.seek(chunk.start)
        for piece in content:
            file.write(piece)
    return ""


def is_there(key):
    return _path(key).exists()


def lost(key, tags):
    return []


def finish(key, tags):
    """Do nothing: a file is whole."""


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


def pieces(key):
    with bundle_files().open(key) as file:
        yield from file.chunks(8 * 1024 * 1024)


def address(key):
    return str(_path(key))


def _path(key):
    return Path(bundle_files().path(key))
