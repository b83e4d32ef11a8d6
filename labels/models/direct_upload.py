from django.conf import settings
from django.core.files.storage import storages
from django.db import models

from photomgr.turns import ClaimedInTurn, InTurnQuerySet, in_turn_index


def direct_upload_files():
    # There is one only with a bucket.
    return storages["incoming"]


class DirectUpload(ClaimedInTurn):
    """A file that a browser sends straight to the bucket, until it became a photo or was refused."""

    class Status(models.TextChoices):
        OPEN = "open", "being sent"
        SENT = "sent", "to be checked"
        CHECKING = "checking", "being checked"
        DONE = "done", "done"

    WAITING = Status.SENT
    WORKING = Status.CHECKING

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="direct_uploads"
    )
    key = models.CharField(max_length=120, unique=True)
    name = models.CharField(max_length=255)
    size = models.BigIntegerField(help_text="Bytes that the browser promised; S3 takes no other number.")
    status = models.CharField(max_length=8, choices=Status, default=Status.OPEN)
    outcome = models.CharField(max_length=10, blank=True, help_text="How intake ended, once done.")
    reason = models.TextField(blank=True)
    photo = models.ForeignKey("labels.Photo", on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = InTurnQuerySet.as_manager()

    class Meta:
        indexes = [
            # The sweep: what waits to be checked, and what was never sent.
            models.Index(fields=["status", "next_attempt_at"], name="direct_upload_work"),
            in_turn_index("direct_upload_in_turn", "sent"),
        ]

    def __str__(self):
        return self.name
