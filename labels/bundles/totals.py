"""How many photos, bytes and archives a download would have: exact, without listing its photos.

numpy is imported where it is used: it is loaded with the library, and other processes need it not.
"""

from typing import NamedTuple

from labels.archives import manifest
from labels.archives.names import safe_name, unique_names
from labels.models import Bundle, Photo
from labels.selection.facts import name_bytes


class Totals(NamedTuple):
    photos: int
    bytes: int
    parts: int

    @property
    def seconds(self):
        """Return the estimated time to build it, from this installation's own history."""
        done = Bundle.objects.filter(finished_at__isnull=False, started_at__isnull=False, bytes_done__gt=0)
        recent = list(done.order_by("-finished_at")[:20])
        took = sum((bundle.finished_at - bundle.started_at).total_seconds() for bundle in recent)
        built = sum(bundle.bytes_done for bundle in recent)
        return 1 + self.bytes / (built / took if took else 100_000_000)


def totals(overview, part_bytes, new_only=False):
    """Return the Totals of the download of a selection (a selection.Overview)."""
    from labels.bundles.part_sizes import PartSizes

    slots = chosen_slots(overview, new_only)
    sizes = PartSizes(*_weights(overview.library, slots)).of_at_most(part_bytes)
    return Totals(len(slots), sum(sizes), len(sizes))


def chosen_slots(overview, new_only):
    """Return the slots of the photos that a download of the selection holds, in the order of its archives."""
    if not new_only:
        return overview.slots
    old = overview.library.with_ids(_delivered_ids(overview.owner, overview.selection))
    return overview.library.in_order(overview.chosen - old)


def _delivered_ids(owner, selection):
    """Return the ids of the photos that earlier downloads of the selection brought."""
    import numpy as np

    earlier = Bundle.objects.filter(
        owner=owner, selection_key=selection.key(), status__in=Bundle.DELIVERED
    ).select_related("content")
    delivered = [np.zeros(0, np.int64)]
    for bundle in earlier:
        missing = bundle.photos.exclude(missing_reason="").filter(photo__isnull=False)
        ids = np.asarray(bundle.content.ids)
        delivered.append(np.setdiff1d(ids, list(missing.values_list("photo_id", flat=True))))
    return np.concatenate(delivered)


def _weights(library, slots):
    """Return the arguments of PartSizes."""
    photos = library.facts
    added, unknown = library.numbered(slots)
    # The number stands in both headers, in the manifest and in the sums.
    weights = photos.archive_bytes[slots] + 4 * added
    names = {}
    if len(unknown):
        odd = slots[unknown]
        for place, slot, (name, more) in zip(
            unknown, odd, _named(photos.photo_id[odd].tolist()), strict=True
        ):
            weights[place] = photos.archive_bytes[slot] + more
            names[place] = len(name.encode())

    def columns():
        sizes = photos.name_bytes[slots] + added
        sizes[list(names)] = list(names.values())
        return sizes, photos.size[slots]

    return weights, columns


def _named(photo_ids):
    """Return [(name, bytes it adds to the original one)] of photos that archives.names must number."""
    photos = Photo.objects.only("original_name").in_bulk(photo_ids)
    originals = [photos[pk].original_name for pk in photo_ids]
    return [
        (name, name_bytes(name) - name_bytes(safe_name(original)))
        for original, name in zip(originals, unique_names(originals, manifest.RESERVED), strict=True)
    ]
