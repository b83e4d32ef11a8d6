"""Take uploads to disk, and never more of one than the limit allows."""

import errno
import sqlite3
from contextlib import contextmanager

from django.conf import settings
from django.core.files.uploadhandler import TemporaryFileUploadHandler


class LimitedUploadHandler(TemporaryFileUploadHandler):
    """Write every upload to a temporary file; past UPLOAD_MAX_BYTES count the bytes and drop them.

    A connection cut in the middle would tell the person nothing; intake names the true size.
    """

    no_space = False

    def receive_data_chunk(self, raw_data, start):
        if start <= settings.UPLOAD_MAX_BYTES and not self.no_space:
            with self._noting_a_full_disk():
                super().receive_data_chunk(raw_data, start)

    def file_complete(self, file_size):
        # What is buffered is written now.
        with self._noting_a_full_disk():
            self.file.flush()
        upload = self.file if self.no_space else super().file_complete(file_size)
        upload.size, upload.no_space = file_size, self.no_space
        return upload

    @contextmanager
    def _noting_a_full_disk(self):
        try:
            yield
        except OSError as error:
            if not says_full(error):
                raise
            self.no_space = True


def says_full(error):
    """Return whether an error says that there is no room left: on a disk, in a quota, for the database."""
    cause = error.__cause__
    return (
        getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT)
        or getattr(cause, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
        or getattr(cause, "sqlstate", None) == "53100"  # PostgreSQL's disk_full
    )
