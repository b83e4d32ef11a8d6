"""The errors of object storage, all OSErrors: FileNotFoundError, ObjectUnreadable, StorageUnavailable."""

import errno
import tomllib
from pathlib import Path

_REASONS = tomllib.loads(Path(__file__).with_name("reasons.toml").read_text())
_REASON_OF = {code: reason for reason, codes in _REASONS.items() for code in codes}
# The answer to a HEAD request has no body: its code is the HTTP status.
MISSING = {"NoSuchKey", "404", "NoSuchUpload"}
DENIED = set(_REASONS["access to the storage is denied"])
# Our own code, where servers answer InvalidArgument.
TOO_MANY_PARTS = "TooManyParts"


class StorageUnavailable(OSError):
    """The storage as a whole cannot be used now; no single object is the cause. `code` is S3's error code."""

    def __init__(self, code):
        self.code = code
        # An OSError without an errno is taken for a picture that cannot be decoded.
        super().__init__(errno.EIO, _REASON_OF.get(code, "the storage does not answer as it should"), code)

    def __reduce__(self):
        # An OSError is made again of its errno, also where another process raised it.
        return type(self), (self.code,)


class ObjectUnreadable(OSError):
    """One object cannot be read although the storage works; `strerror` says why."""

    def __init__(self, reason, key):
        super().__init__(errno.EACCES, reason, key)

    def __reduce__(self):
        return type(self), (self.strerror, self.filename)


class PartsChanged(OSError):
    """The uploaded parts have other ETags than expected: some have to be sent again."""
