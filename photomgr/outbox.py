"""Messages to people as rows: written with what they report, claimed, sent, retried, at most once each.

Neither mail nor Amazon SNS has an idempotency key. When a worker dies while it sends, or no answer comes,
nobody knows whether the message went out, and twice is worse than once in the application only: such a
row ends, with the reason.
"""

from django.db import models
from django.utils import timezone

from photomgr.claim import Claimed, ClaimQuerySet

_INTERRUPTED = "The worker stopped while it sent the message; it may or may not have gone out."


class TemporaryFailure(Exception):
    """The message was not sent, and another attempt may succeed."""


class PermanentFailure(Exception):
    """No further attempt is to be made; the sentence says why."""


class OutcomeUnknown(PermanentFailure):
    """The message may or may not have gone out."""


class DeliveryQuerySet(ClaimQuerySet):
    def claimable(self, now):
        """Return the rows that are due; never one whose worker died while it sent."""
        return self.filter(status=self.model.WAITING, next_attempt_at__lte=now)

    def end_interrupted(self, now):
        """End the rows whose worker died while it sent; return how many."""
        interrupted = self.filter(status=self.model.WORKING, lease_until__lt=now)
        return interrupted.give_up(failure_reason=_INTERRUPTED)


class BaseDelivery(Claimed):
    """One message to one target."""

    class Channel(models.TextChoices):
        MAIL = "mail", "mail"
        TOPIC = "topic", "SNS topic"
        SMS = "sms", "SMS"

    class Status(models.TextChoices):
        PENDING = "pending", "to be sent"
        SENDING = "sending", "being sent"
        SENT = "sent", "sent"
        FAILED = "failed", "not sent"
        SILENCED = "silenced", "not to be sent"

    WAITING = Status.PENDING
    WORKING = Status.SENDING
    FAILED = Status.FAILED

    channel = models.CharField(max_length=5, choices=Channel)
    target = models.CharField(
        max_length=320, blank=True, help_text="An address, a topic's ARN, or a phone number in part."
    )
    status = models.CharField(max_length=8, choices=Status, default=Status.PENDING)
    failure_reason = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    message_id = models.CharField(
        max_length=255, blank=True, help_text="What SNS calls it, or the file that a mail was written to."
    )

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        abstract = True
        indexes = [
            # What is due.
            models.Index(fields=["status", "next_attempt_at"], name="%(app_label)s_delivery_due"),
        ]

    def __str__(self):
        return f"{self.get_channel_display()} to {self.target}"

    def deliver(self, send):
        """Send the claimed row by `send` and record the outcome, if the row is still ours by then.

        `send` takes the row and returns fields to store with it; it raises TemporaryFailure or
        PermanentFailure.
        """
        try:
            fields = send(self)
        except TemporaryFailure as error:
            end = self.give_up if self.is_last_attempt else self.postpone
            end(failure_reason=str(error))
        except PermanentFailure as error:
            self.give_up(failure_reason=str(error))
        else:
            self.release(status=self.Status.SENT, sent_at=timezone.now(), failure_reason="", **fields)
