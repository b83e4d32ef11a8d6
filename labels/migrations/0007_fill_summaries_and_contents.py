from array import array

from django.db import migrations


def fill_contents(apps, schema_editor):
    photos = apps.get_model("labels", "BundlePhoto").objects.order_by("position")
    for bundle in apps.get_model("labels", "Bundle").objects.iterator():
        # A photo that is deleted has no id any more.
        ids = [pk or 0 for pk in photos.filter(bundle=bundle).values_list("photo_id", flat=True)]
        apps.get_model("labels", "BundleContent").objects.create(
            bundle=bundle, photo_ids=array("q", ids).tobytes(), listed=len(ids)
        )


def fill_summaries(apps, schema_editor):
    """Write a summary of each photo; `check_counts` would find one that a later version writes otherwise."""
    from labels.selection.facts import facts

    apps.get_model("labels", "LibraryVersion").objects.all().delete()
    shown = apps.get_model("labels", "PhotoLabel").objects.filter(status__in=("active", "confirmed"))
    last, photos = 0, apps.get_model("labels", "Photo").objects.defer("exif").order_by("pk")
    owners = set()
    while batch := list(photos.filter(pk__gt=last)[:2000]):
        last = batch[-1].pk
        labels = {photo.pk: [] for photo in batch}
        rows = shown.filter(photo__in=list(labels))
        for pk, *label in rows.values_list("photo_id", "label_id", "label__name", "confidence"):
            labels[pk].append(label)
        apps.get_model("labels", "PhotoSummary").objects.bulk_create(
            apps.get_model("labels", "PhotoSummary")(
                photo_id=photo.pk, owner_id=photo.owner_id, version=1, **facts(photo, labels[photo.pk])
            )
            for photo in batch
        )
        owners |= {photo.owner_id for photo in batch}
    apps.get_model("labels", "LibraryVersion").objects.bulk_create(
        apps.get_model("labels", "LibraryVersion")(owner_id=owner, number=1) for owner in sorted(owners)
    )


class Migration(migrations.Migration):
    dependencies = [("labels", "0006_library_versions_and_bundle_contents")]

    operations = [
        migrations.RunPython(fill_contents, migrations.RunPython.noop),
        migrations.RunPython(fill_summaries, migrations.RunPython.noop),
    ]
