from django.db import models

from alarms.models.alarm import Alarm
from alarms.models.detector import Detector


class FindingQuerySet(models.QuerySet):
    def for_list(self):
        return self.select_related("alarm__alarm_set", "detector__metric").order_by("-rank", "code", "pk")


class Finding(models.Model):
    class Severity(models.TextChoices):
        NOTE = "note", "note"
        WARNING = "warning", "warning"
        ERROR = "error", "error"

    alarm = models.ForeignKey(Alarm, on_delete=models.CASCADE, null=True, related_name="findings")
    detector = models.ForeignKey(Detector, on_delete=models.CASCADE, null=True, related_name="findings")
    code = models.CharField(max_length=4)
    severity = models.CharField(max_length=8, choices=Severity)
    rank = models.PositiveSmallIntegerField(help_text="Of the severity; the most severe has the highest.")
    message = models.TextField()
    numbers = models.JSONField(default=dict)
    # {"label", "do", "values"} of alarms.doctor.context.Fix; empty when nothing can be done by a click.
    fix = models.JSONField(default=dict, blank=True)
    found_at = models.DateTimeField()

    objects = FindingQuerySet.as_manager()

    class Meta:
        # The doctor's page.
        indexes = [models.Index(fields=["-rank", "code", "id"], name="finding_by_gravity")]

    def __str__(self):
        return f"{self.code} {self.alarm or self.detector}"
