import hashlib
import json

from django.db import models


class Metric(models.Model):
    """One statistic of one metric, and what is known of its values."""

    class Kind(models.TextChoices):
        COUNT = "count", "a count"
        PERCENT = "percent", "a percentage"
        LATENCY = "latency", "a duration"
        RATIO = "ratio", "a ratio of two counts"
        GAUGE = "gauge", "a level"

    namespace = models.CharField(max_length=255)
    name = models.CharField(max_length=255)
    dimensions = models.JSONField(default=dict, blank=True, help_text='{"QueueName": "orders"}')
    stat = models.CharField(max_length=50, default="Average", help_text="Sum, Average, p99 …")
    unit = models.CharField(max_length=20, blank=True, help_text="Best empty: a wrong one finds no data.")
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.GAUGE)
    natural_min = models.FloatField(null=True, blank=True, help_text="No value can be below it.")
    natural_max = models.FloatField(null=True, blank=True, help_text="No value can be above it.")
    # JSON cannot be compared alike in every database; this can.
    identity = models.CharField(max_length=64, unique=True, editable=False)

    class Meta:
        ordering = ["namespace", "name", "pk"]

    def __str__(self):
        where = ", ".join(f"{name}={value}" for name, value in sorted(self.dimensions.items()))
        return f"{self.namespace} {self.name} {self.stat}{f' ({where})' if where else ''}"

    def save(self, **options):
        self.identity = metric_identity(self.namespace, self.name, self.dimensions, self.stat, self.unit)
        super().save(**options)

    def dimension_list(self):
        return [{"Name": name, "Value": value} for name, value in sorted(self.dimensions.items())]


def metric_identity(*parts):
    """Return the same short text for the same metric; dimensions are a dict in any order."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
