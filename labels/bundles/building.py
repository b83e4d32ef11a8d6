"""Carry a bundle out: lay its parts out, make their chunks, check them, publish all of them at once.

One worker holds the bundle and leads; any others may help with chunks. Every finished chunk is
recorded, so a killed build goes on with the missing ones and gives the same bytes.
"""

import contextlib
import errno
import logging
import time

from django.db import transaction
from django.db.models import F, Sum
from django.dispatch import Signal
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.text import slugify

from labels.archives.plan import Piece
from labels.bundles import pool
from labels.bundles.archive_store import archives
from labels.bundles.chunks import ChunkLost, NotHeld
from labels.bundles.lifecycle import fail, keep_until, postpone
from labels.bundles.part_layout import Layout
from labels.bundles.planning import parts_of
from labels.models import Bundle, BundleChunk, BundlePart, Notice
from labels.selection.predicate import Selection
from labels.storage.errors import PartsChanged, StorageUnavailable
from photomgr.claim import in_words, new_lease_owner

_log = logging.getLogger(__name__)
_WAIT_SECONDS = 0.1
_LESS_OR_ROOM = "Choose fewer photos, or ask your administrator to make room."

# Sent with `bundle_id` when there are chunks that other workers could make.
chunks_ready = Signal()
# Sent with `part_id` of every archive that may be fetched from now on.
archive_ready = Signal()


class NoSpace(Exception):
    """The archives would not fit on the disk."""


def build(bundle):
    """Build the held bundle to its end: ready, partial or failed. Unexpected errors wait for another try."""
    try:
        _carry_out(bundle)
    except NotHeld:
        return
    except NoSpace as error:
        fail(bundle, str(error), free=True)
    except StorageUnavailable as error:
        # The storage as a whole is away and nobody's fault: the download waits until it is back.
        postpone(bundle, in_words(error), counts=False)
        _log.warning("download %s waits: %s", bundle.pk, error)
    except Exception as error:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            fail(bundle, f"The server's disk ran full. {_LESS_OR_ROOM}", free=True)
        # A bundle that was cancelled lost its files under our hands: no fault, and nobody's turn.
        elif postpone(bundle, in_words(error)):
            raise


def join_build(bundle_id):
    """Make chunks of a bundle that another worker leads, as long as there are any.

    Whoever finds work calls the next: so all that are idle come, and nobody has to know how many they are.
    """
    building = BundleChunk.objects.filter(
        part__bundle_id=bundle_id, part__bundle__status=Bundle.Status.BUILDING
    )
    layouts = {}

    def layout_of(part):
        plan = part.pk, part.file.name, part.edition
        if not layouts:
            chunks_ready.send(sender=Bundle, bundle_id=bundle_id)
        if plan not in layouts:
            layouts.clear()
            layouts[plan] = Layout(part)
        return layouts[plan]

    with contextlib.suppress(NotHeld):
        pool.make_chunks(building, new_lease_owner(), layout_of)


def _carry_out(bundle):
    parts = _parts(bundle)
    for part in parts:
        _PartBuild(bundle, part).run()
    _publish(bundle)


def _parts(bundle):
    """Return the bundle's parts, laid out at the first attempt."""
    parts = list(bundle.parts.all())
    if parts:
        # A worker that was killed while it planned anew may have left a file of its own.
        archives().keep_only(bundle.pk, {part.file.name for part in parts})
        return parts
    if not Bundle.objects.held(bundle).update(started_at=timezone.now(), photos_done=0, bytes_done=0):
        raise NotHeld
    archives().clear(bundle.pk)
    _check_space(bundle)
    bundle.photos.exclude(missing_reason="").update(missing_reason="")
    planned = parts_of(bundle)
    with transaction.atomic():
        return [
            BundlePart.objects.create(
                bundle=bundle,
                number=number,
                first=part.start,
                stop=part.stop,
                size=part.size,
                file_name=_file_name(bundle, number, len(planned)),
            )
            for number, part in enumerate(planned, start=1)
        ]


class _PartBuild:
    """One archive, from its rows to its last byte."""

    def __init__(self, bundle, part):
        self.bundle = bundle
        self.part = part

    def run(self):
        try:
            self._lay_out()
            if self.part.chunks.filter(done=False).count() > 1:
                chunks_ready.send(sender=Bundle, bundle_id=self.bundle.pk)
            self._make_chunks()
            while self._leave_out_changed() or not self._finish():
                self._make_chunks()
        except FileNotFoundError:
            # It was taken away under our hands: cancelled, or planned anew by another worker.
            raise NotHeld from None

    def _lay_out(self):
        """Load the layout, and begin anew when the chunks on record are not those of it."""
        self.layout = Layout(self.part)
        size, key = self.layout.plan.size, self.part.file.name
        # They are others, too, when BUNDLE_CHUNK_BYTES was changed while a build waited.
        known = list(self.part.chunks.order_by("number").values_list("start", "end"))
        if not key or known != _bounds(size) or not archives().is_there(key):
            self.part.chunks.all().delete()
            self._use_new_file(kept=0)

    def _make_chunks(self):
        """Make and await chunks until all are done, or a photo is reported changed."""
        free = self.part.chunks.all()
        while True:
            # Who was held up for longer than the lease may have lost a chunk, and still hold the bundle.
            with contextlib.suppress(ChunkLost):
                pool.make_chunks(
                    free, self.bundle.lease_owner, lambda part: self.layout, self._keep_hold, self._has_change
                )
            self._keep_hold()
            if not self.part.chunks.filter(done=False).exists() or self._has_change():
                return
            # The rest is in the hands of others; one that dies loses its lease.
            time.sleep(_WAIT_SECONDS)

    def _has_change(self):
        return self.part.chunks.exclude(changed_position=None).exists()

    def _finish(self):
        """Make the archive whole; return False when chunks of it got lost, which are to be made again."""
        tags = list(self.part.chunks.order_by("number").values_list("tag", flat=True))
        lost = archives().lost(self.part.file.name, tags)
        if not lost:
            self._keep_hold()
            with contextlib.suppress(PartsChanged):
                archives().finish(self.part.file.name, tags)
                return True
        self.part.chunks.filter(number__in=lost).update(done=False, tag="", pieces=[], photos=0)
        self._recount()
        return False

    def _leave_out_changed(self):
        """Plan anew without the photos found missing or changed; return whether there were any."""
        changed = dict(
            self.part.chunks.exclude(changed_position=None).values_list("changed_position", "changed_reason")
        )
        changed.update(self._changed_across_chunks())
        if not changed:
            return False
        offsets = [
            self.layout.plan.header_offset(self.layout.positions.index(position)) for position in changed
        ]
        # Bytes before the first of them do not depend on it.
        kept = min(offsets) // archives().chunk_bytes(self.layout.plan.size)
        with transaction.atomic():
            self._keep_hold()
            for position, reason in changed.items():
                self.bundle.photos.filter(position=position).update(missing_reason=reason)
            # Chunks in the making are thrown away: their workers write to the old file.
            self.part.chunks.exclude(done=True, number__lt=kept).delete()
        before, self.layout = self.layout, Layout(self.part)
        if archives().chunk_bytes(before.plan.size) != archives().chunk_bytes(self.layout.plan.size):
            # Of an archive near S3's limit of parts.
            self.part.chunks.all().delete()
            kept = 0
        self._use_new_file(kept)
        return True

    def _changed_across_chunks(self):
        """Return {position: reason} of photos whose pieces do not add up to the CRC-32 on record."""
        if self.part.chunks.filter(done=False).exists():
            return {}
        rows = self.part.chunks.exclude(pieces=[]).values_list("pieces", flat=True)
        pieces = [Piece(*piece) for row in rows for piece in row]
        changed = self.layout.plan.changed_entries(pieces)
        return {self.layout.positions[index]: "the content differs (CRC-32)" for index in changed}

    def _use_new_file(self, kept):
        """Move to a new file with the first `kept` chunks of the old one, and record what is to be made."""
        old, size = self.part.file.name, self.layout.plan.size
        new = archives().replace(old, self.bundle.pk, size, kept * archives().chunk_bytes(size))
        try:
            self._record_file(new, size)
        except BaseException:
            if new != old:
                archives().remove(new)
            raise
        if old and new != old:
            archives().remove(old)

    @transaction.atomic
    def _record_file(self, key, size):
        self._keep_hold()
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

    def _keep_hold(self):
        if not self.bundle.renew_lease():
            raise NotHeld


def _publish(bundle):
    """Make all parts, the outcome and the notice visible in one transaction."""
    missing = bundle.photos.exclude(missing_reason="").count()
    if missing == bundle.photo_count:
        fail(bundle, "None of the photos could be read from storage.", free=True)
        return
    now = timezone.now()
    status = Bundle.Status.PARTIAL if missing else Bundle.Status.READY
    with transaction.atomic():
        held = bundle.release(
            status=status,
            photos_done=bundle.photo_count - missing,
            bytes_done=bundle.parts.aggregate(bytes=Sum("size"))["bytes"],
            failure_reason="",
            finished_at=now,
            expires_at=keep_until(now),
        )
        if not held:
            raise NotHeld
        BundleChunk.objects.filter(part__bundle=bundle).delete()
        Notice.objects.get_or_create(bundle=bundle, outcome=status)
        for part in bundle.parts.all():
            archive_ready.send(sender=BundlePart, part_id=part.pk)


def _bounds(size):
    """Return the (start, end) of each chunk of an archive of `size` bytes."""
    step = archives().chunk_bytes(size)
    return [(start, min(start + step, size)) for start in range(0, size, step)]


def _file_name(bundle, number, parts):
    """Return what the browser saves it as: "photos-mountain-lake-2026-11-21.zip"."""
    words = slugify(" ".join(Selection.from_json(bundle.selection).included))[:60].strip("-")
    part = f"-part-{number}-of-{parts}" if parts > 1 else ""
    return f"photos-{words + '-' if words else ''}{bundle.created_at:%Y-%m-%d}{part}.zip"


def _check_space(bundle):
    free = archives().free_bytes()
    if bundle.planned_bytes > free:
        raise NoSpace(
            f"The archives need {filesizeformat(bundle.planned_bytes)} and the server has "
            f"{filesizeformat(free)} free. {_LESS_OR_ROOM}"
        )
