import uuid

from django.conf import settings
from django.core.files.storage import storages
from django.db import models
from django.db.models import F, prefetch_related_objects
from django.db.models.functions import Coalesce
from django.urls import reverse

from photomgr.turns import ClaimedInTurn, InTurnQuerySet, in_turn_index


def originals():
    # A function, so that migrations do not freeze a folder.
    return storages["originals"]


def renditions():
    return storages["renditions"]


def random_key(extension):
    """Return a new storage key: without a name that a person chose, and of one upload alone."""
    key = uuid.uuid4().hex
    return f"{key[:2]}/{key}.{extension}"


class PhotoQuerySet(InTurnQuerySet):
    def newest_first(self):
        return self.order_by("-shown_at", "-pk")

    def lock(self):
        """Lock these photos in the order everybody does, or two can wait for each other; return their ids."""
        return list(self.select_for_update(no_key=True).order_by("pk").values_list("pk", flat=True))

    def lock_with_runs(self, most=None):
        """Lock the first of these photos as lock() does; return them with their runs as they are now.

        By a join PostgreSQL would return no run where it waited for somebody who put another in its place: it
        reads the locked row again, and the joined one not.
        """
        photos = list(self.select_for_update(no_key=True).order_by("pk")[:most])
        prefetch_related_objects(photos, "run")
        return photos


class Photo(ClaimedInTurn):
    class Status(models.TextChoices):
        PENDING = "pending", "waiting"
        LABELLING = "labelling", "being labelled"
        LABELLED = "labelled", "labelled"
        FAILED = "failed", "failed"

    WAITING = Status.PENDING
    WORKING = Status.LABELLING
    UNFINISHED = (Status.PENDING, Status.LABELLING)
    FAILED = Status.FAILED

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="photos")
    original = models.FileField(storage=originals, max_length=120)
    original_name = models.CharField(max_length=255)
    format = models.CharField(max_length=8)
    size = models.BigIntegerField(help_text="Bytes.")
    sha256 = models.CharField(max_length=64)
    crc32 = models.BigIntegerField()
    width = models.PositiveIntegerField(help_text="Pixels, as shown upright.")
    height = models.PositiveIntegerField(help_text="Pixels, as shown upright.")
    orientation = models.PositiveSmallIntegerField(default=1, help_text="Of the stored file, as in EXIF.")
    taken_at = models.DateTimeField(
        null=True, blank=True, help_text="The camera's wall clock, as if in UTC: EXIF seldom names a zone."
    )
    camera = models.CharField(max_length=120, blank=True)
    exif = models.JSONField(default=dict, blank=True, help_text="The camera facts the detector may use.")
    uploaded_at = models.DateTimeField(auto_now_add=True)
    shown_at = models.GeneratedField(
        expression=Coalesce("taken_at", "uploaded_at"), output_field=models.DateTimeField(), db_persist=True
    )

    status = models.CharField(max_length=12, choices=Status, default=Status.PENDING)
    failure_code = models.CharField(max_length=64, blank=True)
    failure_reason = models.TextField(blank=True)
    labelled_at = models.DateTimeField(null=True, blank=True)
    # Written by labels/selection/summaries.py.
    label_count = models.PositiveSmallIntegerField(
        default=0, editable=False, help_text="How many labels it shows."
    )

    run = models.ForeignKey(
        "labels.DetectionRun",
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
        help_text="The answer its labels come from.",
    )
    rule_version = models.ForeignKey(
        "labels.RuleVersion",
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
        help_text="The rules its labels follow; empty when they are to be applied again.",
    )

    thumbnail = models.FileField(storage=renditions, max_length=120, blank=True)
    thumbnail_width = models.PositiveSmallIntegerField(default=0)
    thumbnail_height = models.PositiveSmallIntegerField(default=0)
    rendition = models.FileField(
        storage=renditions, max_length=120, blank=True, help_text="What the detector is sent."
    )

    objects = PhotoQuerySet.as_manager()

    class Meta:
        constraints = [
            # The same bytes are one photo for one owner, also when two uploads race.
            models.UniqueConstraint(fields=["owner", "sha256"], name="photo_once_per_owner"),
            models.CheckConstraint(condition=models.Q(size__gt=0), name="photo_has_bytes"),
        ]
        indexes = [
            # The grid: newest first, keyset paging.
            models.Index("owner", F("shown_at").desc(), F("id").desc(), name="photo_grid"),
            # The sweep, the status page and the rows "no label yet" and "failed" of the tag list.
            models.Index(fields=["status", "next_attempt_at"], name="photo_work"),
            models.Index(fields=["owner", "status", "label_count"], name="photo_owner_status"),
            # How many were labelled in the last moments: the line on top while photos wait.
            models.Index(fields=["owner", "labelled_at"], name="photo_labelled"),
            in_turn_index("photo_in_turn", "pending"),
        ]

    def __str__(self):
        return self.original_name

    def get_absolute_url(self):
        return reverse("photo", args=[self.pk])
