"""From a selection to the exact archives: names, sizes, parts. The plan line and the build share it."""

import hashlib
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from labels.archives import manifest
from labels.archives.format import MAX16, MAX32
from labels.archives.names import safe_name, unique_names
from labels.archives.plan import Entry, Part, Trailer, archive_size, split
from labels.models import Bundle, BundlePhoto, Label, Photo, PhotoLabel
from labels.selection import predicate as selections
from labels.selection.index import name_bytes

# Before this installation has built anything.
_FIRST_GUESS_BYTES_PER_SECOND = 100_000_000
_BATCH = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedPhoto(Entry):
    """An entry of the archive and what the manifest says about it."""

    photo_id: int
    storage_key: str
    sha256: str
    taken_at: datetime | None
    labels: str


@dataclass(frozen=True)
class Plan:
    """What a download of a selection will be, byte for byte."""

    photos: list[PlannedPhoto]
    parts: list[Part]

    @property
    def bytes(self):
        return sum(part.size for part in self.parts)

    @property
    def content_sha256(self):
        """Return a hash over all that the manifests say: equal plans make equal archives."""
        digest = hashlib.sha256()
        for photo in self.photos:
            said = (photo.name, photo.sha256, photo.size, str(photo.taken_at), photo.labels)
            digest.update(repr(said).encode())
        return digest.hexdigest()


@dataclass(frozen=True)
class Outline:
    """What the plan line says of a download: the sums of its Plan, without the photos."""

    photos: int
    bytes: int
    parts: int

    @property
    def seconds(self):
        """Return the estimated time to build it, from this installation's own history."""
        return 1 + self.bytes / _bytes_per_second()


def plan(owner, selection, part_bytes, new_only=False):
    """Return the Plan of the owner's selection in archives of at most `part_bytes`, oldest photo first.

    With `new_only` it is without the photos of earlier downloads of the same selection.
    """
    photos = _photos(chosen(owner, selection, new_only))
    return Plan(photos, list(split(photos, part_bytes, TRAILERS)))


def outline(overview, part_bytes, new_only=False):
    """Return the Outline of the download of a selection (a selection.Overview): exact, like its plan."""
    mask = overview.chosen
    if new_only:
        mask = mask & ~overview.library.with_ids(_had(overview.owner, overview.selection))
    places = overview.library.in_order(mask)
    sizes = _cut(_weights(overview.library, places), part_bytes)
    if sizes is not None:
        return Outline(len(places), sum(sizes), len(sizes))
    whole = plan(overview.owner, overview.selection, part_bytes, new_only)
    return Outline(len(whole.photos), whole.bytes, len(whole.parts))


def _weights(library, places):
    """Return the bytes that each photo adds to an archive, in order."""
    added, unknown = library.numbered(places)
    weights = library.bytes[places] + added
    if unknown.any():
        where = np.flatnonzero(unknown)
        ids = library.ids[places[where]].tolist()
        originals = _original_names(ids)
        names = unique_names([originals[pk] for pk in ids], reserved=RESERVED)
        for place, pk, name in zip(where, ids, names, strict=True):
            weights[place] += name_bytes(name) - name_bytes(safe_name(originals[pk]))
    return weights


def _original_names(ids):
    names = {}
    for start in range(0, len(ids), _BATCH):
        batch = Photo.objects.filter(pk__in=ids[start : start + _BATCH])
        names.update(batch.values_list("pk", "original_name"))
    return names


def _cut(weights, part_bytes):
    """Return the sizes of the archives as `split` would cut them; None where only `split` knows (zip64)."""
    sums = np.cumsum(weights)
    start, before, sizes = 0, 0, []
    while start < len(weights):
        stop = int(np.searchsorted(sums, before + part_bytes - _EMPTY_BYTES, side="right"))
        stop = max(stop, start + 1)
        size = int(sums[stop - 1]) - before + _EMPTY_BYTES
        if size >= MAX32 or stop - start + len(TRAILERS) >= MAX16:
            return None
        sizes.append(size)
        start, before = stop, int(sums[stop - 1])
    return sizes


def parts_of(bundle):
    """Return the parts of a bundle that was asked for, from its snapshot."""
    rows = bundle.photos.order_by("position").values_list(
        "name", "size", "crc32", "modified", "sha256", "taken_at", "labels", named=True
    )
    return list(split(rows.iterator(), bundle.part_bytes, TRAILERS))


def manifest_line(photo, missing=""):
    """Return the manifest's line for a PlannedPhoto, or a BundlePhoto, which has the same names."""
    return manifest.line(photo.name, photo.sha256, photo.size, photo.taken_at, photo.labels, missing)


# The files that end every archive, in this order.
TRAILERS = (
    Trailer(
        name=manifest.NAME,
        fixed_bytes=len(manifest.heading()),
        line_bytes=lambda photo: len(manifest_line(photo)),
    ),
    Trailer(
        name=manifest.SUMS_NAME,
        fixed_bytes=0,
        line_bytes=lambda photo: len(manifest.sums_line(photo.name, photo.sha256)),
    ),
)
RESERVED = tuple(trailer.name for trailer in TRAILERS)
# An archive of no photos.
_EMPTY_BYTES = archive_size(
    len(TRAILERS),
    sum(len(trailer.name.encode()) for trailer in TRAILERS),
    sum(trailer.fixed_bytes for trailer in TRAILERS),
)


def chosen(owner, selection, new_only=False):
    """Return the photos that a download of the selection holds, unordered."""
    photos = selections.photos(owner, selection)
    if not new_only:
        return photos
    return photos.exclude(pk__in=_had(owner, selection))


def _had(owner, selection):
    """Return the ids of the photos of earlier downloads of this selection."""
    had = BundlePhoto.objects.filter(
        bundle__owner=owner,
        bundle__selection_key=selection.key(),
        bundle__status__in=Bundle.DELIVERED,
        missing_reason="",
        # NOT IN with a NULL among the values is never true.
        photo__isnull=False,
    )
    return had.values_list("photo_id", flat=True)


def _photos(chosen):
    rows = list(
        chosen.order_by("shown_at", "pk").values_list(
            "pk", "original_name", "original", "size", "crc32", "sha256", "taken_at", "shown_at", named=True
        )
    )
    names = unique_names([row.original_name for row in rows], reserved=RESERVED)
    labels = _labels(chosen)
    return [
        PlannedPhoto(
            name=name,
            size=row.size,
            crc32=row.crc32,
            modified=row.shown_at.replace(tzinfo=None),
            photo_id=row.pk,
            storage_key=row.original,
            sha256=row.sha256,
            taken_at=row.taken_at,
            labels=labels.get(row.pk, ""),
        )
        for row, name in zip(rows, names, strict=True)
    ]


def _labels(chosen):
    """Return {photo id: its labels as the manifest shows them}, the surest label first."""
    visible = PhotoLabel.objects.visible().filter(photo__in=chosen.values("pk"))
    found = defaultdict(list)
    for photo_id, label_id, confidence in visible.values_list("photo_id", "label_id", "confidence"):
        found[photo_id].append((-confidence, label_id))
    # Named and sorted here: with a million rows the database takes three times as long for it. Named last:
    # a label may have been learnt just now.
    names = dict(Label.objects.values_list("pk", "name"))
    return {
        photo_id: manifest.labels_text(
            (name, -minus) for minus, name in sorted((minus, names[label_id]) for minus, label_id in labels)
        )
        for photo_id, labels in found.items()
    }


def _bytes_per_second():
    done = Bundle.objects.filter(finished_at__isnull=False, started_at__isnull=False, bytes_done__gt=0)
    recent = list(done.order_by("-finished_at")[:20])
    seconds = sum((bundle.finished_at - bundle.started_at).total_seconds() for bundle in recent)
    return sum(bundle.bytes_done for bundle in recent) / seconds if seconds else _FIRST_GUESS_BYTES_PER_SECOND
