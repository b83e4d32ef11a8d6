"""A photo's summary: written with the photo, then with its labels, and compared with both."""

from collections import defaultdict

from django.db import transaction
from django.db.models import Exists, F, OuterRef

from labels.models import LibraryVersion, Photo, PhotoLabel, PhotoSummary
from labels.selection.facts import facts


def write(photos):
    """Write what the photos show now, in the transaction that creates them or changes their labels."""
    _store(photos, _shown([photo.pk for photo in photos]))


def write_deleted(photo):
    """Note that a photo is about to be deleted, in the transaction that deletes it."""
    version = next_versions([photo.owner_id])[photo.owner_id]
    PhotoSummary.objects.filter(photo=photo.pk).update(version=version, archive_bytes=0, labels="")


def differences(repair=False):
    """Return [(owner id, photo id)] whose summary or number of labels is wrong; mend them if asked."""
    wrong, last = _of_lost_photos(repair), 0
    photos = Photo.objects.order_by("pk")
    while ids := list(photos.filter(pk__gt=last).values_list("pk", flat=True)[:500]):
        with transaction.atomic():
            # Locked to look at them, too: between our statements PostgreSQL would let others commit.
            batch = list(photos.filter(pk__in=ids).defer("exif").select_for_update(no_key=True))
            shown, stored = _shown(ids), PhotoSummary.objects.in_bulk(ids)
            odd = [photo for photo in batch if not _is_right(photo, shown[photo.pk], stored.get(photo.pk))]
            if repair and odd:
                _store(odd, shown)
        wrong += [(photo.owner_id, photo.pk) for photo in odd]
        last = ids[-1]
    return wrong


def _of_lost_photos(repair):
    """Return [(owner id, photo id)] of summaries whose photo is gone without a word; mend them if asked."""
    there = Photo.objects.filter(pk=OuterRef("pk"))
    lost = list(PhotoSummary.objects.filter(~Exists(there), archive_bytes__gt=0).select_related(None))
    for summary in lost if repair else ():
        with transaction.atomic():
            write_deleted(Photo(pk=summary.photo_id, owner_id=summary.owner_id))
    return [(summary.owner_id, summary.photo_id) for summary in lost]


def _is_right(photo, shown, stored):
    if stored is None or photo.label_count != len(shown):
        return False
    return all(getattr(stored, name) == value for name, value in _columns(photo, shown).items())


def _columns(photo, shown):
    return {"owner_id": photo.owner_id, **facts(photo, shown)}


def _store(photos, shown):
    # First of all: whoever sees this number is to see all that was written with it and before.
    versions = next_versions({photo.owner_id for photo in photos})
    rows = [
        PhotoSummary(photo_id=photo.pk, version=versions[photo.owner_id], **_columns(photo, shown[photo.pk]))
        for photo in photos
    ]
    PhotoSummary.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["photo"],
        update_fields=[field.name for field in PhotoSummary._meta.fields if not field.primary_key],
    )
    for photo in photos:
        photo.label_count = len(shown[photo.pk])
    Photo.objects.bulk_update(photos, ["label_count"])


def next_versions(owner_ids):
    """Return {owner id: number of a new version}; the row stays locked, so others of its library wait."""
    # In one order, so that two writers never wait for each other.
    rows = LibraryVersion.objects.filter(owner__in=owner_ids).order_by("owner").select_for_update()
    found = dict(rows.values_list("owner", "number"))
    if missing := sorted(set(owner_ids) - found.keys()):
        new = (LibraryVersion(owner_id=owner) for owner in missing)
        LibraryVersion.objects.bulk_create(new, ignore_conflicts=True)
        found = dict(rows.all().values_list("owner", "number"))
    LibraryVersion.objects.filter(owner__in=owner_ids).update(number=F("number") + 1)
    return {owner: number + 1 for owner, number in found.items()}


def _shown(photo_ids):
    """Return {photo id: [(label id, name, confidence)]} of the visible labels."""
    shown = defaultdict(list)
    rows = PhotoLabel.objects.visible().filter(photo__in=photo_ids)
    for photo_id, *label in rows.values_list("photo_id", "label_id", "label__name", "confidence"):
        shown[photo_id].append(tuple(label))
    return shown
