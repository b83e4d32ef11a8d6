"""A folder that is not there is told from a file that is not there: its disk may not be mounted."""

import os
from contextlib import suppress

from django.core.files.storage import FileSystemStorage
from django.db import DatabaseError

from labels.storage.errors import StorageUnavailable


class OriginalsFolder(FileSystemStorage):
    """Files in a folder which is there, with something in it, as soon as there are photos.

    An empty folder is where a disk would be mounted; writing to it would hide the photos on the disk.
    """

    def _open(self, name, mode="rb"):
        try:
            return super()._open(name, mode)
        except FileNotFoundError:
            check_is_there(self)
            raise

    def _save(self, name, content):
        check_is_there(self)
        return super()._save(name, content)

    def has_anything(self):
        try:
            with os.scandir(self.location) as entries:
                return next(entries, None) is not None
        except FileNotFoundError:
            return False
        except OSError:
            # Whoever reads or writes is told what is wrong with it.
            return True


def check_is_there(storage):
    """Raise StorageUnavailable when there are photos and their folder holds nothing at all."""
    if not isinstance(storage, OriginalsFolder) or storage.has_anything():
        return
    # The model's file field names this storage.
    from labels.models import Photo

    # Without the database nobody knows, and no row can be written either.
    with suppress(DatabaseError):
        if Photo.objects.exists():
            raise StorageUnavailable("FolderMissing")
