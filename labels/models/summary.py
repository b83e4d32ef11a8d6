from django.conf import settings
from django.db import models

from labels.models.photo import Photo


class PhotoSummary(models.Model):
    """What the tag list and the planner need of a photo; written only by labels/selection/summaries.py."""

    photo = models.OneToOneField(Photo, on_delete=models.CASCADE, primary_key=True, related_name="summary")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    facts = models.CharField(max_length=48, help_text="Always the same length: time, name, bytes in a zip.")
    labels = models.TextField(help_text="The ids of the visible labels.")

    class Meta:
        verbose_name_plural = "photo summaries"

    def __str__(self):
        return f"summary of photo {self.photo_id}"


class LibraryVersion(models.Model):
    """A random token for the state of a person's summaries; each change writes a new one."""

    owner = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="library_version"
    )
    token = models.CharField(max_length=32)

    def __str__(self):
        return self.token
