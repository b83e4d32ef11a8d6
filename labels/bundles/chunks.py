"""Make one chunk of an archive, and record it so that nobody has to make it again."""

import time

from django.db import transaction
from django.db.models import F

from labels.archives.plan import EntryChanged
from labels.bundles.archive_store import archives
from labels.models import Bundle

# How often a worker says that it still works on its chunk.
BEAT_SECONDS = 1


class NotHeld(Exception):
    """The bundle was cancelled, planned anew, or is held by another worker: stop, write nothing more."""


class ChunkLost(NotHeld):
    """Another worker has the chunk; whoever still holds the bundle goes on with the others."""


def make(chunk, layout, on_beat=lambda: None):
    """Write the held chunk and record it, or record which photo of it is missing or changed.

    Calls `on_beat` about once a second. Raises ChunkLost when the chunk is no longer ours, NotHeld when
    it is no longer wanted.
    """
    pieces = []
    beat = _Beat(chunk, on_beat)
    try:
        content = layout.plan.read(chunk.start, chunk.end, layout.open_entry, pieces.append)
        tag = archives().write(chunk.part.file.name, chunk, beat.over(content))
    except EntryChanged as changed:
        report(chunk, layout.positions[changed.index], changed.reason)
    except FileNotFoundError:
        # Its file was removed: cancelled, or planned anew into another one.
        raise NotHeld from None
    except Exception:
        # Whoever tries again need not wait until the lease runs out.
        chunk.release()
        raise
    else:
        record(chunk, layout, pieces, tag)


class _Beat:
    def __init__(self, chunk, on_beat):
        self._chunk = chunk
        self._on_beat = on_beat
        self._last = time.monotonic()

    def over(self, content):
        for piece in content:
            yield piece
            if time.monotonic() - self._last > BEAT_SECONDS:
                self._last = time.monotonic()
                if not self._chunk.renew_lease():
                    raise ChunkLost
                self._on_beat()


def report(chunk, position, reason):
    """Record which photo of the held chunk is missing or changed."""
    if not chunk.release(changed_position=position, changed_reason=reason):
        raise ChunkLost


@transaction.atomic
def record(chunk, layout, pieces, tag):
    """Record that the held chunk is written."""
    cut = [piece for piece in pieces if piece.end - piece.start < layout.plan.entry_size(piece.index)]
    photos = sum(
        layout.is_photo(piece.index) and piece.end == layout.plan.entry_size(piece.index) for piece in pieces
    )
    # The bundle's row first, as whoever cancels it or plans it anew takes them.
    counted = Bundle.objects.filter(pk=chunk.part.bundle_id, status=Bundle.Status.BUILDING).update(
        bytes_done=F("bytes_done") + chunk.end - chunk.start,
        photos_done=F("photos_done") + photos,
        # Only attempts without progress count: a large build may outlive many restarts.
        attempts=0,
    )
    if not counted:
        raise NotHeld
    if not chunk.release(done=True, photos=photos, pieces=[list(piece) for piece in cut], tag=tag):
        raise ChunkLost
