import json

from django.db import models


class DetectionRun(models.Model):
    """One answer of one detector, kept for ever: the cache that makes the same bytes cost once."""

    photo = models.ForeignKey(
        "labels.Photo",
        on_delete=models.SET_NULL,
        null=True,
        related_name="detection_runs",
        help_text="The photo it was made for; other photos with the same content share it.",
    )
    content_sha256 = models.CharField(max_length=64)
    detector = models.CharField(max_length=40)
    version = models.CharField(max_length=40)
    params = models.JSONField(default=dict)
    params_hash = models.CharField(max_length=16)
    # Text and not JSON: PostgreSQL would reorder the keys, and what the detector said stays as it was.
    response = models.TextField(editable=False)
    latency_ms = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["content_sha256", "detector", "version", "params_hash"], name="detected_once"
            ),
        ]

    def __str__(self):
        return f"{self.detector} {self.version} on {self.content_sha256[:8]}"

    @property
    def answer(self):
        return json.loads(self.response)
