"""Make one chunk of an archive, and record it so that nobody has to make it again."""

import time

from django.db import transaction
from django.db.models import F

from labels.archives.zip_layout import EntryChanged
from labels.bundles.archive_store import archives
from labels.models import Bundle

RENEWAL_SECONDS = 1


class LeaseLost(Exception):
    """The bundle was cancelled, laid out anew, or is leased by another worker: stop, write nothing more."""


class ChunkLost(LeaseLost):
    """Another worker has the chunk; whoever still leases the bundle goes on with the others."""


def make(chunk, content, on_progress=lambda: None):
    """Write the leased chunk and record it; call `on_progress` about once a second."""

    def renew():
        if not chunk.renew_lease():
            raise ChunkLost
        on_progress()

    try:
        after_block = once_a_second(renew)
        record_outcome(chunk, content, lambda: write(chunk, content, content.open_entry, after_block))
    except Exception:
        # Whoever tries again need not wait until the lease runs out.
        chunk.release()
        raise


def once_a_second(act):
    """Return a function to be called often, which calls `act` when a second has passed since it last did."""
    last = time.monotonic()

    def act_when_due():
        nonlocal last
        if time.monotonic() - last > RENEWAL_SECONDS:
            last = time.monotonic()
            act()

    return act_when_due


def write(chunk, content, open_entry, after_block=lambda: None):
    """Write the bytes of a chunk; return the pieces of photos in it, and the tag that storage gave it."""
    pieces = []

    def blocks():
        for block in content.layout.read(chunk.start, chunk.end, open_entry, pieces.append):
            yield block
            after_block()

    return pieces, archives().write(chunk.part.file.name, chunk, blocks())


def record_outcome(chunk, content, written):
    """Record what `written()`, a call of `write`, returns, or the photo that it found missing or changed."""
    try:
        pieces, tag = written()
    except EntryChanged as changed:
        position = content.positions[changed.index]
        if not chunk.release(changed_position=position, changed_reason=changed.reason):
            raise ChunkLost from None
    except FileNotFoundError:
        # Its file was removed: cancelled, or laid out anew into another one.
        raise LeaseLost from None
    else:
        record(chunk, content, pieces, tag)


@transaction.atomic
def record(chunk, content, pieces, tag):
    sizes = content.layout.sizes
    cut = [piece for piece in pieces if piece.end - piece.start < sizes[piece.entry]]
    photos = sum(content.is_photo(piece.entry) and piece.end == sizes[piece.entry] for piece in pieces)
    # The bundle's row first, as whoever cancels it or lays it out anew locks them.
    counted = Bundle.objects.filter(pk=chunk.part.bundle_id, status=Bundle.Status.BUILDING).update(
        bytes_done=F("bytes_done") + chunk.end - chunk.start,
        photos_done=F("photos_done") + photos,
        # Only attempts without progress count: a large build may outlive many restarts.
        attempts=0,
    )
    if not counted:
        raise LeaseLost
    if not chunk.release(done=True, photos=photos, pieces=cut, tag=tag):
        raise ChunkLost
