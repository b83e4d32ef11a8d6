"""What people decide about labels, as verdicts beside what a detector said; rows are resolved from both.

So a decision survives every later answer, and undo is deleting the verdict.
"""

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from labels.labelling import taxonomy
from labels.labelling.record import record
from labels.labelling.resolving import resolve
from labels.models import Change, Label, Photo, PhotoLabel, Renaming, ReplacedVerdict, Verdict
from labels.rules import engine, versions
from labels.text.names import fold

CHUNK = 500


class NotDecided(Exception):
    """Why it cannot be done, in words for the person who asked."""


def decide(owner, actor, action, name, photos, words=""):
    """Return the Change that adds, confirms or removes a label on the owner's photos; not carried out yet."""
    label = _label(owner, name, may_be_new=action == Change.Action.ADD)
    ids = list(photos.order_by("pk").values_list("pk", flat=True))
    return _create(owner, actor, action, label, ids, selection=words[:200])


@transaction.atomic
def rename(owner, actor, name, new_name):
    """Return the Change that shows a label under another name; without an owner it holds in every library."""
    label, target = _label(owner, name), _label(owner, new_name, may_be_new=True, category_of=name)
    if label == target:
        raise NotDecided(f"“{label}” is called that already.")
    _lock_labels(label.pk, target.pk)
    rows = Renaming.objects.filter(owner=owner, label__in=(label, target))
    before = [[row.label_id, row.target_id] for row in rows]
    rows.delete()
    Renaming.objects.create(owner=owner, label=label, target=target)
    ids = _photo_ids(owner, label, target)
    return _create(owner, actor, Change.Action.RENAME, label, ids, target=target, renamed_before=before)


def _create(owner, actor, action, label, ids, **fields):
    return Change.objects.create(
        owner=owner, actor=actor, action=action, label=label, photos=ids, total=len(ids), **fields
    )


@transaction.atomic
def undo(owner):
    """Return the owner's last change, set to be undone; None when there is none."""
    last = Change.objects.select_for_update(no_key=True).filter(owner=owner, undone_at=None).first()
    if last is None:
        return None
    if last.status != Change.Status.DONE:
        raise NotDecided("It is still being carried out. Wait until it is done.")
    if last.action == Change.Action.RENAME:
        _lock_labels(last.label_id, last.target_id)
        if Change.objects.filter(owner=owner, undone_at=None, pk__gt=last.pk).exists():
            raise NotDecided("Something else was changed just now. Look again, then undo it.")
        Renaming.objects.filter(owner=owner, label=last.label_id, target=last.target_id).delete()
        for label_id, target_id in last.renamed_before:
            Renaming.objects.create(owner=owner, label_id=label_id, target_id=target_id)
        last.photos = _photo_ids(owner, last.label, last.target)
        last.total = len(last.photos)
    last.undone_at, last.status, last.done, last.attempts = timezone.now(), Change.Status.WAITING, 0, 0
    last.next_attempt_at = last.undone_at
    last.save()
    return last


def _lock_labels(*label_ids):
    # Two who rename the same label at once do it one after the other.
    list(Label.objects.select_for_update(no_key=True).filter(pk__in=label_ids).order_by("pk"))


def carry_on(change, size=CHUNK):
    return change.carry_on(lambda: _chunk(change, size))


def _chunk(change, size):
    ids = change.photos[change.done : change.done + size]
    if not ids:
        change.release(status=Change.Status.DONE)
        return False
    photos = Photo.objects.filter(pk__in=ids).lock_with_runs()
    if change.action != Change.Action.RENAME:
        _put_back(change, photos) if change.undone_at else _replace(change, photos)
    resolve_again(photos)
    change.done += len(ids)
    Change.objects.held(change).update(done=change.done)
    return True


def _replace(change, photos):
    rows = PhotoLabel.objects.filter(photo__in=photos, label=change.label_id).select_related("run")
    seen = {row.photo_id: row for row in rows}
    known = Verdict.objects.filter(photo__in=photos, label=change.label_id)
    ReplacedVerdict.objects.bulk_create(
        ReplacedVerdict(change=change, photo_id=row.photo_id, made_by_id=row.change_id, **_values(row))
        for row in known
        if row.change_id != change.pk
    )
    if change.action == Change.Action.CONFIRM:
        photos = [photo for photo in photos if photo.pk in seen]
    _store(_verdict(change, photo, seen.get(photo.pk)) for photo in photos)


def _verdict(change, photo, row):
    detected = row is not None and row.source != PhotoLabel.Source.PERSON
    return Verdict(
        photo=photo,
        label_id=change.label_id,
        is_there=change.action != Change.Action.REMOVE,
        added=change.action == Change.Action.ADD and not detected,
        confidence=row.confidence if detected else None,
        detector=row.run.detector if detected and row.run else "",
        by_id=change.actor_id,
        at=timezone.now(),
        change=change,
    )


def _put_back(change, photos):
    """Put the verdicts back that were there before; what was decided since stays."""
    mine = Verdict.objects.filter(photo__in=photos, label=change.label_id, change=change)
    ids = set(mine.values_list("photo_id", flat=True))
    mine.delete()
    _store(
        Verdict(photo_id=row.photo_id, label_id=change.label_id, change_id=row.made_by_id, **_values(row))
        for row in _replaced(change, ids)
    )


def _replaced(change, photo_ids):
    """Return the ReplacedVerdicts to put back, past those whose own change was undone since."""
    found, pairs = [], {(change.pk, photo_id) for photo_id in photo_ids}
    # Of two changes made at once the later one may have been carried out first.
    while pairs:
        changes, photos = zip(*pairs, strict=True)
        rows = ReplacedVerdict.objects.filter(change__in=set(changes), photo__in=photos)
        rows = [row for row in rows if (row.change_id, row.photo_id) in pairs]
        makers = Change.objects.filter(pk__in={row.made_by_id for row in rows}, undone_at__isnull=False)
        undone = set(makers.values_list("pk", flat=True))
        found += [row for row in rows if row.made_by_id not in undone]
        pairs = {(row.made_by_id, row.photo_id) for row in rows if row.made_by_id in undone}
    return found


def _values(row):
    names = ("is_there", "added", "confidence", "detector", "by_id", "at")
    return {name: getattr(row, name) for name in names}


def _store(verdicts):
    Verdict.objects.bulk_create(
        verdicts,
        update_conflicts=True,
        unique_fields=["photo", "label"],
        update_fields=["is_there", "added", "confidence", "detector", "by", "at", "change"],
    )


def resolve_again(photos):
    rules = versions.in_force()
    found = {photo.pk: rules.decide(photo, photo.run) if photo.run else [] for photo in photos}
    record(photos, resolve(photos, found, rules.rules))
    Photo.objects.filter(pk__in=found, run__isnull=False).update(rule_version=rules.version)


def _photo_ids(owner, *labels):
    """Return the ids of the photos with one of these labels; without an owner everyone's."""
    photos = Photo.objects.filter(Q(photo_labels__label__in=labels) | Q(verdicts__label__in=labels))
    photos = photos.filter(owner=owner) if owner else photos
    return list(photos.order_by("pk").values_list("pk", flat=True).distinct())


def _label(owner, name, may_be_new=False, category_of=""):
    """Return the label of that name; what only others have in their libraries is as if it did not exist."""
    name = " ".join(name.replace("\0", "").split())
    key = fold(name)
    if not name or max(len(name), len(key)) > engine.MAX_NAME:
        raise NotDecided(f"A label has 1 to {engine.MAX_NAME} characters.")
    label = taxonomy.labels_by_key({key}).get(key)
    if label is None and may_be_new:
        known = Label.objects.filter(key=fold(category_of)).first()
        label, is_new = Label.objects.get_or_create(
            key=key, defaults={"name": name, "category": known.category if known else ""}
        )
        if known and is_new:
            label.parents.set(known.parents.all())
    if label is None or not (may_be_new or _has(owner, label)):
        raise NotDecided(f"No label is called “{name}”.")
    return label


def _has(owner, label):
    if owner is None:
        return True
    renamed = Renaming.objects.filter(owner=owner).filter(Q(label=label) | Q(target=label))
    of_photos = (model.objects.filter(photo__owner=owner, label=label) for model in (PhotoLabel, Verdict))
    return any(rows.exists() for rows in (renamed, *of_photos))
