from django.db import models


class State(models.TextChoices):
    OK = "OK", "OK"
    ALARM = "ALARM", "in alarm"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA", "not enough data"


class StateChange(models.Model):
    """An alarm changed its state; kept here because CloudWatch forgets after two to four weeks."""

    class Source(models.TextChoices):
        LOCAL = "local", "evaluated here"
        CLOUDWATCH = "cloudwatch", "read from CloudWatch"
        PERSON = "person", "set by hand"

    region = models.CharField(max_length=40, blank=True)
    alarm_name = models.CharField(max_length=255)
    at = models.DateTimeField()
    old = models.CharField(max_length=20, choices=State)
    new = models.CharField(max_length=20, choices=State)
    reason = models.TextField(blank=True)
    reason_data = models.JSONField(default=dict, blank=True)
    source = models.CharField(max_length=10, choices=Source, default=Source.LOCAL)

    class Meta:
        ordering = ["-at", "-pk"]
        # Reading CloudWatch's history again adds nothing.
        constraints = [
            models.UniqueConstraint(fields=["region", "alarm_name", "at", "new"], name="state_change_once")
        ]
        indexes = [
            # One alarm's history, newest first.
            models.Index(fields=["alarm_name", "-at"], name="state_by_alarm"),
            # The history page and the list's "last change".
            models.Index(fields=["-at"], name="state_newest"),
        ]

    def __str__(self):
        return f"{self.alarm_name}: {self.old} → {self.new}"
