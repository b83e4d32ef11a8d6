import sys
from array import array

from django.conf import settings
from django.core.files.storage import storages
from django.db import models
from django.urls import reverse
from django.utils import timezone

from photomgr.claim import Claimed, ClaimQuerySet, Leased, LeaseQuerySet, new_lease_owner


def bundle_files():
    return storages["bundles"]


class BundleQuerySet(ClaimQuerySet):
    def kept_by(self, user):
        to_fetch = models.Q(status__in=Bundle.DOWNLOADABLE, expires_at__gt=timezone.now())
        return self.filter(models.Q(status__in=Bundle.UNFINISHED) | to_fetch, owner=user)

    def expired(self, now):
        """Return the ended bundles whose archives are to be removed."""
        return self.filter(status__in=(*Bundle.DOWNLOADABLE, Bundle.Status.FAILED), expires_at__lte=now)


class Bundle(Claimed):
    """A download: the selection that was requested and the photos it held at that moment."""

    class Status(models.TextChoices):
        QUEUED = "queued", "queued"
        BUILDING = "building", "building"
        READY = "ready", "ready"
        PARTIAL = "partial", "ready, with photos missing"
        FAILED = "failed", "failed"
        CANCELLED = "cancelled", "cancelled"
        EXPIRED = "expired", "expired"

    WAITING = Status.QUEUED
    WORKING = Status.BUILDING
    FAILED = Status.FAILED
    UNFINISHED = (Status.QUEUED, Status.BUILDING)
    DOWNLOADABLE = (Status.READY, Status.PARTIAL)
    # Those whose photos their owner has had.
    DELIVERED = (Status.READY, Status.PARTIAL, Status.EXPIRED)
    RETRYABLE = (Status.PARTIAL, Status.FAILED, Status.CANCELLED, Status.EXPIRED)

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="bundles")
    selection = models.JSONField(help_text="What was requested (a Selection as JSON).")
    selection_key = models.CharField(max_length=64, help_text="The same for selections that mean the same.")
    new_only = models.BooleanField(
        default=False, help_text="Without the photos of earlier downloads of this selection."
    )
    part_bytes = models.BigIntegerField(help_text="The most bytes one archive may have.")
    content_sha256 = models.CharField(max_length=64, help_text="Of the manifests that were planned.")
    status = models.CharField(max_length=10, choices=Status, default=Status.QUEUED)
    failure_reason = models.TextField(blank=True)
    photo_count = models.PositiveIntegerField(help_text="Photos when it was requested.")
    planned_bytes = models.BigIntegerField(help_text="Bytes of all archives when it was requested.")
    photos_done = models.PositiveIntegerField(default=0)
    bytes_done = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)

    objects = BundleQuerySet.as_manager()

    class Meta:
        indexes = [
            # "My downloads", newest first, and the badge in the frame.
            models.Index(fields=["owner", "-created_at"], name="bundle_list"),
            # "Only what is new", and "you have this download already".
            models.Index(fields=["owner", "selection_key"], name="bundle_same"),
            # The sweep: work that is due, archives that are past their time.
            models.Index(fields=["status", "next_attempt_at"], name="bundle_work"),
        ]

    def __str__(self):
        return f"Download {self.pk}"

    def get_absolute_url(self):
        return reverse("bundle", args=[self.pk])

    @property
    def is_unfinished(self):
        return self.status in self.UNFINISHED

    @property
    def is_downloadable(self):
        return self.status in self.DOWNLOADABLE


class BundleContent(models.Model):
    """Which photos a bundle was requested with; the first `listed` of them are BundlePhotos by now."""

    bundle = models.OneToOneField(Bundle, on_delete=models.CASCADE, primary_key=True, related_name="content")
    photo_ids = models.BinaryField(help_text="In the order of the archives, eight bytes each, little-endian.")
    listed = models.PositiveIntegerField(default=0)

    def __str__(self):
        return f"photos of {self.bundle}"

    @property
    def ids(self):
        ids = array("q", bytes(self.photo_ids))
        if sys.byteorder == "big":
            ids.byteswap()
        return ids


class BundlePhoto(models.Model):
    """One photo of a bundle as it was when the bundle was requested; it outlives the photo."""

    # The index of the constraint below begins with it; a second one would be a third more to write.
    bundle = models.ForeignKey(Bundle, on_delete=models.CASCADE, related_name="photos", db_index=False)
    position = models.PositiveIntegerField()
    photo = models.ForeignKey("labels.Photo", on_delete=models.SET_NULL, null=True, related_name="+")
    name = models.CharField(max_length=255, help_text="Its name in the archive.")
    storage_key = models.CharField(max_length=120)
    size = models.BigIntegerField()
    crc32 = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    modified = models.DateTimeField(help_text="Taken at, or uploaded at when the camera did not say.")
    taken_at = models.DateTimeField(null=True)
    labels = models.TextField(blank=True, help_text="As the manifest shows them.")
    missing_reason = models.TextField(blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["bundle", "position"], name="bundle_positions_once")]
        indexes = [
            # What a download names as missing, among up to a million photos that are not.
            models.Index(fields=["bundle"], name="bundle_missing", condition=~models.Q(missing_reason="")),
        ]

    def __str__(self):
        return self.name


class PartQuerySet(LeaseQuerySet):
    def unsummed(self, now):
        """Return the finished archives whose SHA-256 nobody knows and nobody is working out."""
        return self.unleased(now).filter(sha256="", bundle__status__in=Bundle.DOWNLOADABLE)

    def claim_sum(self, pk):
        now = timezone.now()
        # Without the bundle's columns, for the reason that ChunkQuerySet.claim_next gives.
        free = self.unleased(now).filter(pk=pk, sha256="")
        return self.unsummed(now).filter(pk=pk).exists() and bool(free.lease(new_lease_owner()))


class BundlePart(Leased):
    """One archive of a bundle: the photos at positions first..stop. Its lease is for its SHA-256."""

    bundle = models.ForeignKey(Bundle, on_delete=models.CASCADE, related_name="parts")
    number = models.PositiveIntegerField()
    first = models.PositiveIntegerField()
    stop = models.PositiveIntegerField()
    # A new file whenever it is planned anew, so that a worker that missed it spoils nothing.
    file = models.FileField(storage=bundle_files, max_length=120)
    edition = models.PositiveIntegerField(default=0, help_text="Counts how often it was planned anew.")
    file_name = models.CharField(max_length=200, help_text="What the browser saves it as.")
    size = models.BigIntegerField()
    sha256 = models.CharField(max_length=64, blank=True, help_text="Empty until it is worked out.")

    objects = PartQuerySet.as_manager()

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["bundle", "number"], name="bundle_parts_once")]

    def __str__(self):
        return self.file_name

    def get_absolute_url(self):
        return reverse("bundle_part", args=[self.bundle_id, self.number])


class ChunkQuerySet(LeaseQuerySet):
    def claim_next(self, lease_owner):
        """Return the first chunk nobody works on, leased to `lease_owner`, or None."""
        while chunk := self.free(timezone.now()).order_by("part__number", "number").first():
            # By columns of its own table alone: an update over a join finds its rows by a subquery, which
            # PostgreSQL does not run again when another worker has changed the row meanwhile.
            if BundleChunk.objects.free(timezone.now()).filter(pk=chunk.pk).lease(lease_owner):
                chunk.lease_owner = lease_owner
                return chunk
        return None

    def free(self, now):
        return self.unleased(now).filter(done=False, changed_position=None)


class BundleChunk(Leased):
    """Bytes start..end of one archive, made by any one worker."""

    part = models.ForeignKey(BundlePart, on_delete=models.CASCADE, related_name="chunks")
    number = models.PositiveIntegerField()
    start = models.BigIntegerField()
    end = models.BigIntegerField()
    done = models.BooleanField(default=False)
    photos = models.PositiveIntegerField(default=0, help_text="Photos whose last byte is in it.")
    tag = models.CharField(max_length=80, blank=True, help_text="By which S3 knows this part of an upload.")
    # CRC-32s of photos that go on in another chunk: [entry, start, end, crc32] (zip_layout.Piece).
    pieces = models.JSONField(default=list)
    changed_position = models.PositiveIntegerField(
        null=True, help_text="The photo that turned out missing or changed."
    )
    changed_reason = models.TextField(blank=True)

    objects = ChunkQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["part", "number"], name="bundle_chunks_once")]

    def __str__(self):
        return f"{self.part} {self.start}..{self.end}"
