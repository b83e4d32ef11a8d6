"""Bytes -> checked, hashed, deduplicated Photo: the only way a photo is created."""

import zlib
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum

from django.core.files import File
from django.db import IntegrityError, transaction

from labels.intake.checks import Refused, check, clean_name
from labels.models import Photo
from labels.models.photo import originals
from labels.models.photo import renditions as rendition_files
from labels.pictures import renditions
from labels.selection import summaries
from labels.storage.errors import StorageUnavailable


class Outcome(StrEnum):
    IMPORTED = "imported"
    DUPLICATE = "duplicate"
    REFUSED = "refused"


@dataclass(frozen=True)
class IntakeResult:
    """What became of one file. `photo` is None when it was refused, or new in a dry run."""

    name: str
    outcome: Outcome
    photo: Photo | None = None
    reason: str = ""
    code: str = ""
    sha256: str = ""


def add_photo(file, name, owner, dry_run=False, draw=False):
    """Return what became of `file` (seekable, binary); never raise over its content.

    Nothing of a refused or duplicate file stays behind, and a dry run writes nothing at all. With `draw` its
    thumbnail and rendition are there with the photo; otherwise a worker makes them before its labels.
    """
    return commit(store(file, name, owner, dry_run, draw))


def store(file, name, owner, dry_run=False, draw=False, line=Photo.Line.BY_HAND):
    """Check `file` and write its files, without a row; return the IntakeResult it has after commit().

    With `draw` its thumbnail and rendition are made, too. `line` is the one in which it waits for labels.
    """
    try:
        checked = check(file, name, lambda sha256: _existing(owner, sha256), draw)
        photo = checked.photo
        if not checked.known and not dry_run:
            photo.owner, photo.line = owner, line
            _write(file, photo, checked.drawn)
    except Refused as refusal:
        return IntakeResult(clean_name(name), Outcome.REFUSED, reason=refusal.reason, code=refusal.code)
    if checked.known:
        return IntakeResult(photo.original_name, Outcome.DUPLICATE, checked.known, sha256=photo.sha256)
    stored = None if dry_run else photo
    return IntakeResult(photo.original_name, Outcome.IMPORTED, stored, sha256=photo.sha256)


def commit(result):
    """Give a stored photo its row; take its files back when the same bytes came first, or over an error."""
    photo = result.photo
    if result.outcome != Outcome.IMPORTED or photo is None:
        return result
    try:
        with transaction.atomic():
            photo.save()
            summaries.write([photo])
    except BaseException as error:
        take_back(photo)
        # Any other broken constraint than that of the same bytes is a real error.
        if isinstance(error, IntegrityError) and (known := _existing(photo.owner, photo.sha256)):
            return replace(result, outcome=Outcome.DUPLICATE, photo=known)
        raise
    return result


def take_back(photo):
    """Delete the files of a photo that has no row."""
    originals().delete(photo.original.name)
    for file in filter(None, (photo.rendition.name, photo.thumbnail.name)):
        rendition_files().delete(file)


def _existing(owner, sha256):
    same = Photo.objects.filter(owner=owner, sha256=sha256)
    # Of most files there is none, and a query of one column is made in a third of the time.
    return same.first() if same.values_list("pk").order_by() else None


def _write(file, photo, drawn):
    try:
        originals().save(photo.original.name, _Verified(file, photo))
        if drawn:
            # Without its storage the photo is taken all the same; its worker waits, and makes them.
            with suppress(StorageUnavailable):
                renditions.save(photo, drawn)
    except BaseException:
        take_back(photo)
        raise


class _Verified(File):
    """The file as the storage copies it; refuses when it is no longer what was checked.

    A folder that is imported may be written to meanwhile, and archives are planned by size and CRC-32.
    """

    def __init__(self, file, photo):
        super().__init__(file, name=photo.original_name)
        self.photo = photo
        self.seek(0)

    def seek(self, offset, whence=0):
        # A storage reads from the start for its signature and for each try.
        self._size, self._crc32 = 0, 0
        return self.file.seek(offset, whence)

    def read(self, size=-1):
        chunk = self.file.read(size)
        self._size += len(chunk)
        self._crc32 = zlib.crc32(chunk, self._crc32)
        # Before the last bytes are handed out; a shorter file has none left before that.
        is_end = not chunk or self._size >= self.photo.size
        if is_end and (self._size, self._crc32) != (self.photo.size, self.photo.crc32):
            raise Refused(f"{self.photo.original_name} changed while it was read; send it again.", "changed")
        return chunk
