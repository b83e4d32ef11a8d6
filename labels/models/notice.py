from django.db import models

from labels.models.claim import Claimed, ClaimQuerySet


class NoticeQuerySet(ClaimQuerySet):
    def claimable(self, now):
        """Return the notices that may be mailed: never one whose worker died while sending.

        Mail has no idempotency key. Whether it went out is not known then, and twice is worse than
        once in the application only.
        """
        return self.filter(status=Notice.Status.PENDING, next_attempt_at__lte=now)

    def interrupted(self, now):
        return self.filter(status=Notice.Status.SENDING, lease_until__lt=now)

    def unseen_by(self, user):
        return self.filter(bundle__owner=user, seen_at=None).select_related("bundle").order_by("-created_at")


class Notice(Claimed):
    """What the owner of a bundle is told about its end, in the application and by mail, once."""

    class Outcome(models.TextChoices):
        READY = "ready", "ready"
        PARTIAL = "partial", "ready, with photos missing"
        FAILED = "failed", "failed"

    class Status(models.TextChoices):
        PENDING = "pending", "to be sent"
        SENDING = "sending", "being sent"
        SENT = "sent", "sent"
        FAILED = "failed", "not sent"

    WAITING = Status.PENDING
    WORKING = Status.SENDING

    bundle = models.ForeignKey("labels.Bundle", on_delete=models.CASCADE, related_name="notices")
    outcome = models.CharField(max_length=8, choices=Outcome)
    created_at = models.DateTimeField(auto_now_add=True)
    seen_at = models.DateTimeField(null=True, blank=True)
    status = models.CharField("mail", max_length=8, choices=Status, default=Status.PENDING)
    mail_to = models.EmailField(blank=True)
    mail_path = models.CharField(max_length=255, blank=True, help_text="Where mail is kept in files.")
    failure_reason = models.TextField(blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)

    objects = NoticeQuerySet.as_manager()

    class Meta:
        constraints = [
            # A build that is carried out twice still tells its outcome once.
            models.UniqueConstraint(fields=["bundle", "outcome"], name="notice_once_per_outcome"),
        ]

    def __str__(self):
        return f"{self.bundle}: {self.get_outcome_display()}"
