"""The one write path for labels and counts.

Counts change only here, in the transaction that changes the photo's labels. Locks are taken in one
order, the photo's row and then its counts by label id, so that two workers cannot deadlock.
"""

import random
from collections import Counter
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Count, F
from django.utils import timezone

from labels import summaries
from labels.models import Label, LabelCount, Photo, PhotoLabel
from labels.models.claim import backoff
from labels.names import fold

LONGEST_TURN = 900
# A person's decision stays as it is, whatever a detector says later.
_DECIDED = (PhotoLabel.Status.CONFIRMED, PhotoLabel.Status.REJECTED)


@transaction.atomic
def record(photo, run, decisions):
    """Give the held photo its labels; return False when another worker holds it by now, or nobody can."""
    held = Photo.objects.held(photo)
    if not held.select_for_update().exists():
        return False
    before = _visible_ids(photo.pk)
    _replace_labels(photo, run, decisions)
    shown = summaries.write(photo)
    _move_counts(photo.owner_id, before, {label_id for label_id, _, _ in shown})
    held.update(
        label_count=len(shown),
        status=Photo.Status.LABELLED,
        labelled_at=timezone.now(),
        attempts=0,
        failure_code="",
        failure_reason="",
        lease_owner="",
        lease_until=None,
    )
    return True


def fail(photo, code, reason):
    """End the held photo's job: nobody tries again until a person asks for it."""
    return Photo.objects.held(photo).update(
        status=Photo.Status.FAILED,
        failure_code=code,
        failure_reason=reason,
        lease_owner="",
        lease_until=None,
    )


def postpone(photo, code, reason):
    """Let the held photo wait for its next attempt, or fail it when that was the last."""
    if photo.attempts >= settings.MAX_ATTEMPTS:
        return fail(photo, code, f"{reason} (given up after {photo.attempts} attempts)")
    return Photo.objects.held(photo).update(
        status=Photo.Status.PENDING,
        failure_code=code,
        failure_reason=reason,
        next_attempt_at=timezone.now() + backoff(photo.attempts),
        lease_owner="",
        lease_until=None,
    )


def wait(photo, code, reason, seconds):
    """Let the held photo wait for its turn: the attempt is not counted, so that it cannot fail for it."""
    # Not in step with the others; and looked at again soon, should somebody have mended the cause.
    seconds = min(LONGEST_TURN, seconds) * random.uniform(1, 1.25)  # noqa: S311 (spreads load, keeps no secret)
    return Photo.objects.held(photo).update(
        status=Photo.Status.PENDING,
        attempts=F("attempts") - 1,
        failure_code=code,
        failure_reason=reason,
        next_attempt_at=timezone.now() + timedelta(seconds=seconds),
        lease_owner="",
        lease_until=None,
    )


def give_up(photos):
    """Fail the photos whose every attempt ended with the death of its worker."""
    return photos.update(
        status=Photo.Status.FAILED,
        failure_code="worker_died",
        failure_reason=f"The worker stopped in the middle of it, {settings.MAX_ATTEMPTS} times.",
        lease_owner="",
        lease_until=None,
    )


def label_again(photos):
    """Make the photos wait for labels once more; return their ids. Held ones are left to their worker."""
    free = photos.filter(status__in=(Photo.Status.LABELLED, Photo.Status.FAILED, Photo.Status.PENDING))
    ids = list(free.values_list("pk", flat=True))
    free.update(
        status=Photo.Status.PENDING,
        attempts=0,
        next_attempt_at=timezone.now(),
        failure_code="",
        failure_reason="",
    )
    return ids


@transaction.atomic
def forget(photo):
    """Take a photo that is about to be deleted out of the counts."""
    Photo.objects.select_for_update().filter(pk=photo.pk).exists()
    before = _visible_ids(photo.pk)
    photo.photo_labels.all().delete()
    Photo.objects.filter(pk=photo.pk).update(label_count=0)
    summaries.write(photo)
    _move_counts(photo.owner_id, before, set())


def count_differences(repair=False):
    """Return [(owner id, label id, stored, true)] where a stored count is wrong; mend them if asked."""
    with transaction.atomic():
        true = Counter(
            {
                (row["photo__owner"], row["label"]): row["n"]
                for row in PhotoLabel.objects.visible()
                .values("photo__owner", "label")
                .annotate(n=Count("pk"))
            }
        )
        counts = LabelCount.objects.select_for_update() if repair else LabelCount.objects
        stored = {(c.owner_id, c.label_id): c.count for c in counts.order_by("label_id", "owner_id")}
        wrong = [
            (*key, stored.get(key, 0), true[key])
            for key in sorted(stored.keys() | true.keys())
            if stored.get(key, 0) != true[key]
        ]
        if repair:
            for owner_id, label_id, _, count in wrong:
                LabelCount.objects.update_or_create(
                    owner_id=owner_id, label_id=label_id, defaults={"count": count}
                )
    return wrong


def _visible_ids(photo_id):
    return set(PhotoLabel.objects.visible().filter(photo_id=photo_id).values_list("label_id", flat=True))


def _replace_labels(photo, run, decisions):
    labels = _labels(decisions)
    existing = {row.label_id: row for row in photo.photo_labels.all()}
    wanted = {labels[fold(d.name)].pk: d for d in decisions}
    gone = [
        row.pk
        for label_id, row in existing.items()
        if label_id not in wanted and row.source == PhotoLabel.Source.AUTO and row.status not in _DECIDED
    ]
    PhotoLabel.objects.filter(pk__in=gone).delete()
    PhotoLabel.objects.bulk_create(
        [
            PhotoLabel(
                photo_id=photo.pk,
                label_id=label_id,
                run=run,
                confidence=decision.confidence,
                status=_status(decision),
            )
            for label_id, decision in wanted.items()
            if label_id not in existing
        ]
    )
    changed = [row for label_id, row in existing.items() if label_id in wanted and row.status not in _DECIDED]
    for row in changed:
        decision = wanted[row.label_id]
        row.run, row.confidence, row.status = run, decision.confidence, _status(decision)
    PhotoLabel.objects.bulk_update(changed, ["run", "confidence", "status"])


def _status(decision):
    return PhotoLabel.Status.ACTIVE if decision.active else PhotoLabel.Status.SUGGESTED


def _labels(decisions):
    """Return {key: Label} for all names in the decisions, parents included; learn new ones."""
    names = {fold(name): name for d in decisions for name in (*d.parents, d.name)}
    known = {label.key: label for label in Label.objects.filter(key__in=names)}
    missing = sorted(names.keys() - known.keys())
    if missing:
        # In key order and without error when another worker was first.
        categories = {fold(d.name): d.category for d in decisions}
        Label.objects.bulk_create(
            [Label(name=names[key], key=key, category=categories.get(key, "")) for key in missing],
            ignore_conflicts=True,
        )
        known.update({label.key: label for label in Label.objects.filter(key__in=missing)})
    _learn_parents(decisions, known)
    return known


def _learn_parents(decisions, labels):
    link = Label.parents.through
    wanted = {
        (labels[fold(d.name)].pk, labels[fold(parent)].pk)
        for d in decisions
        for parent in d.parents
        if fold(parent) != fold(d.name)
    }
    children = {child for child, _ in wanted}
    known = set(link.objects.filter(from_label_id__in=children).values_list("from_label_id", "to_label_id"))
    link.objects.bulk_create(
        [link(from_label_id=child, to_label_id=parent) for child, parent in sorted(wanted - known)],
        ignore_conflicts=True,
    )


def _move_counts(owner_id, before, after):
    gained, lost = after - before, before - after
    if not gained and not lost:
        return
    LabelCount.objects.bulk_create(
        [LabelCount(owner_id=owner_id, label_id=label_id) for label_id in sorted(gained)],
        ignore_conflicts=True,
    )
    mine = LabelCount.objects.filter(owner_id=owner_id)
    # One UPDATE of many rows locks them in any order; locked in label order first, nobody waits in a ring.
    list(mine.select_for_update().filter(label_id__in=gained | lost).order_by("label_id"))
    mine.filter(label_id__in=gained).update(count=F("count") + 1)
    mine.filter(label_id__in=lost).update(count=F("count") - 1)
