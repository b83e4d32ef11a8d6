"""The one write path for labels and counts.

Counts change only here, in the transaction that changes the photo's labels. Locks are taken in one
order, so that two workers cannot deadlock: the photo's row, the summary with its library's version, and
then the counts by label id.
"""

import random
from collections import Counter
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Value
from django.utils import timezone

from labels.labelling import rows as rewriting
from labels.models import LabelCount, Photo, PhotoLabel
from labels.selection import summaries

LONGEST_TURN = 900


@transaction.atomic
def record(photo, run, decisions, rules=None):
    """Give the held photo its labels; return False when another worker holds it by now, or nobody can.

    `rules` (labels.rules.versions.Rules) are those that made the decisions. What people said and renamed is
    read here, under the lock.
    """
    held = Photo.objects.held(photo)
    if not held.select_for_update(no_key=True).exists():
        return False
    runs = {photo.pk: run.pk} if run else {}
    rewriting.rewrite([photo], {photo.pk: decisions}, rules.rules if rules else (), runs)
    held.release(
        status=Photo.Status.LABELLED,
        run=run,
        policy=rules.version if rules else None,
        labelled_at=timezone.now(),
        attempts=0,
        failure_code="",
        failure_reason="",
    )
    return True


def fail(photo, code, reason):
    """End the held photo's job: nobody tries again until a person asks for it."""
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
    """Let photos that wait for one of these reasons be tried at once, `most` of them (None: all).

    Return how many; those that waited longest come first.
    """
    waiting = Photo.objects.filter(
        status=Photo.Status.PENDING, failure_code__in=codes, next_attempt_at__gt=now
    )
    first = waiting.order_by("next_attempt_at", "pk").values("pk")[:most]
    return waiting.filter(pk__in=first).update(next_attempt_at=now)


def give_up(photos):
    """Fail the photos whose every attempt ended with the death of its worker."""
    reason = f"The worker stopped in the middle of it, {settings.MAX_ATTEMPTS} times."
    return photos.give_up(failure_code="worker_died", failure_reason=reason)


@transaction.atomic
def label_again(photos):
    """Make the photos wait for labels once more; return their ids. Held ones are left to their worker."""
    now = timezone.now()
    # Asked of the row itself (see ChunkQuerySet.claim_next): `photos` may be a join.
    free = Photo.objects.filter(pk__in=photos.values("pk")).not_held(now)
    ids = free.lock()
    free.release(
        status=Photo.Status.PENDING,
        attempts=0,
        next_attempt_at=now,
        failure_code="",
        failure_reason="",
    )
    return ids


@transaction.atomic
def forget(photo):
    """Take a photo that is about to be deleted out of the counts."""
    Photo.objects.select_for_update().filter(pk=photo.pk).exists()
    shown = PhotoLabel.objects.visible().filter(photo=photo).values_list("label_id", flat=True)
    moves = {(photo.owner_id, label_id): -1 for label_id in shown}
    photo.photo_labels.all().delete()
    Photo.objects.filter(pk=photo.pk).update(label_count=0)
    summaries.write([photo])
    rewriting.move_counts(moves)


def count_differences(repair=False):
    """Return [(owner id, label id, stored, true)] where a stored count is wrong; mend them if asked."""
    with transaction.atomic():
        if repair:
            # Who is labelling now waits here, and adds to what is right by then.
            list(LabelCount.objects.select_for_update().order_by("label_id", "owner_id"))
        stored, true = _counts()
        wrong = [
            (*key, stored[key], true[key])
            for key in sorted(stored.keys() | true.keys())
            if stored[key] != true[key]
        ]
        if repair:
            for owner_id, label_id, _, count in wrong:
                LabelCount.objects.update_or_create(
                    owner_id=owner_id, label_id=label_id, defaults={"count": count}
                )
    return wrong


def _counts():
    """Return two Counters of {(owner id, label id)}: as they are stored, and as they truly are.

    By one statement: between two of them PostgreSQL would let others commit.
    """
    kept = LabelCount.objects.values_list("owner", "label", "count", Value("stored"))
    rows = PhotoLabel.objects.visible().values("photo__owner", "label").annotate(n=Count("pk"))
    shown = rows.values_list("photo__owner", "label", "n", Value("true"))
    found = {"stored": Counter(), "true": Counter()}
    for owner_id, label_id, count, which in kept.order_by().union(shown.order_by(), all=True):
        found[which][owner_id, label_id] = count
    return found["stored"], found["true"]
