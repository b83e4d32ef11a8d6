from django.conf import settings
from django.db import models

from alarms.models.alarm import Alarm
from alarms.models.alarm_set import AlarmSet


class Mute(models.Model):
    """Hours in which alarms are evaluated and nobody is notified."""

    alarm_set = models.ForeignKey(AlarmSet, on_delete=models.CASCADE, related_name="mutes")
    name = models.CharField(max_length=255, help_text="The whole name, with the prefix of its set.")
    alarms = models.ManyToManyField(Alarm, related_name="mutes")
    schedule = models.CharField(max_length=256, help_text="at(2026-11-21T22:00) or cron(0 2 * * SUN)")
    minutes = models.PositiveIntegerField(help_text="How long each time: 1 minute to 15 days.")
    timezone = models.CharField(max_length=50, default="UTC")
    starts_at = models.DateTimeField(null=True, blank=True, help_text="Not before.")
    ends_at = models.DateTimeField(null=True, blank=True, help_text="Not after.")
    reason = models.CharField(max_length=200, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["alarm_set", "name"], name="mute_name_once_per_set"),
            models.CheckConstraint(
                condition=models.Q(minutes__gte=1, minutes__lte=15 * 24 * 60), name="mute_length_allowed"
            ),
        ]

    def __str__(self):
        return self.name
