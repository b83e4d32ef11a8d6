from django.db import models


class WorkerSeen(models.Model):
    """The last sign of life of one process kind of one cluster.

    A django-q2 cluster whose idle worker was killed looks alive and never works again; only a row
    that no longer moves shows it (labels/queue.py writes, the supervisor and /readyz read).
    """

    cluster = models.CharField(max_length=40)
    role = models.CharField(max_length=10)
    seen_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "workers seen"
        constraints = [
            models.UniqueConstraint(fields=["cluster", "role"], name="worker_seen_once"),
        ]

    def __str__(self):
        return f"{self.cluster} {self.role}"
