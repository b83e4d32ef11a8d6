from django.db import models

from alarms.models.metric import metric_identity


class SeriesManager(models.Manager):
    def named(self, namespace, name, dimensions):
        fields = {"namespace": namespace, "name": name, "dimensions": dimensions}
        return self.get_or_create(identity=metric_identity(namespace, name, dimensions), defaults=fields)[0]


class Series(models.Model):
    """One metric with its dimensions. Units do not part series here: each metric of ours has one."""

    namespace = models.CharField(max_length=255)
    name = models.CharField(max_length=255)
    dimensions = models.JSONField(default=dict)
    unit = models.CharField(max_length=20, blank=True)
    identity = models.CharField(max_length=64, unique=True)

    objects = SeriesManager()

    class Meta:
        verbose_name_plural = "series"
        ordering = ["namespace", "name", "pk"]

    def __str__(self):
        return f"{self.namespace} {self.name}"


class Datapoint(models.Model):
    """What was measured within one period that begins at `at`."""

    series = models.ForeignKey(Series, on_delete=models.CASCADE, related_name="datapoints")
    period = models.PositiveIntegerField(default=60, help_text="Seconds: 60, 300 or 3600.")
    at = models.DateTimeField()
    count = models.FloatField()
    sum = models.FloatField()
    minimum = models.FloatField()
    maximum = models.FloatField()
    # For percentiles, as PutMetricData's Values and Counts; null when only the statistics were given.
    values = models.JSONField(null=True, blank=True, help_text="[[value, count]]")

    class Meta:
        # Also the order every reader wants: one series, one period, by time.
        constraints = [models.UniqueConstraint(fields=["series", "period", "at"], name="datapoint_once")]
        # Roll-up and removal of what is past its time.
        indexes = [models.Index(fields=["period", "at"], name="datapoint_age")]

    def __str__(self):
        return f"{self.series} at {self.at:%Y-%m-%d %H:%M}"
