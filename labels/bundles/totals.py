"""How many photos, bytes and archives a download would have: exact, without listing its photos."""

from typing import NamedTuple

from labels.archives import manifest
from labels.archives.format import MAX16, MAX32
from labels.archives.names import safe_name, unique_names
from labels.archives.parts import archive_size
from labels.bundles.snapshot import delivered_ids, take_snapshot
from labels.models import Bundle, Photo

# An archive of no photos.
_EMPTY_BYTES = archive_size(
    len(manifest.TRAILERS),
    sum(len(trailer.name.encode()) for trailer in manifest.TRAILERS),
    sum(trailer.fixed_bytes for trailer in manifest.TRAILERS),
)


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
    """Return the Totals of the download of a selection (a selection.Overview): those of its Snapshot."""
    mask = overview.chosen
    if new_only:
        mask = mask & ~overview.library.with_ids(delivered_ids(overview.owner, overview.selection))
    places = overview.library.in_order(mask)
    sizes = _part_sizes(_weights(overview.library, places), part_bytes)
    if sizes is not None:
        return Totals(len(places), sum(sizes), len(sizes))
    whole = take_snapshot(overview.owner, overview.selection, part_bytes, new_only)
    return Totals(len(whole.photos), whole.bytes, len(whole.parts))


def _weights(library, places):
    """Return the bytes that each photo adds to an archive, in order."""
    added, unknown = library.numbered(places)
    weights = library.bytes[places] + added
    if unknown.any():
        # Imports numpy, which the library of this request has loaded and other processes need not.
        from labels.selection.index import name_bytes

        where = unknown.nonzero()[0]
        ids = library.ids[places[where]].tolist()
        photos = Photo.objects.only("original_name").in_bulk(ids)
        originals = [photos[pk].original_name for pk in ids]
        names = unique_names(originals, reserved=manifest.RESERVED)
        for place, original, name in zip(where, originals, names, strict=True):
            weights[place] += name_bytes(name) - name_bytes(safe_name(original))
    return weights


def _part_sizes(weights, part_bytes):
    """Return the sizes of the archives as `split` would cut them; None where only `split` knows (zip64)."""
    sums = weights.cumsum()
    start, before, sizes = 0, 0, []
    while start < len(weights):
        stop = int(sums.searchsorted(before + part_bytes - _EMPTY_BYTES, side="right"))
        stop = max(stop, start + 1)
        size = int(sums[stop - 1]) - before + _EMPTY_BYTES
        if size >= MAX32 or stop - start + len(manifest.TRAILERS) >= MAX16:
            return None
        sizes.append(size)
        start, before = stop, int(sums[stop - 1])
    return sizes
