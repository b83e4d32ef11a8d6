from django.db import models

from photomgr.outbox import BaseDelivery


class NoticeQuerySet(models.QuerySet):
    def unseen_by(self, user):
        return self.filter(bundle__owner=user, seen_at=None).select_related("bundle").order_by("-created_at")


class Notice(models.Model):
    """How a bundle ended, as its owner sees it in the application, once; messages about it are deliveries."""

    class Outcome(models.TextChoices):
        READY = "ready", "ready"
        PARTIAL = "partial", "ready, with photos missing"
        FAILED = "failed", "failed"

    bundle = models.ForeignKey("labels.Bundle", on_delete=models.CASCADE, related_name="notices")
    outcome = models.CharField(max_length=8, choices=Outcome)
    created_at = models.DateTimeField(auto_now_add=True)
    seen_at = models.DateTimeField(null=True, blank=True)

    objects = NoticeQuerySet.as_manager()

    class Meta:
        constraints = [
            # A build that is carried out twice still reports its outcome once.
            models.UniqueConstraint(fields=["bundle", "outcome"], name="notice_once_per_outcome"),
        ]

    def __str__(self):
        return f"{self.bundle}: {self.get_outcome_display()}"


class Delivery(BaseDelivery):
    """One message about a notice: to its owner's address, to the installation's topic, or to their phone."""

    notice = models.ForeignKey(Notice, on_delete=models.CASCADE, related_name="deliveries")

    class Meta(BaseDelivery.Meta):
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(fields=["notice", "channel"], name="delivery_once_per_channel"),
        ]
