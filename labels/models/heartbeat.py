from django.db import models
from django.utils import timezone


class Heartbeat(models.Model):
    """One running cluster of one machine, and the last signs of life of its worker and its monitor.

    A django-q2 cluster whose idle worker was killed looks alive and never works again; only this shows it.
    """

    cluster = models.CharField(max_length=40)
    host = models.CharField(max_length=30)
    pid = models.PositiveIntegerField(help_text="Of the group of its processes.")
    started_at = models.DateTimeField(default=timezone.now, help_text="Or first seen.")
    worker_at = models.DateTimeField(null=True)
    monitor_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "workers seen"
        constraints = [
            models.UniqueConstraint(fields=["cluster", "host", "pid"], name="worker_seen_once"),
        ]

    def __str__(self):
        return f"{self.cluster} on {self.host}"

    @property
    def seen_at(self):
        """When it was last wholly alive, None when it never was: either process stops in a wedged one."""
        return min(self.worker_at, self.monitor_at) if self.worker_at and self.monitor_at else None
