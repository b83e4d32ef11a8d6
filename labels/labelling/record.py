"""The one write path for the labels of photos.

Label rows, summaries and counts change together, in a transaction that holds the photos' rows locked. Locks
are taken in one order, so that two workers cannot deadlock: photos by id, summaries with their owner's
version, counts by label id.
"""

from django.db import transaction

from labels.labelling import counts
from labels.labelling.rows import compare
from labels.models import Photo, PhotoLabel
from labels.selection import summaries


def record(photos, wanted, runs=None):
    """Write the label rows that the locked photos should have; return the ids of those that changed.

    `wanted` is {photo id: {label id: resolve.Row}}, `runs` {photo id: id of the DetectionRun they come from}.
    """
    changes = compare(photos, wanted, PhotoLabel.objects.filter(photo__in=photos), runs or {})
    PhotoLabel.objects.filter(pk__in=changes.gone).delete()
    # As one upsert: an UPDATE with a CASE for each of thousands of rows takes ten times as long.
    PhotoLabel.objects.bulk_create(
        changes.written,
        update_conflicts=True,
        unique_fields=["photo", "label"],
        update_fields=["status", "source", "confidence", "rule", "why", "run"],
    )
    if changes.photo_ids:
        summaries.write([photo for photo in photos if photo.pk in changes.photo_ids])
    counts.add(changes.counts)
    return changes.photo_ids


@transaction.atomic
def forget(photo):
    """Take a photo that is about to be deleted out of the counts."""
    Photo.objects.select_for_update().filter(pk=photo.pk).exists()
    shown = PhotoLabel.objects.visible().filter(photo=photo).values_list("label_id", flat=True)
    differences = {(photo.owner_id, label_id): -1 for label_id in shown}
    photo.photo_labels.all().delete()
    summaries.write([photo])
    counts.add(differences)
