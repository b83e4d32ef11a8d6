"""Rows that a worker carries out: who has them leased, until when, and how often it was tried.

The row is the truth and the queue a hint: a task may be delivered twice, die in the middle, or never
arrive. Whoever wants to work on a row claims it by one conditional update; the lease makes a dead
worker's row free again; the attempts counted here also count the workers that were killed.
"""

import logging
import os
import random
import socket
import threading
import uuid
from contextlib import contextmanager
from datetime import timedelta

from django.conf import settings
from django.db import DatabaseError, connection, models
from django.db.models import F, Q
from django.utils import timezone

# More than any wait there is: 300 s of backoff, 900 s for a turn and a quarter of it for jitter.
LONGEST_WAIT = timedelta(minutes=20)

log = logging.getLogger(__name__)


class LeaseQuerySet(models.QuerySet):
    def unleased(self, now):
        """Return the rows that were never leased, were released, or whose worker died."""
        return self.filter(Q(lease_until=None) | Q(lease_until__lt=now))

    def lease(self, lease_owner, duration=None, **fields):
        until = timezone.now() + (duration or lease_duration())
        return self.update(lease_owner=lease_owner, lease_until=until, **fields)

    def recall(self, now):
        """Shorten leases that a wrong clock made longer than anyone's are; return how many."""
        return self.filter(lease_until__gt=now + lease_duration() + LONGEST_WAIT).renew_lease()

    def renew_lease(self, duration=None):
        return self.update(lease_until=timezone.now() + (duration or lease_duration()))

    def release(self, **fields):
        """End the leases on these rows and set `fields`; return how many rows there were."""
        return self.update(lease_owner="", lease_until=None, **fields)

    def held(self, row):
        """Return the row as a queryset of one, or of none when `row`'s lease owner has lost it."""
        return self.filter(pk=row.pk, lease_owner=row.lease_owner)


class Leased(models.Model):
    """Fields of a row that one worker at a time works on; the manager is made of a LeaseQuerySet."""

    lease_owner = models.CharField(max_length=64, blank=True, editable=False)
    lease_until = models.DateTimeField(null=True, editable=False)

    class Meta:
        abstract = True

    def renew_lease(self, duration=None):
        """Push the lease on; return False when another worker has the row by now."""
        return bool(type(self).objects.held(self).renew_lease(duration))

    @contextmanager
    def lease_renewed(self):
        """Keep the lease while a step runs that cannot renew it itself, however long it takes."""
        done = threading.Event()
        thread = threading.Thread(target=self._renew_until, args=(done,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def _renew_until(self, done):
        try:
            while not done.wait(lease_duration().total_seconds() / 3):
                try:
                    if not self.renew_lease():
                        return
                except DatabaseError as error:
                    # The next one may succeed; a lease that is lost is noticed when the row is written.
                    log.warning("the lease of %s could not be renewed: %s", self, error)
        finally:
            connection.close()

    def release(self, **fields):
        """End the lease and set `fields`; return False, changing nothing, when it was lost by now."""
        return bool(type(self).objects.held(self).release(**fields))


class ClaimQuerySet(LeaseQuerySet):
    def claimable(self, now):
        """Return the rows a worker may claim at `now`: waiting and due, or left by a dead worker."""
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
        """Return the rows without those that a worker has leased at `now`."""
        return self.exclude(status=self.model.WORKING, lease_until__gte=now)

    def recall(self, now):
        """Make due what a wrong clock put off or leased further ahead than anyone does; return how many."""
        put_off = self.filter(status=self.model.WAITING, next_attempt_at__gt=now + LONGEST_WAIT)
        leased = super(ClaimQuerySet, self.filter(status=self.model.WORKING))
        return put_off.update(next_attempt_at=now) + leased.recall(now)

    def claim(self, pk, lease_owner=None):
        """Return the row claimed for `lease_owner`, or None when it is gone, done, leased or not yet due."""
        due = self.due(timezone.now()).order_by().filter(pk=pk)
        working = {"status": self.model.WORKING, "attempts": F("attempts") + 1}
        return self.get(pk=pk) if due.lease(lease_owner or new_lease_owner(), **working) else None

    def held(self, row):
        return super().held(row).filter(status=self.model.WORKING)

    def give_up(self, **fields):
        """End these rows' work as failed, and set `fields`; return how many."""
        return self.release(status=self.model.FAILED, **fields)


class Claimed(Leased):
    """Fields of a row that workers claim; the model names its WAITING, WORKING and FAILED states."""

    attempts = models.PositiveSmallIntegerField(default=0, editable=False)
    next_attempt_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        abstract = True

    @property
    def is_last_attempt(self):
        return self.attempts >= settings.MAX_ATTEMPTS

    def postpone(self, wait=None, *, counts=True, **fields):
        """Let the row wait, for `wait` or the usual backoff, and try again; return False when it is lost."""
        if not counts:
            fields = {"attempts": F("attempts") - 1, **fields}
        later = timezone.now() + (wait or backoff(self.attempts))
        return self.release(status=self.WAITING, next_attempt_at=later, **fields)

    def continue_later(self):
        """Let the next task go on with the row at once: progress was made, so it is no further attempt."""
        return self.release(status=self.WAITING, attempts=0, next_attempt_at=timezone.now())

    def give_up(self, **fields):
        return self.release(status=self.FAILED, **fields)


def host():
    return socket.gethostname()[:30]


def new_lease_owner():
    """Return a name for one claim: readable in the admin, and never used twice."""
    return f"{host()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"


def lease_duration():
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
