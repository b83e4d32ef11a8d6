from types import SimpleNamespace

from django.db import transaction

from labels.archives import manifest
from labels.archives.parts import split
from labels.bundles.listing import list_photos
from labels.bundles.request import request_bundle


@transaction.atomic
def planned(owner, selection, part_bytes, new_only=False):
    """Return the photos, parts and bytes of a download as a worker would list and cut them; keep no row."""
    bundle = request_bundle(owner, selection, part_bytes, new_only, lease_owner="a worker")
    list_photos(bundle)
    photos = list(bundle.photos.order_by("position"))
    parts = list(split(photos, part_bytes, manifest.TRAILERS))
    transaction.set_rollback(True)
    return SimpleNamespace(photos=photos, parts=parts, bytes=sum(part.size for part in parts))
