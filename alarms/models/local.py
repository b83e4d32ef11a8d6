"""What the local backend holds in CloudWatch's place: definitions as they were put, and their states."""

from django.db import models

from alarms.models.state import StateChange


class LocalAlarm(models.Model):
    """An alarm the local backend keeps and evaluates.

    `definition` is what PutMetricAlarm or PutCompositeAlarm was given, without Tags.
    """

    region = models.CharField(max_length=40, blank=True)
    name = models.CharField(max_length=255)
    composite = models.BooleanField(default=False)
    definition = models.JSONField()
    tags = models.JSONField(default=dict)
    state = models.CharField(
        max_length=20, choices=StateChange.State, default=StateChange.State.INSUFFICIENT_DATA
    )
    state_reason = models.TextField(blank=True)
    state_reason_data = models.JSONField(default=dict, blank=True)
    state_at = models.DateTimeField()
    configured_at = models.DateTimeField()
    evaluated_at = models.DateTimeField(
        null=True, help_text="The end of the last minute it was evaluated for."
    )

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["region", "name"], name="local_alarm_once")]

    def __str__(self):
        return self.name


class LocalDetector(models.Model):
    """An anomaly detector the local backend keeps; `definition` is what PutAnomalyDetector was given."""

    region = models.CharField(max_length=40, blank=True)
    identity = models.CharField(max_length=64)
    definition = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["region", "identity"], name="local_detector_once")]

    def __str__(self):
        return self.identity
