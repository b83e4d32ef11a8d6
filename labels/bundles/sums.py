"""The SHA-256 of finished archives, worked out after they may be fetched.

It takes longer than building them (a processor hashes slower than it copies), and whoever checks it has
to fetch the archive first. The photos in it need no waiting: each was compared while it was copied.
"""

import time

from labels.bundles.archive_store import archives
from labels.models import BundlePart

_BEAT_SECONDS = 1


def add_sum(part_id):
    """Work out the SHA-256 of an archive; return quietly when it has one, is gone, or another is at it."""
    if BundlePart.objects.claim_sum(part_id):
        work_out(BundlePart.objects.get(pk=part_id))


def work_out(part):
    """Return the SHA-256 of a finished archive, and keep it with its row; "" when it is no longer kept."""
    if part.sha256:
        return part.sha256
    # The same file: a bundle that is built again gets new ones.
    row = BundlePart.objects.filter(pk=part.pk, file=part.file.name)
    try:
        found = archives().sha256(part.file.name, _Beat(row))
    except FileNotFoundError:
        return ""
    row.release(sha256=found)
    return found


class _Beat:
    """Says about once a second that somebody is at it."""

    def __init__(self, row):
        self._row = row
        self._last = time.monotonic()

    def __call__(self):
        if time.monotonic() - self._last > _BEAT_SECONDS:
            self._last = time.monotonic()
            self._row.renew_lease()
