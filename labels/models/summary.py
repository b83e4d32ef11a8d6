import secrets

from django.conf import settings
from django.db import models

from labels.models.photo import Photo


def new_token():
    return secrets.token_hex(16)


class PhotoSummary(models.Model):
    """What labels/selection/index.py needs of a photo; written only by labels/selection/summaries.py.

    The summary of a deleted photo stays, with `archive_bytes` 0: a process that has the library in memory
    learns of the deletion from it.
    """

    photo = models.OneToOneField(
        Photo, on_delete=models.DO_NOTHING, db_constraint=False, primary_key=True, related_name="summary"
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    version = models.BigIntegerField(help_text="The number of the library's version that wrote it.")
    moment = models.BigIntegerField(help_text="When it is shown at, in microseconds since 1970.")
    size = models.BigIntegerField(help_text="Bytes of the original.")
    archive_bytes = models.BigIntegerField(help_text="Bytes it adds to an archive; 0 when it is deleted.")
    name_bytes = models.PositiveSmallIntegerField(help_text="Bytes of its name in an archive.")
    name_family = models.BigIntegerField(help_text="A hash, equal for names that may get the same number.")
    name_kind = models.PositiveSmallIntegerField(help_text="How it becomes unique: selection/facts.py.")
    labels = models.TextField(blank=True, help_text="The ids of its visible labels.")

    class Meta:
        verbose_name_plural = "photo summaries"
        # What has changed in a library since a version.
        indexes = [models.Index(fields=["owner", "version", "photo"], name="summary_changed")]

    def __str__(self):
        return f"summary of photo {self.photo_id}"


class LibraryVersion(models.Model):
    """The number of the last change to a person's summaries."""

    owner = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="library_version"
    )
    # An account of the same id in another database, or in a restored one, has another.
    token = models.CharField(max_length=32, default=new_token)
    number = models.BigIntegerField(default=0)

    def __str__(self):
        return f"{self.token}/{self.number}"
