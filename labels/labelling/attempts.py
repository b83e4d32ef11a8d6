"""How an attempt to label a photo ends, and when the next one may begin."""

import random
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from labels.models import Photo

LONGEST_TURN = 900
_AT_ONCE = 5000
# What people ask for by hand; more at once waits behind it.
BY_HAND = 100


def finish(photo, run, rule_version):
    return photo.release(
        status=Photo.Status.LABELLED,
        run=run,
        rule_version_id=rule_version,
        labelled_at=timezone.now(),
        attempts=0,
        failure_code="",
        failure_reason="",
    )


def fail(photo, code, reason):
    return photo.give_up(failure_code=code, failure_reason=reason)


def postpone(photo, code, reason):
    """Let the held photo wait for its next attempt, or fail it when that was the last."""
    if photo.is_last_attempt:
        return fail(photo, code, f"{reason} (given up after {photo.attempts} attempts)")
    return photo.postpone(failure_code=code, failure_reason=reason)


def wait(photo, code, reason, seconds):
    """Let the held photo wait for its turn: the attempt is not counted, so that it cannot fail for it."""
    # Not in step with the others; and looked at again soon, should somebody have mended the cause.
    seconds = min(LONGEST_TURN, seconds) * random.uniform(1, 1.25)  # noqa: S311 (spreads load, keeps no secret)
    return photo.postpone(timedelta(seconds=seconds), counts=False, failure_code=code, failure_reason=reason)


def try_now(now, codes, most):
    """Make due the `most` (None: all) photos that wait longest for one of these reasons; return how many."""
    waiting = Photo.objects.filter(status=Photo.WAITING, failure_code__in=codes, next_attempt_at__gt=now)
    first = waiting.order_by("next_attempt_at", "pk").values("pk")[:most]
    return waiting.filter(pk__in=first).update(next_attempt_at=now)


def give_up(photos):
    reason = f"The worker stopped in the middle of it, {settings.MAX_ATTEMPTS} times."
    return photos.give_up(failure_code="worker_died", failure_reason=reason)


@transaction.atomic
def label_again(photos):
    """Make the photos wait for labels once more; return their ids. Held ones are left to their worker."""
    now = timezone.now()
    # Asked of the row itself (see ChunkQuerySet.claim_next): `photos` may be a join.
    free = Photo.objects.filter(pk__in=photos.values("pk")).not_held(now)
    ids = free.lock()
    # By their ids: of those that were free a moment later others would be locked, in any order.
    for first in range(0, len(ids), _AT_ONCE):
        locked = Photo.objects.filter(pk__in=ids[first : first + _AT_ONCE])
        locked.release(
            status=Photo.Status.PENDING,
            attempts=0,
            next_attempt_at=now,
            line=Photo.Line.IN_BULK if len(ids) > BY_HAND else Photo.Line.BY_HAND,
            failure_code="",
            failure_reason="",
        )
    return ids
