"""Build one archive, from its rows to its last byte."""

import contextlib
import time

from django.db import transaction
from django.db.models import F, Sum
from django.dispatch import Signal

from labels.archives.zip_layout import Piece
from labels.bundles import pool
from labels.bundles.archive_store import archives
from labels.bundles.chunks import ChunkLost, LeaseLost
from labels.bundles.part_content import PartContent
from labels.models import Bundle, BundleChunk
from labels.storage.errors import PartsChanged

# Sent with `bundle_id` when there are chunks that other workers could make.
chunks_ready = Signal()


class PartBuild:
    def __init__(self, bundle, part):
        self.bundle = bundle
        self.part = part

    def run(self):
        try:
            self._prepare()
            if self.part.chunks.filter(done=False).count() > 1:
                chunks_ready.send(sender=Bundle, bundle_id=self.bundle.pk)
            self._make_chunks()
            while self._leave_out_changed() or not self._finish():
                self._make_chunks()
        except FileNotFoundError:
            # It was taken away under our hands: cancelled, or laid out anew by another worker.
            raise LeaseLost from None

    def _prepare(self):
        """Load the content, and begin anew when the chunks on record are not those of it."""
        self.content = PartContent(self.part)
        size, key = self.content.layout.size, self.part.file.name
        # They are others, too, when BUNDLE_CHUNK_BYTES was changed while a build waited.
        known = list(self.part.chunks.order_by("number").values_list("start", "end"))
        if not key or known != _bounds(size) or not archives().is_there(key):
            self.part.chunks.all().delete()
            self._use_new_file(kept=0)

    def _make_chunks(self):
        """Make and await chunks until all are done, or a photo is reported changed."""
        work = self.part.chunks.all(), self.bundle.lease_owner, lambda part: self.content
        while True:
            # Who was held up for longer than the lease may have lost a chunk, and still lease the bundle.
            with contextlib.suppress(ChunkLost):
                pool.make_chunks(*work, self._renew_lease, self._has_change)
            self._renew_lease()
            if not self.part.chunks.filter(done=False).exists() or self._has_change():
                return
            # The rest is in the hands of others; one that dies loses its lease.
            time.sleep(0.1)

    def _has_change(self):
        return self.part.chunks.exclude(changed_position=None).exists()

    def _finish(self):
        """Make the archive whole; return False when chunks got lost, which are to be made again."""
        tags = list(self.part.chunks.order_by("number").values_list("tag", flat=True))
        lost = archives().lost(self.part.file.name, tags)
        if not lost:
            self._renew_lease()
            with contextlib.suppress(PartsChanged):
                archives().finish(self.part.file.name, tags)
                return True
        self.part.chunks.filter(number__in=lost).update(done=False, tag="", pieces=[], photos=0)
        self._recount()
        return False

    def _leave_out_changed(self):
        """Lay the part out anew without photos found missing or changed; return whether there were any."""
        reported = self.part.chunks.exclude(changed_position=None)
        changed = dict(reported.values_list("changed_position", "changed_reason"))
        changed |= self._changed_across_chunks()
        if not changed:
            return False
        before = self.content
        # Bytes before the first of them do not depend on it.
        first = min(before.layout.header_offset(before.positions.index(position)) for position in changed)
        kept = first // archives().chunk_bytes(before.layout.size)
        with transaction.atomic():
            self._renew_lease()
            for position, reason in changed.items():
                self.bundle.photos.filter(position=position).update(missing_reason=reason)
            # Chunks in the making are thrown away: their workers write to the old file.
            self.part.chunks.exclude(done=True, number__lt=kept).delete()
        self.content = PartContent(self.part)
        if archives().chunk_bytes(before.layout.size) != archives().chunk_bytes(self.content.layout.size):
            # Of an archive near S3's limit of parts.
            self.part.chunks.all().delete()
            kept = 0
        self._use_new_file(kept)
        return True

    def _changed_across_chunks(self):
        if self.part.chunks.filter(done=False).exists():
            return {}
        rows = self.part.chunks.exclude(pieces=[]).values_list("pieces", flat=True)
        pieces = [Piece(*piece) for row in rows for piece in row]
        changed = self.content.layout.changed_entries(pieces)
        return {self.content.positions[index]: "the content differs (CRC-32)" for index in changed}

    def _use_new_file(self, kept):
        """Move to a new file with the first `kept` chunks of the old one, and record what is to be made."""
        old, size = self.part.file.name, self.content.layout.size
        new = archives().replace(old, self.bundle.pk, size, kept * archives().chunk_bytes(size))
        unused = new
        try:
            self._record_file(new, size)
            unused = old
        finally:
            if unused and new != old:
                archives().remove(unused)

    @transaction.atomic
    def _record_file(self, key, size):
        self._renew_lease()
        done = set(self.part.chunks.values_list("number", flat=True))
        BundleChunk.objects.bulk_create(
            BundleChunk(part=self.part, number=number, start=start, end=end)
            for number, (start, end) in enumerate(_bounds(size))
            if number not in done
        )
        self.part.file, self.part.size = key, size
        self.part.edition += 1
        self.part.save(update_fields=["file", "size", "edition"])
        self._recount()

    def _recount(self):
        made = BundleChunk.objects.filter(part__bundle=self.bundle, done=True)
        sums = made.aggregate(bytes=Sum(F("end") - F("start"), default=0), photos=Sum("photos", default=0))
        Bundle.objects.held(self.bundle).update(bytes_done=sums["bytes"], photos_done=sums["photos"])

    def _renew_lease(self):
        if not self.bundle.renew_lease():
            raise LeaseLost


def _bounds(size):
    step = archives().chunk_bytes(size)
    return [(start, min(start + step, size)) for start in range(0, size, step)]
