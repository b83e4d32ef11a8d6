import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import labels.models.summary


class Migration(migrations.Migration):
    dependencies = [
        ("labels", "0005_share"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        # Its columns are others, and all of it follows from the photos.
        migrations.DeleteModel(name="PhotoSummary"),
        migrations.CreateModel(
            name="PhotoSummary",
            fields=[
                (
                    "photo",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        primary_key=True,
                        related_name="summary",
                        serialize=False,
                        to="labels.photo",
                    ),
                ),
                (
                    "version",
                    models.BigIntegerField(
                        help_text="The number of the library's version that wrote it."
                    ),
                ),
                (
                    "moment",
                    models.BigIntegerField(
                        help_text="When it is shown at, in microseconds since 1970."
                    ),
                ),
                ("size", models.BigIntegerField(help_text="Bytes of the original.")),
                (
                    "archive_bytes",
                    models.BigIntegerField(
                        help_text="Bytes it adds to an archive; 0 when it is deleted."
                    ),
                ),
                (
                    "name_bytes",
                    models.PositiveSmallIntegerField(
                        help_text="Bytes of its name in an archive."
                    ),
                ),
                (
                    "name_family",
                    models.BigIntegerField(
                        help_text="A hash, equal for names that may get the same number."
                    ),
                ),
                (
                    "name_kind",
                    models.PositiveSmallIntegerField(
                        help_text="How it becomes unique: selection/facts.py."
                    ),
                ),
                (
                    "labels",
                    models.TextField(
                        blank=True, help_text="The ids of its visible labels."
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "photo summaries",
                "indexes": [
                    models.Index(
                        fields=["owner", "version", "photo"], name="summary_changed"
                    )
                ],
            },
        ),
        migrations.AddField(
            model_name="libraryversion",
            name="number",
            field=models.BigIntegerField(default=0),
        ),
        migrations.AlterField(
            model_name="libraryversion",
            name="token",
            field=models.CharField(
                default=labels.models.summary.new_token, max_length=32
            ),
        ),
        migrations.CreateModel(
            name="BundleContent",
            fields=[
                (
                    "bundle",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="content",
                        serialize=False,
                        to="labels.bundle",
                    ),
                ),
                (
                    "photo_ids",
                    models.BinaryField(
                        help_text="In the order of the archives, eight bytes each, little-endian."
                    ),
                ),
                ("listed", models.PositiveIntegerField(default=0)),
            ],
        ),
        migrations.AddIndex(
            model_name="bundlephoto",
            index=models.Index(
                condition=models.Q(("missing_reason", ""), _negated=True),
                fields=["bundle"],
                name="bundle_missing",
            ),
        ),
    ]
