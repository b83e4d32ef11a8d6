"""Runs of the rules over the kept answers of all photos; what is left to do stands in the photos: `stale`."""

from collections import Counter, defaultdict

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from labels.labelling.record import record
from labels.labelling.resolving import resolve
from labels.models import Label, Photo, PhotoLabel, Renaming, RuleRun
from labels.rules import versions
from labels.rules.engine import REPLACE, ROLL_UP

CHUNK = 500
_AT_ONCE = 5000
HIDDEN, REPLACED, TO_REVIEW, ADDED = "hidden", "replaced", "review", "added"


def stale():
    """Return the photos whose labels do not follow the rules in force."""
    answered = Photo.objects.filter(run__isnull=False)
    version = versions.current_version()
    return answered.filter(Q(rule_version=None) | ~Q(rule_version=version)) if version else answered.none()


def start():
    """Return the unfinished or a new run that brings the stale photos in line; None when there are none."""
    count = stale().count()
    if not count:
        return None
    unfinished = (RuleRun.Status.WAITING, RuleRun.Status.RUNNING)
    running = RuleRun.objects.filter(is_dry=False, status__in=unfinished).first()
    if running:
        RuleRun.objects.filter(pk=running.pk).update(total=F("done") + count, last_photo=0)
        return running
    return RuleRun.objects.create(total=count)


def mark_stale(label, author):
    """Make stale all photos under the label, or one below it, or a new name of these."""
    if versions.current_version() is None:
        versions.put_in_force(author, "As they stood before labels were put below others")
    below, waiting = set(), {label.pk}
    while waiting:
        below |= waiting
        waiting = set(Label.objects.filter(parents__in=waiting).values_list("pk", flat=True)) - below
    below |= set(Renaming.objects.filter(label__in=below).values_list("target_id", flat=True))
    photos = Photo.objects.filter(pk__in=PhotoLabel.objects.filter(label__in=below).values("photo_id"))
    with transaction.atomic():
        ids = photos.lock()
        # By their ids, or photos that came under the label just now would be locked in any order.
        for first in range(0, len(ids), _AT_ONCE):
            Photo.objects.filter(pk__in=ids[first : first + _AT_ONCE]).update(rule_version=None)


def start_dry():
    return RuleRun.objects.create(
        is_dry=True,
        rules=versions.snapshot(),
        min_confidence=versions.draft().min_confidence,
        total=Photo.objects.filter(run__isnull=False).count(),
        found={"counts": {}, "examples": {}},
    )


def carry_on(row, size=CHUNK):
    step = _try_chunk if row.is_dry else _apply_chunk
    return row.carry_on(lambda: step(row, size))


def _apply_chunk(row, size):
    rules = versions.in_force()
    photos = _next(stale(), row).lock_with_runs(size)
    if not photos:
        if row.last_photo and stale().exists():
            # Begin again with the first photo, for those that became stale behind.
            row.last_photo = 0
            return True
        return _finish(row)
    found = {photo.pk: rules.decide(photo, photo.run) for photo in photos}
    wanted = resolve(photos, found, rules.rules)
    changed = record(photos, wanted, {photo.pk: photo.run_id for photo in photos})
    Photo.objects.filter(pk__in=found).update(rule_version=rules.version)
    row.last_photo = photos[-1].pk
    RuleRun.objects.held(row).update(
        done=F("done") + len(photos), changed=F("changed") + len(changed), last_photo=row.last_photo
    )
    return True


def _finish(row):
    row.release(status=RuleRun.Status.DONE, finished_at=timezone.now())
    return False


def _try_chunk(row, size):
    photos = list(_next(Photo.objects.filter(run__isnull=False), row).select_related("run")[:size])
    if not photos:
        return _finish(row)
    _add_up(row, photos)
    row.last_photo, row.done = photos[-1].pk, row.done + len(photos)
    RuleRun.objects.held(row).update(last_photo=row.last_photo, done=row.done, found=row.found)
    return True


def _next(photos, row):
    return photos.filter(pk__gt=row.last_photo).defer("exif").order_by("pk")


def _add_up(row, photos):
    rules = versions.from_json(row.rules, row.min_confidence)
    found = {photo.pk: rules.decide(photo, photo.run) for photo in photos}
    wanted = resolve(photos, found, rules.rules)
    moved = {rule.pk for rule in rules.rules if rule.action in (REPLACE, ROLL_UP)}
    before = defaultdict(set)
    shown = PhotoLabel.objects.visible().filter(photo__in=photos)
    for photo_id, label_id in shown.values_list("photo_id", "label_id"):
        before[photo_id].add(label_id)
    counts, examples = Counter(row.found["counts"]), row.found["examples"]
    for photo in photos:
        for kind in _changes(before[photo.pk], wanted[photo.pk], moved):
            counts[kind] += 1
            ids = examples.setdefault(kind, [])
            if photo.pk not in ids and len(ids) < 8:
                ids.append(photo.pk)
    row.found = {"counts": dict(counts), "examples": examples}


def _changes(before, after, moved):
    now = {label_id for label_id, row in after.items() if row.status in PhotoLabel.VISIBLE}
    for label_id in before - now:
        row = after.get(label_id)
        if row and row.status == PhotoLabel.Status.REVIEW:
            yield TO_REVIEW
        else:
            yield REPLACED if row and row.rule_id in moved else HIDDEN
    yield from [ADDED] * len(now - before)
