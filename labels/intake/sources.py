"""Where many photos come from at once: a folder, a zip file, or a bucket."""

import os
import zipfile
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from labels.intake import zip_source
from labels.intake.checks import Refused, check_size, clean_name
from labels.storage.errors import ObjectUnreadable


def find(source, after=""):
    """Return (name, opener) for every file under `source`, in a fixed order, those beyond `after`.

    `opener()` is a context manager of the seekable binary file, or raises Refused. A bucket is listed page by
    page, as an iterator. Raise ValueError, with a sentence, when the source is none of them.
    """
    if str(source).startswith("s3://"):
        return _in_bucket(str(source), after)
    files = _on_disk(source)
    names = [name for name, _ in files]
    if after and after not in names:
        raise ValueError(f"There is no {after!r} in {source} to go on behind.")
    return files[names.index(after) + 1 :] if after else files


def _on_disk(source):
    path = Path(source)
    if path.is_dir():
        return _in_folder(path)
    if path.is_file() and zipfile.is_zipfile(path):
        return _in_zip(path)
    if path.exists():
        raise ValueError(f"{source} is neither a folder nor a zip file.")
    raise ValueError(f"{source} does not exist.")


def _in_bucket(source, after):
    # Taken apart by hand: in a URL a key with "?" or "#" would end there.
    bucket, _, prefix = source.removeprefix("s3://").partition("/")
    if not bucket:
        raise ValueError(f"{source} names no bucket.")
    # Imports boto3.
    from labels.storage.bucket import BucketStorage

    storage = BucketStorage(bucket_name=bucket)
    return (
        (key, partial(_open_object, storage, key, size))
        for key, size, _ in storage.walk(within=prefix, after=after)
        # A key that ends in a slash is how a console draws a folder.
        if not key.endswith("/") and not _is_hidden(key.split("/"))
    )


@contextmanager
def _open_object(storage, key, size):
    name = clean_name(key)
    check_size(name, size)
    try:
        file = storage.open(key)
    except FileNotFoundError as error:
        raise Refused(f"{name} is gone since it was listed.", "unreadable") from error
    except ObjectUnreadable as error:
        raise Refused(f"{name} cannot be read: {error.strerror}.", "unreadable") from error
    with file:
        yield file


def _in_folder(folder):
    return [
        (_readable(path.relative_to(folder)), partial(_open_file, path))
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not _is_hidden(path.relative_to(folder).parts)
    ]


def _readable(path):
    """Return the path as text; bytes that are not UTF-8 are shown as \\xe9."""
    return os.fsencode(path).decode(errors="backslashreplace")


def _is_hidden(parts):
    """Return whether a system put it there and no person: .DS_Store, .thumbnails/, __MACOSX/."""
    return any((part.startswith(".") and part not in (".", "..")) or part == "__MACOSX" for part in parts)


@contextmanager
def _open_file(path):
    if (name := _readable(path.name)) != path.name:
        raise Refused(f"The name of {name} is not UTF-8. Rename it and import it again.", "name_not_utf8")
    try:
        file = path.open("rb")
    except OSError as error:
        raise Refused(f"{path.name} cannot be read: {error.strerror}.", "unreadable") from error
    with file:
        yield file


def _in_zip(path):
    return [
        (name, opener)
        for name, opener in zip_source.members(path)
        if not _is_hidden(name.replace("\\", "/").split("/"))
    ]
