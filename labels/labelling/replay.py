"""Rules applied to the kept answers of the whole library: in chunks, at no detection cost.

What is left to do stands in the photos themselves: those whose labels follow other rules than the ones
in force. So a replay that was killed goes on, and one that is run twice changes nothing.
"""

import time
from collections import Counter

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from labels.labelling import rows as rewriting
from labels.models import Label, Photo, PhotoLabel, Renaming, RuleRun
from labels.rules import versions
from labels.rules.engine import REPLACE, ROLL_UP

CHUNK = 500
# Below the time-out of a task; the sweep rings for the rest.
TURN_SECONDS = 50
EXAMPLES = 8
HIDDEN, REPLACED, TO_REVIEW, ADDED = "hidden", "replaced", "review", "added"
_UNFINISHED = (RuleRun.Status.WAITING, RuleRun.Status.RUNNING)


def stale():
    """Return the photos whose labels do not follow the rules in force."""
    answered = Photo.objects.filter(run__isnull=False)
    version = versions.current_version()
    return answered.filter(Q(policy=None) | ~Q(policy=version)) if version else answered.none()


def start():
    """Return the replay that brings all stale photos in line, a new one unless it runs; None without any."""
    count = stale().count()
    if not count:
        return None
    running = RuleRun.objects.filter(is_dry=False, status__in=_UNFINISHED).first()
    if running:
        RuleRun.objects.filter(pk=running.pk).update(total=F("done") + count, last_photo=0)
        return running
    return RuleRun.objects.create(total=count)


def mark(label, author):
    """Make stale all photos under the label, or one below it, or a new name of these."""
    if versions.current_version() is None:
        versions.put_in_force(author, "As they stood before labels were put below others")
    below, waiting = set(), {label.pk}
    while waiting:
        below |= waiting
        children = Label.objects.filter(parents__in=waiting).values_list("pk", flat=True)
        waiting = set(children) - below
    below |= set(Renaming.objects.filter(label__in=below).values_list("target_id", flat=True))
    rows = PhotoLabel.objects.filter(label__in=below).values("photo_id")
    with transaction.atomic():
        Photo.objects.filter(pk__in=rows).lock()
        Photo.objects.filter(pk__in=rows).update(policy=None)


def start_dry():
    """Return a new dry replay of the rules being edited over the whole library."""
    rules = versions.draft()
    return RuleRun.objects.create(
        is_dry=True,
        rules=versions.snapshot(),
        min_confidence=rules.min_confidence,
        total=Photo.objects.filter(run__isnull=False).count(),
        found={"counts": {}, "examples": {}},
    )


def carry_on(replay, seconds=TURN_SECONDS, size=CHUNK):
    """Work on the held replay for a while; return whether it is done, or lost to another worker."""
    until = time.monotonic() + seconds
    step = _try_chunk if replay.is_dry else _apply_chunk
    while time.monotonic() < until:
        if not step(replay, size):
            return True
    replay.continue_later()
    return False


@transaction.atomic
def _apply_chunk(replay, size):
    """Bring the next photos in line; return whether there may be more."""
    if not replay.renew_lease():
        return False
    rules = versions.in_force()
    photos = list(_next(stale(), replay, size).select_for_update(of=("self",), no_key=True))
    if not photos:
        return _come_round(replay)
    decided = {photo.pk: rules.decide(photo, photo.run) for photo in photos}
    changed = rewriting.rewrite(photos, decided, rules.rules, {photo.pk: photo.run_id for photo in photos})
    Photo.objects.filter(pk__in=decided).update(policy=rules.version)
    replay.last_photo = photos[-1].pk
    RuleRun.objects.held(replay).update(
        done=F("done") + len(photos), changed=F("changed") + len(changed), last_photo=replay.last_photo
    )
    return True


def _come_round(replay):
    """Look again from the first photo on, for those that came behind; end when there are none."""
    if replay.last_photo and stale().exists():
        replay.last_photo = 0
        return True
    _finish(replay)
    return False


def _finish(replay):
    replay.release(status=RuleRun.Status.DONE, finished_at=timezone.now())


@transaction.atomic
def _try_chunk(replay, size):
    """Add up what the tried rules would change on the next photos; return whether there may be more."""
    if not replay.renew_lease():
        return False
    photos = list(_next(Photo.objects.filter(run__isnull=False), replay, size))
    if not photos:
        _finish(replay)
        return False
    _add_up(replay, photos)
    replay.last_photo, replay.done = photos[-1].pk, replay.done + len(photos)
    RuleRun.objects.held(replay).update(last_photo=replay.last_photo, done=replay.done, found=replay.found)
    return True


def _next(photos, replay, size):
    return photos.filter(pk__gt=replay.last_photo).select_related("run").defer("exif").order_by("pk")[:size]


def _add_up(replay, photos):
    rules = versions.from_json(replay.rules, replay.min_confidence)
    decided = {photo.pk: rules.decide(photo, photo.run) for photo in photos}
    moved = {rule.pk for rule in rules.rules if rule.action in (REPLACE, ROLL_UP)}
    wanted = rewriting.wanted_rows(photos, decided, rules.rules)
    before = {photo.pk: set() for photo in photos}
    rows = PhotoLabel.objects.visible().filter(photo__in=photos)
    for photo_id, label_id in rows.values_list("photo_id", "label_id"):
        before[photo_id].add(label_id)
    counts, examples = Counter(replay.found["counts"]), replay.found["examples"]
    for photo in photos:
        for kind in _changes(before[photo.pk], wanted[photo.pk], moved):
            counts[kind] += 1
            shown = examples.setdefault(kind, [])
            if photo.pk not in shown and len(shown) < EXAMPLES:
                shown.append(photo.pk)
    replay.found = {"counts": dict(counts), "examples": examples}


def _changes(before, after, moved):
    """Yield what becomes of each label that would come or go."""
    now = {label_id for label_id, row in after.items() if row.status in PhotoLabel.VISIBLE}
    for label_id in before - now:
        row = after.get(label_id)
        if row and row.status == PhotoLabel.Status.REVIEW:
            yield TO_REVIEW
        else:
            yield REPLACED if row and row.rule_id in moved else HIDDEN
    yield from [ADDED] * len(now - before)
