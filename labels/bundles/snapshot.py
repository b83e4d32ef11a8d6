"""What a download of a selection holds: its photos with their names in the archive, cut into parts."""

import hashlib
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from labels.archives import manifest
from labels.archives.names import unique_names
from labels.archives.parts import Part, split
from labels.archives.zip_layout import Entry
from labels.models import Bundle, BundlePhoto, Label, PhotoLabel
from labels.selection import predicate


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotPhoto(Entry):
    photo_id: int
    storage_key: str
    sha256: str
    taken_at: datetime | None
    labels: str


@dataclass(frozen=True)
class Snapshot:
    photos: list[SnapshotPhoto]
    parts: list[Part]

    @property
    def bytes(self):
        return sum(part.size for part in self.parts)

    @property
    def content_sha256(self):
        """Return a hash over all that the manifests say: equal snapshots make equal archives."""
        digest = hashlib.sha256()
        for photo in self.photos:
            line = (photo.name, photo.sha256, photo.size, str(photo.taken_at), photo.labels)
            digest.update(repr(line).encode())
        return digest.hexdigest()


def take_snapshot(owner, selection, part_bytes, new_only=False):
    """Return the Snapshot of the selection in archives of at most `part_bytes`, oldest photo first."""
    chosen = predicate.photos(owner, selection)
    if new_only:
        chosen = chosen.exclude(pk__in=delivered_ids(owner, selection))
    photos = _photos(chosen)
    return Snapshot(photos, list(split(photos, part_bytes, manifest.TRAILERS)))


def delivered_ids(owner, selection):
    delivered = BundlePhoto.objects.filter(
        bundle__owner=owner,
        bundle__selection_key=selection.key(),
        bundle__status__in=Bundle.DELIVERED,
        missing_reason="",
        # NOT IN with a NULL among the values is never true.
        photo__isnull=False,
    )
    return delivered.values_list("photo_id", flat=True)


def _photos(chosen):
    rows = list(
        chosen.order_by("shown_at", "pk").values_list(
            "pk", "original_name", "original", "size", "crc32", "sha256", "taken_at", "shown_at", named=True
        )
    )
    names = unique_names([row.original_name for row in rows], reserved=manifest.RESERVED)
    labels = _labels(chosen)
    return [
        SnapshotPhoto(
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
