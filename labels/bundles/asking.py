"""Ask for a download: the row and the photos it shall hold, in one transaction."""

from datetime import UTC

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from labels.bundles.planning import plan
from labels.models import Bundle, BundlePhoto
from labels.models.claim import lease


class NothingSelected(Exception):
    """The selection holds no photo; nothing is built and no mail is sent."""


def ask(owner, selection, part_bytes=None, held_by=""):
    """Return a queued Bundle of the selection as it is now; raise NothingSelected when it is empty.

    With `held_by` it is born claimed, for a caller who builds it in its own process.
    """
    part_bytes = part_bytes or settings.BUNDLE_PART_BYTES
    with transaction.atomic():
        planned = plan(owner, selection, part_bytes)
        if not planned.photos:
            raise NothingSelected(f"No photos match ({selection.words()}). Choose other labels.")
        bundle = Bundle.objects.create(
            **_claimed(held_by),
            owner=owner,
            selection=selection.as_json(),
            part_bytes=part_bytes,
            photo_count=len(planned.photos),
            planned_bytes=planned.bytes,
        )
        BundlePhoto.objects.bulk_create(
            (
                BundlePhoto(
                    bundle=bundle,
                    position=position,
                    photo_id=photo.photo_id,
                    name=photo.name,
                    storage_key=photo.storage_key,
                    size=photo.size,
                    crc32=photo.crc32,
                    sha256=photo.sha256,
                    modified=photo.modified.replace(tzinfo=UTC),
                    taken_at=photo.taken_at,
                    labels=photo.labels,
                )
                for position, photo in enumerate(planned.photos)
            ),
            batch_size=1000,
        )
    return bundle


def _claimed(holder):
    if not holder:
        return {}
    return {
        "status": Bundle.WORKING,
        "attempts": 1,
        "lease_owner": holder,
        "lease_until": timezone.now() + lease(),
    }
