from django.db import models
from django.utils import timezone


class SweepFailure(models.Model):
    """A step of the sweep that failed; the others ran. Kept for two weeks, and published as a metric."""

    step = models.CharField(max_length=40)
    error = models.CharField(max_length=500)
    at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self):
        return f"{self.step}: {self.error}"
