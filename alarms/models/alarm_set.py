from django.db import models
from django.db.models import Q

from alarms.models.action import Action


class AlarmSet(models.Model):
    """The alarms that are planned and applied together: all names under one prefix in one Region.

    Alarms whose names do not begin with the prefix are never created, changed or deleted.
    """

    name = models.SlugField(max_length=80, unique=True)
    prefix = models.CharField(max_length=100, help_text="Of every alarm name; nothing else is ever touched.")
    region = models.CharField(max_length=40, blank=True, help_text="Empty: that of boto3's configuration.")
    owner = models.CharField(max_length=80, blank=True, help_text="Written as the tag Owner on every alarm.")
    default_actions = models.ManyToManyField(
        Action, blank=True, related_name="sets", help_text="Notified of an alarm without actions of its own."
    )
    false_alarms_per_week = models.FloatField(default=0.5, help_text="The most each alarm may have.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        permissions = [("apply_alarmset", "Can apply plans: create, change and delete alarms")]
        constraints = [
            models.UniqueConstraint(fields=["region", "prefix"], name="alarmset_prefix_once_per_region"),
            models.CheckConstraint(condition=~Q(prefix=""), name="alarmset_has_prefix"),
            models.CheckConstraint(condition=Q(false_alarms_per_week__gt=0), name="alarmset_budget_positive"),
        ]

    def __str__(self):
        return self.name
