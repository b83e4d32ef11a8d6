"""A photo's summary: written with the photo, then with its labels, and compared with both."""

import secrets
from collections import defaultdict

from django.db import transaction

from labels.models import LibraryVersion, Photo, PhotoLabel, PhotoSummary
from labels.selection import packing


def write(photos):
    """Write what the photos show now, in the transaction that creates them or changes their labels."""
    _store(photos, _shown([photo.pk for photo in photos]))


def differences(repair=False):
    """Return [(owner id, photo id)] whose summary or number of labels is wrong; mend them if asked."""
    wrong, last = [], 0
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


def _is_right(photo, shown, stored):
    if stored is None or photo.label_count != len(shown):
        return False
    true = _summary(photo, shown)
    return (stored.owner_id, stored.facts, stored.labels) == (true.owner_id, true.facts, true.labels)


def _summary(photo, shown):
    facts, labels = packing.pack(photo, shown)
    return PhotoSummary(photo_id=photo.pk, owner_id=photo.owner_id, facts=facts, labels=labels)


def _store(photos, shown):
    PhotoSummary.objects.bulk_create(
        [_summary(photo, shown[photo.pk]) for photo in photos],
        update_conflicts=True,
        unique_fields=["photo"],
        update_fields=["owner", "facts", "labels"],
    )
    # In one order, so that two writers never wait for each other.
    owners = sorted({photo.owner_id for photo in photos})
    LibraryVersion.objects.bulk_create(
        [LibraryVersion(owner_id=owner, token=secrets.token_hex(16)) for owner in owners],
        update_conflicts=True,
        unique_fields=["owner"],
        update_fields=["token"],
    )
    for photo in photos:
        photo.label_count = len(shown[photo.pk])
    Photo.objects.bulk_update(photos, ["label_count"])


def _shown(photo_ids):
    """Return {photo id: [(label id, name, confidence)]} of the visible labels."""
    shown = defaultdict(list)
    rows = PhotoLabel.objects.visible().filter(photo__in=photo_ids)
    for photo_id, *label in rows.values_list("photo_id", "label_id", "label__name", "confidence"):
        shown[photo_id].append(tuple(label))
    return shown
