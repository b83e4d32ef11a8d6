"""Write down the photos of a bundle as they were when it was requested.

Chunk by chunk, each in a short transaction, so that nobody waits for a million photos and a worker that is
killed in the middle costs one chunk. A photo that changes before its chunk comes is written down first.
"""

from collections import defaultdict

from django.db import transaction
from django.db.models import F

from labels.archives import manifest
from labels.archives.names import UniqueNames
from labels.bundles.chunks import LeaseLost
from labels.models import Bundle, BundleContent, BundlePhoto, Label, Photo, PhotoLabel

CHUNK = 2000
_COLUMNS = ("original_name", "original", "size", "crc32", "sha256", "taken_at", "shown_at")


def list_photos(bundle):
    """Write the BundlePhotos of the leased bundle that are not written yet."""
    content = bundle.content
    ids = content.ids
    listed = bundle.photos.filter(position__lt=content.listed).order_by("position")
    names = UniqueNames(manifest.RESERVED, taken=listed.values_list("name", flat=True).iterator())
    while content.listed < len(ids):
        stop = min(content.listed + CHUNK, len(ids))
        positions = dict(enumerate(ids[content.listed : stop], start=content.listed))
        # Read before others have to wait: what changes from here on leaves a row (keep).
        photos = Photo.objects.only(*_COLUMNS).in_bulk(list(positions.values()))
        labels = _labels(photos)
        with transaction.atomic():
            if not bundle.renew_lease():
                raise LeaseLost
            # Nobody changes or deletes them now.
            Photo.objects.filter(pk__in=positions.values()).lock()
            kept = _take_kept(bundle, positions)
            BundlePhoto.objects.bulk_create(
                _named(kept[position], names)
                if position in kept
                else _row(
                    bundle, position, photos[pk], names.add(photos[pk].original_name), labels.get(pk, "")
                )
                for position, pk in positions.items()
            )
            content.listed = stop
            content.save(update_fields=["listed"])


def keep(before, deleted):
    """Write photos that change into the bundles that were requested with them and have not listed them yet.

    `before` is {photo: the label rows it had}. Of a deleted photo the bundle says that it is missing.
    """
    # Whoever lists a photo locks it first, and so has either not begun with it or is done.
    photos = {photo.pk: photo for photo in before}
    for bundle, positions in _requested_with(photos.values()):
        kept = bundle.photos.filter(position__in=positions).values_list("position", flat=True)
        for position in set(positions) - set(kept):
            photo = photos[positions[position]]
            labels = _text([(row.label_id, row.confidence) for row in before[photo] if row.is_visible])
            row = _row(bundle, position, photo, photo.original_name, labels)
            row.photo_id = None if deleted else photo.pk
            row.save()


def unfinished_with(photo):
    """Return how many downloads in the making hold the photo."""
    listed = BundlePhoto.objects.filter(photo=photo, bundle__status__in=Bundle.UNFINISHED)
    unlisted = [bundle.pk for bundle, _ in _requested_with([photo]) if bundle.is_unfinished]
    return Bundle.objects.filter(pk__in=[*listed.values_list("bundle", flat=True), *unlisted]).count()


def _requested_with(photos):
    """Yield (bundle, {position: photo id}) of bundles that have not listed all of these photos yet."""
    owners = {photo.owner_id for photo in photos}
    waiting = BundleContent.objects.filter(bundle__owner__in=owners, listed__lt=F("bundle__photo_count"))
    wanted = {photo.pk for photo in photos}
    for content in waiting.select_related("bundle").order_by("pk"):
        unlisted = enumerate(content.ids[content.listed :], start=content.listed)
        if positions := {position: pk for position, pk in unlisted if pk in wanted}:
            yield content.bundle, positions


def _take_kept(bundle, positions):
    """Take away the rows of these positions that `keep` left; return them as {position: row}."""
    rows = bundle.photos.filter(position__gte=min(positions), position__lte=max(positions))
    kept = {row.position: row for row in rows}
    if kept:
        rows.delete()
    return kept


def _row(bundle, position, photo, name, labels):
    return BundlePhoto(
        bundle=bundle,
        position=position,
        photo_id=photo.pk,
        name=name,
        storage_key=photo.original.name,
        size=photo.size,
        crc32=photo.crc32,
        sha256=photo.sha256,
        modified=photo.shown_at,
        taken_at=photo.taken_at,
        labels=labels,
    )


def _named(row, names):
    row.pk, row.name = None, names.add(row.name)
    return row


def _labels(photo_ids):
    """Return {photo id: its labels as the manifest shows them}."""
    visible = PhotoLabel.objects.visible().filter(photo__in=list(photo_ids))
    found = defaultdict(list)
    for photo_id, *label in visible.values_list("photo_id", "label_id", "confidence"):
        found[photo_id].append(label)
    # Named last: a label may have been learnt just now.
    names = dict(Label.objects.values_list("pk", "name"))
    return {photo_id: _text(labels, names) for photo_id, labels in found.items()}


def _text(labels, names=None):
    """Return [(label id, confidence)] as the manifest shows them, the surest label first."""
    names = names or dict(Label.objects.filter(pk__in=[pk for pk, _ in labels]).values_list("pk", "name"))
    surest = sorted((-confidence, label_id) for label_id, confidence in labels)
    return manifest.labels_text((names[label_id], -minus) for minus, label_id in surest)
