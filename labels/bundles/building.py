"""Carry a bundle out: lay its parts out, make their chunks, check them, publish all of them at once."""

import contextlib
import errno
import logging

from django.db import transaction
from django.db.models import Sum
from django.dispatch import Signal
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.text import slugify

from labels.archives import manifest
from labels.archives.parts import split
from labels.bundles import pool
from labels.bundles.archive_store import archives
from labels.bundles.chunks import LeaseLost
from labels.bundles.lifecycle import fail, keep_until, postpone
from labels.bundles.listing import list_photos
from labels.bundles.part_build import PartBuild, chunks_ready
from labels.bundles.part_content import PartContent
from labels.models import Bundle, BundleChunk, BundlePart, Notice
from labels.selection.predicate import Selection
from labels.storage.errors import StorageUnavailable
from photomgr.claim import in_words, new_lease_owner

_log = logging.getLogger(__name__)
_LESS_OR_ROOM = "Choose fewer photos, or ask your administrator to make room."

# Sent with `part_id` of every archive that may be fetched from now on.
archive_ready = Signal()


def build(bundle):
    """Build the leased bundle to its end: ready, partial or failed. Unexpected errors wait for a retry."""
    try:
        list_photos(bundle)
        for part in _parts(bundle):
            PartBuild(bundle, part).run()
        _publish(bundle)
    except LeaseLost:
        return
    except StorageUnavailable as error:
        postpone(bundle, in_words(error), counts=False)
        _log.warning("download %s waits: %s", bundle.pk, error)
    except Exception as error:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            fail(bundle, f"The server's disk ran full. {_LESS_OR_ROOM}", free=True)
        # A bundle that was cancelled lost its files under our hands: no fault, and nothing to retry.
        elif postpone(bundle, in_words(error)):
            raise


def join_build(bundle_id):
    """Make chunks of a bundle that another worker leads, as long as there are any."""
    chunks = BundleChunk.objects.filter(part__bundle_id=bundle_id, part__bundle__status=Bundle.WORKING)
    contents = {}

    def content_of(part):
        edition = part.pk, part.file.name, part.edition
        if not contents:
            # Whoever finds work calls the next, until all that are idle have come.
            chunks_ready.send(sender=Bundle, bundle_id=bundle_id)
        if edition not in contents:
            contents.clear()
            contents[edition] = PartContent(part)
        return contents[edition]

    with contextlib.suppress(LeaseLost):
        pool.make_chunks(chunks, new_lease_owner(), content_of)


def _parts(bundle):
    """Return the bundle's parts, laid out at the first attempt; fail it when there is no room for them."""
    parts = list(bundle.parts.all())
    if parts:
        # A worker that was killed while it laid a part out anew may have left a file of its own.
        archives().keep_only(bundle.pk, {part.file.name for part in parts})
        return parts
    if not Bundle.objects.held(bundle).update(started_at=timezone.now(), photos_done=0, bytes_done=0):
        raise LeaseLost
    archives().clear(bundle.pk)
    free = archives().free_bytes()
    if bundle.planned_bytes > free:
        sizes = filesizeformat(bundle.planned_bytes), filesizeformat(free)
        needed = "The archives need {} and the server has {} free.".format(*sizes)
        fail(bundle, f"{needed} {_LESS_OR_ROOM}", free=True)
        raise LeaseLost
    bundle.photos.exclude(missing_reason="").update(missing_reason="")
    rows = bundle.photos.order_by("position").values_list(named=True).iterator()
    planned = list(split(rows, bundle.part_bytes, manifest.TRAILERS))
    return BundlePart.objects.bulk_create(
        BundlePart(
            bundle=bundle,
            number=number,
            first=part.start,
            stop=part.stop,
            size=part.size,
            file_name=_file_name(bundle, number, len(planned)),
        )
        for number, part in enumerate(planned, start=1)
    )


def _file_name(bundle, number, parts):
    words = slugify(" ".join(Selection.from_json(bundle.selection).included))[:60].strip("-")
    part = f"-part-{number}-of-{parts}" if parts > 1 else ""
    return f"photos-{words + '-' if words else ''}{bundle.created_at:%Y-%m-%d}{part}.zip"


def _publish(bundle):
    """Make all parts, the outcome and the notice visible in one transaction."""
    missing = bundle.photos.exclude(missing_reason="").count()
    if missing == bundle.photo_count:
        fail(bundle, "None of the photos could be read from storage.", free=True)
        return
    now = timezone.now()
    status = Bundle.Status.PARTIAL if missing else Bundle.Status.READY
    with transaction.atomic():
        published = bundle.release(
            status=status,
            photos_done=bundle.photo_count - missing,
            bytes_done=bundle.parts.aggregate(bytes=Sum("size"))["bytes"],
            failure_reason="",
            finished_at=now,
            expires_at=keep_until(now),
        )
        if not published:
            raise LeaseLost
        BundleChunk.objects.filter(part__bundle=bundle).delete()
        Notice.objects.get_or_create(bundle=bundle, outcome=status)
        for part in bundle.parts.all():
            archive_ready.send(sender=BundlePart, part_id=part.pk)
