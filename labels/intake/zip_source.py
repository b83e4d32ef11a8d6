"""A zip file as a source of photos: looked through before it is read, and opened once in each process."""

import os
import stat
import struct
import tempfile
import zipfile
import zlib
from contextlib import contextmanager
from functools import lru_cache, partial
from lzma import LZMAError

from django.conf import settings
from django.template.defaultfilters import filesizeformat

from labels.intake.checks import CHUNK, Refused, check_size, clean_name

MAX_ENTRIES = 100_000
MAX_BYTES = 1024**4
# Photos hardly compress; drawings in flat colours stored as BMP do, by a factor of 50.
MAX_RATIO = 100
_MAX_DIRECTORY = 64 * 1024 * 1024
_WAY_OUT = "Unpack it and import the folder, or split it."
_UNPACKING = (zipfile.BadZipFile, zlib.error, LZMAError, NotImplementedError, RuntimeError, EOFError)
_HEAD = struct.Struct("<4s20xL3H12x")


def members(path):
    """Return (name, opener) for each file in the zip; raise ValueError, with a sentence, over its limits."""
    try:
        with path.open("rb") as file:
            _check_directory(path, file)
        _archive.cache_clear()
        found = _archive(path, os.getpid()).infolist()
    except UnicodeDecodeError:
        raise ValueError(
            f"{path} holds a name that is said to be UTF-8 and is not. Unpack it and import the folder."
        ) from None
    except zipfile.BadZipFile as error:
        raise ValueError(f"{path} is a damaged zip file: {error}.") from error
    return [
        (member.filename, partial(_open_member, path, member))
        for member in found
        if not member.is_dir() and not stat.S_ISLNK(member.external_attr >> 16)
    ]


def _check_directory(path, file):
    """Count what the zip claims to hold, before ZipFile makes an object of each entry."""
    # ZipFile goes by the same record; a reader of our own could be shown another one.
    end = zipfile._EndRecData(file)
    if not end:
        raise zipfile.BadZipFile("File is not a zip file")
    length, place = end[zipfile._ECD_SIZE], end[zipfile._ECD_LOCATION]
    if length > _MAX_DIRECTORY:
        limit = filesizeformat(_MAX_DIRECTORY)
        raise ValueError(
            f"The list of files in {path} has {filesizeformat(length)}; the limit is {limit}. {_WAY_OUT}"
        )
    if end[zipfile._ECD_SIGNATURE] == zipfile.stringEndArchive64:
        place -= zipfile.sizeEndCentDir64 + zipfile.sizeEndCentDir64Locator
    file.seek(max(0, place - length))
    count, unpacked = _claims(file.read(length))
    size = file.seek(0, 2)
    if count > MAX_ENTRIES:
        raise ValueError(f"{path} has {count:,} entries; the limit is {MAX_ENTRIES:,}. {_WAY_OUT}")
    if unpacked > MAX_BYTES:
        raise ValueError(
            f"{path} would have {filesizeformat(unpacked)} when unpacked; the limit is "
            f"{filesizeformat(MAX_BYTES)}. {_WAY_OUT}"
        )
    if unpacked > MAX_RATIO * size + settings.UPLOAD_MAX_BYTES:
        raise ValueError(
            f"{path} would have {unpacked // size:,} times its size when unpacked; the limit is {MAX_RATIO} "
            "times, which photos never reach."
        )


def _claims(directory):
    """Return how many entries the central directory has, and how many bytes they claim to be unpacked."""
    place, count, unpacked = 0, 0, 0
    while place + _HEAD.size <= len(directory):
        # A size beyond 4 GB stands elsewhere and counts as 4 GB: no photo may be as large.
        signature, size, *lengths = _HEAD.unpack_from(directory, place)
        if signature != zipfile.stringCentralDir:
            break
        place += _HEAD.size + sum(lengths)
        count, unpacked = count + 1, unpacked + size
    return count, unpacked


@lru_cache(maxsize=1)
def _archive(path, pid):
    """Return the open zip; each process has one of its own, because the place in a file is shared."""
    return zipfile.ZipFile(path)


@contextmanager
def _open_member(path, member):
    name = clean_name(member.filename)
    check_size(name, member.file_size)
    with tempfile.SpooledTemporaryFile(2**23, dir=settings.FILE_UPLOAD_TEMP_DIR) as file:
        try:
            with _archive(path, os.getpid()).open(member) as packed:
                while chunk := packed.read(CHUNK):
                    # The size in the directory is only a claim.
                    check_size(name, file.tell() + len(chunk))
                    file.write(chunk)
        except (*_UNPACKING, OSError) as error:
            # bzip2 complains with an OSError that has no number; a full disk has one.
            if isinstance(error, OSError) and error.errno is not None:
                raise
            raise Refused(f"{name} cannot be unpacked: {error}.", "unreadable") from error
        yield file
