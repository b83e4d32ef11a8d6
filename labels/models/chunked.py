import time

from django.db import models, transaction

from photomgr.claim import Claimed, ClaimQuerySet

# Mails and other people's work pass between two turns.
TURN_SECONDS = 2


class ChunkedWork(Claimed):
    """Work on many photos that is done chunk by chunk: `done` of `total` are finished."""

    class Status(models.TextChoices):
        WAITING = "waiting", "waiting"
        RUNNING = "running", "running"
        DONE = "done", "done"
        FAILED = "failed", "failed"

    WAITING = Status.WAITING
    WORKING = Status.RUNNING
    FAILED = Status.FAILED

    status = models.CharField(max_length=8, choices=Status, default=Status.WAITING)
    total = models.PositiveIntegerField(default=0, help_text="Photos to be worked on.")
    done = models.PositiveIntegerField(default=0)
    failure_reason = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ClaimQuerySet.as_manager()

    class Meta:
        abstract = True
        ordering = ["-pk"]

    def carry_on(self, step, seconds=TURN_SECONDS):
        """Call `step`, each time in a transaction, until it returns False or `seconds` are over.

        Return whether the work is done, or lost to another worker.
        """
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            with transaction.atomic():
                if not (self.renew_lease() and step()):
                    return True
        self.continue_later()
        return False
