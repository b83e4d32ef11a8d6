"""What the local backend holds in CloudWatch's place: definitions as they were put, and their states."""

from django.db import models

from alarms.models.state import State


class LocalAlarm(models.Model):
    region = models.CharField(max_length=40, blank=True)
    name = models.CharField(max_length=255)
    composite = models.BooleanField(default=False)
    definition = models.JSONField(help_text="As PutMetricAlarm or PutCompositeAlarm takes it, without Tags.")
    tags = models.JSONField(default=dict)
    state = models.CharField(max_length=20, choices=State, default=State.INSUFFICIENT_DATA)
    state_reason = models.TextField(blank=True)
    state_reason_data = models.JSONField(default=dict, blank=True)
    state_at = models.DateTimeField()
    configured_at = models.DateTimeField()
    evaluated_at = models.DateTimeField(null=True, help_text="The end of the minute it saw last.")

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["region", "name"], name="local_alarm_once")]

    def __str__(self):
        return self.name


class LocalDetector(models.Model):
    region = models.CharField(max_length=40, blank=True)
    identity = models.CharField(max_length=64)
    definition = models.JSONField(help_text="As PutAnomalyDetector takes it.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["region", "identity"], name="local_detector_once")]

    def __str__(self):
        return self.identity
