from django.db import models

from alarms.models.alarm_set import AlarmSet
from alarms.models.metric import Metric

_ADAPTATIONS = {"FAST": "fast", "NORMAL": "normal", "SLOW": "slow"}
_FILTERINGS = {"MINIMAL": "minimal", "MODERATE": "moderate", "STRICT": "strict"}


class Detector(models.Model):
    """What CloudWatch learns a band from: one model for each metric and statistic.

    The row stays after the last band alarm that used it: by it a clean-up that was interrupted finds
    the detector that would otherwise be billed for ever.
    """

    alarm_set = models.ForeignKey(AlarmSet, on_delete=models.CASCADE, related_name="detectors")
    metric = models.ForeignKey(
        Metric, on_delete=models.PROTECT, null=True, blank=True, related_name="detectors"
    )
    queries = models.JSONField(default=list, blank=True, help_text="Of a band on metric math, instead.")
    identity = models.CharField(max_length=64, editable=False)
    timezone = models.CharField(max_length=50, blank=True, help_text="Europe/Berlin: where days begin.")
    periodic_spikes = models.BooleanField(default=False, help_text="Spikes that recur are no anomalies.")
    adaptation = models.CharField(max_length=8, choices=_ADAPTATIONS, blank=True)
    filtering = models.CharField(max_length=8, choices=_FILTERINGS, blank=True)
    keep = models.BooleanField(default=False, help_text="Keep it even when no alarm uses it; it is billed.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["alarm_set", "identity"], name="detector_once_per_set")
        ]

    def __str__(self):
        return f"Detector of {self.metric or 'metric math'}"


class ExcludedRange(models.Model):
    detector = models.ForeignKey(Detector, on_delete=models.CASCADE, related_name="excluded_ranges")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    reason = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["starts_at"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ends_at__gt=models.F("starts_at")), name="excluded_range_has_length"
            ),
        ]

    def __str__(self):
        return f"{self.starts_at:%Y-%m-%d %H:%M} to {self.ends_at:%Y-%m-%d %H:%M}"
