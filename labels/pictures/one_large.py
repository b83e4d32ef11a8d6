"""One large picture at a time on each machine, whichever of its processes decodes it."""

import fcntl
from contextlib import contextmanager

from django.conf import settings

_LARGE_BYTES = 128 * 1024 * 1024


@contextmanager
def turn(needed):
    """Wait for the machine's turn when decoding takes as many bytes as only one process should have."""
    if needed <= _LARGE_BYTES:
        yield
        return
    # The lock goes with its file, also when the process is killed.
    with (settings.FILE_UPLOAD_TEMP_DIR / "large-picture.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
