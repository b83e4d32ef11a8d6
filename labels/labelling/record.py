"""The one write path for the labels of photos.

Label rows, summaries and counts change together, in a transaction that holds the photos' rows locked. Locks
are taken in one order, so that two workers cannot deadlock: photos by id, summaries with their owner's
version, counts by label id.
"""

from collections import Counter

from django.db import transaction
from django.dispatch import Signal

from labels.labelling import counts
from labels.models import Photo, PhotoLabel
from labels.selection import summaries

# Sent with the changed photos and the label rows they had: `before` is {photo: [PhotoLabel]}; `deleted` says
# whether they are about to be deleted.
labels_changed = Signal()


def record(photos, wanted, runs=None):
    """Write the label rows that the locked photos should have; return the ids of those that changed.

    `wanted` is {photo id: {label id: resolve.Row}}, `runs` {photo id: id of the DetectionRun they come from}.
    """
    before = {photo.pk: {} for photo in photos}
    for row in PhotoLabel.objects.filter(photo__in=photos):
        before[row.photo_id][row.label_id] = row
    gone = [row for pk, rows in before.items() for key, row in rows.items() if key not in wanted[pk]]
    written = [row for pk, rows in before.items() for row in _written(pk, rows, wanted[pk], runs or {})]
    PhotoLabel.objects.filter(pk__in=[row.pk for row in gone]).delete()
    # As one upsert: an UPDATE with a CASE for each of thousands of rows takes ten times as long.
    PhotoLabel.objects.bulk_create(
        written,
        update_conflicts=True,
        unique_fields=["photo", "label"],
        update_fields=["status", "source", "confidence", "rule", "why", "run"],
    )
    changed = {row.photo_id for row in gone + written}
    if changed:
        had = {photo: list(before[photo.pk].values()) for photo in photos if photo.pk in changed}
        summaries.write(list(had))
        labels_changed.send(sender=Photo, before=had, deleted=False)
    differences = Counter()
    for photo in photos:
        differences.update(_counted(photo, wanted[photo.pk]))
        differences.subtract(_counted(photo, before[photo.pk]))
    counts.add(differences)
    return changed


def _written(photo_id, before, after, runs):
    for label_id, row in after.items():
        old = before.get(label_id)
        values = {**vars(row), "run_id": runs.get(photo_id, old and old.run_id)}
        if old is None or any(getattr(old, name) != value for name, value in values.items()):
            yield PhotoLabel(photo_id=photo_id, label_id=label_id, **values)


def _counted(photo, rows):
    return [(photo.owner_id, label_id) for label_id, row in rows.items() if row.status in PhotoLabel.VISIBLE]


@transaction.atomic
def forget(photo):
    """Take a photo that is about to be deleted out of the counts."""
    Photo.objects.select_for_update().filter(pk=photo.pk).exists()
    rows = list(photo.photo_labels.all())
    differences = dict.fromkeys(_counted(photo, {row.label_id: row for row in rows}), -1)
    photo.photo_labels.all().delete()
    summaries.write_deleted(photo)
    labels_changed.send(sender=Photo, before={photo: rows}, deleted=True)
    counts.add(differences)
