from django.db import models

from photomgr.claim import Leased, LeaseQuerySet


class MetricOutbox(Leased):
    """What the application measured of itself in one minute, kept until it is published."""

    at = models.DateTimeField(unique=True, help_text="The minute's start.")
    data = models.JSONField(help_text="In the shape of PutMetricData's MetricData.")
    totals = models.JSONField(default=dict, help_text="Where counters that only grow stood.")
    published = models.BooleanField(default=False)

    objects = LeaseQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "measured minutes"
        # What is still to be published, oldest first.
        indexes = [models.Index(fields=["published", "at"], name="measured_waiting")]

    def __str__(self):
        return f"{self.at:%Y-%m-%d %H:%M}"
