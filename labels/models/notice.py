from django.conf import settings
from django.db import models
from django.utils import timezone

from photomgr.claim import Claimed, ClaimQuerySet, backoff


class OnceQuerySet(ClaimQuerySet):
    def claimable(self, now):
        """Return the rows that may be sent: never one whose worker died while sending.

        Neither mail nor SNS has an idempotency key. Whether it went out is not known then, and twice is
        worse than once in the application only.
        """
        return self.filter(status=self.model.WAITING, next_attempt_at__lte=now)

    def interrupted(self, now):
        return self.filter(status=self.model.WORKING, lease_until__lt=now)

    def end_interrupted(self, now):
        """End the rows whose worker died while sending; return how many."""
        return self.interrupted(now).give_up(failure_reason=self.model.INTERRUPTED)


class Once(Claimed):
    """What is sent to somebody at most once."""

    class Status(models.TextChoices):
        PENDING = "pending", "to be sent"
        SENDING = "sending", "being sent"
        SENT = "sent", "sent"
        FAILED = "failed", "not sent"

    WAITING = Status.PENDING
    WORKING = Status.SENDING
    FAILED = Status.FAILED

    failure_reason = models.TextField(blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True

    def end(self, status, **fields):
        """Record the outcome, if the row is still ours."""
        self.release(status=status, **fields)

    def postpone(self, reason):
        """Try again later, or give up after the last attempt."""
        if self.attempts >= settings.MAX_ATTEMPTS:
            self.end(self.Status.FAILED, failure_reason=reason)
            return
        later = timezone.now() + backoff(self.attempts)
        self.end(self.Status.PENDING, failure_reason=reason, next_attempt_at=later)


class NoticeQuerySet(OnceQuerySet):
    def unseen_by(self, user):
        return self.filter(bundle__owner=user, seen_at=None).select_related("bundle").order_by("-created_at")


class Notice(Once):
    """What the owner of a bundle is told about its end, in the application and by mail, once."""

    class Outcome(models.TextChoices):
        READY = "ready", "ready"
        PARTIAL = "partial", "ready, with photos missing"
        FAILED = "failed", "failed"

    INTERRUPTED = "The worker stopped while it sent the mail; it may or may not have gone out."

    bundle = models.ForeignKey("labels.Bundle", on_delete=models.CASCADE, related_name="notices")
    outcome = models.CharField(max_length=8, choices=Outcome)
    created_at = models.DateTimeField(auto_now_add=True)
    seen_at = models.DateTimeField(null=True, blank=True)
    status = models.CharField("mail", max_length=8, choices=Once.Status, default=Once.Status.PENDING)
    mail_to = models.EmailField(blank=True)
    mail_path = models.CharField(max_length=255, blank=True, help_text="Where mail is kept in files.")

    objects = NoticeQuerySet.as_manager()

    class Meta:
        constraints = [
            # A build that is carried out twice still tells its outcome once.
            models.UniqueConstraint(fields=["bundle", "outcome"], name="notice_once_per_outcome"),
        ]

    def __str__(self):
        return f"{self.bundle}: {self.get_outcome_display()}"


class Announcement(Once):
    """The same outcome, told once to the SNS topic of the installation."""

    INTERRUPTED = "The worker stopped while it told the topic; it may or may not know."

    notice = models.OneToOneField(Notice, on_delete=models.CASCADE, related_name="announcement")
    status = models.CharField(max_length=8, choices=Once.Status, default=Once.Status.PENDING)
    topic = models.CharField(max_length=320, help_text="Its ARN.")
    message_id = models.CharField(max_length=100, blank=True, help_text="What SNS calls the message.")

    objects = OnceQuerySet.as_manager()

    def __str__(self):
        return str(self.notice)


class TextMessage(Once):
    """The same outcome, told once by SMS to an owner who wants that."""

    INTERRUPTED = "The worker stopped while it sent the text; it may or may not have gone out."

    notice = models.OneToOneField(Notice, on_delete=models.CASCADE, related_name="text_message")
    status = models.CharField(max_length=8, choices=Once.Status, default=Once.Status.PENDING)
    sent_to = models.CharField(max_length=16, blank=True, help_text="The number, its middle left out.")
    message_id = models.CharField(max_length=100, blank=True, help_text="What SNS calls the message.")

    objects = OnceQuerySet.as_manager()

    def __str__(self):
        return str(self.notice)
