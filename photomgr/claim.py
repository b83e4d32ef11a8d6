"""Rows that a worker carries out: who holds them, until when, and how often it was tried.

The row is the truth and the queue a hint: a task may be delivered twice, die in the middle, or never
arrive. Whoever wants to work on a row claims it by one conditional update; the lease makes a dead
worker's row free again; the attempts counted here also count the workers that were killed.
"""

import random
from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

# More than any wait there is: 300 s of backoff, 900 s for a turn and a quarter of it for jitter.
LONGEST_WAIT = timedelta(minutes=20)


class ClaimQuerySet(models.QuerySet):
    def claimable(self, now):
        """Return the rows a worker may take at `now`: waiting and due, or left by a dead worker."""
        return self.filter(
            Q(status=self.model.WAITING, next_attempt_at__lte=now)
            | Q(status=self.model.WORKING, lease_until__lt=now)
        )

    def due(self, now):
        """Return the claimable rows that have attempts left, the longest waiting first."""
        return (
            self.claimable(now).filter(attempts__lt=settings.MAX_ATTEMPTS).order_by("next_attempt_at", "pk")
        )

    def worn_out(self, now):
        """Return the claimable rows whose every attempt ended with the death of its worker."""
        return self.claimable(now).filter(attempts__gte=settings.MAX_ATTEMPTS)

    def not_held(self, now):
        """Return the rows without those that a worker holds at `now`."""
        return self.exclude(status=self.model.WORKING, lease_until__gte=now)

    def recall(self, now):
        """Make due what was put off or claimed further ahead than anyone does, and return how many.

        A clock that was wrong for a while wrote those times; set right, it would leave the rows waiting
        for years.
        """
        put_off = self.filter(status=self.model.WAITING, next_attempt_at__gt=now + LONGEST_WAIT)
        held = self.filter(status=self.model.WORKING, lease_until__gt=now + lease() + LONGEST_WAIT)
        return put_off.update(next_attempt_at=now) + held.update(lease_until=now + lease())

    def claim(self, pk, holder):
        """Return the row claimed for `holder`, or None when it is gone, done, held or not yet due."""
        now = timezone.now()
        claimed = (
            self.due(now)
            .order_by()
            .filter(pk=pk)
            .update(
                status=self.model.WORKING,
                attempts=F("attempts") + 1,
                lease_owner=holder,
                lease_until=now + lease(),
            )
        )
        return self.get(pk=pk) if claimed else None

    def held(self, row):
        """Return the row as a queryset of one, or of none when `row`'s holder has lost it."""
        return self.filter(pk=row.pk, status=self.model.WORKING, lease_owner=row.lease_owner)


class Claimed(models.Model):
    """Fields of a row that workers claim; the model names its WAITING and WORKING states."""

    attempts = models.PositiveSmallIntegerField(default=0, editable=False)
    next_attempt_at = models.DateTimeField(default=timezone.now, editable=False)
    lease_owner = models.CharField(max_length=64, blank=True, editable=False)
    lease_until = models.DateTimeField(null=True, editable=False)

    class Meta:
        abstract = True

    def renew_lease(self):
        """Push the lease on; return False when another worker holds the row by now."""
        return bool(type(self).objects.held(self).update(lease_until=timezone.now() + lease()))


def lease():
    """Return how long a claim lasts without a sign of life."""
    return timedelta(seconds=settings.CLAIM_LEASE_SECONDS)


def in_words(error):
    """Return what an unexpected error says to the person waiting: no path and no detail of the server."""
    reason = error.strerror if isinstance(error, OSError) else type(error).__name__
    return f"Something went wrong on the server ({reason or type(error).__name__})."


def backoff(attempts):
    """Return the wait before the next attempt: full jitter below 2, 4, 8 … at most 300 seconds.

    Source: "Exponential Backoff And Jitter", AWS Architecture Blog.
    """
    return timedelta(seconds=random.uniform(1, min(300, 2**attempts)))  # noqa: S311 (spreads load, keeps no secret)
