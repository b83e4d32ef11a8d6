"""The label rows of photos, brought in line with answers, rules and people; counts move with them.

To be called in a transaction that holds the photos' rows locked, in the order of their ids.
"""

from collections import Counter, defaultdict

from django.db.models import F, Q

from labels.labelling import taxonomy as learning
from labels.models import LabelCount, Photo, PhotoLabel, Renaming, Verdict
from labels.rules import engine
from labels.rules.resolve import Said, settle
from labels.selection import summaries
from labels.text.names import fold

_FIELDS = ("status", "source", "confidence", "rule_id", "why")


def wanted_rows(photos, decided, rules=()):
    """Return {photo id: {label id: Row}} of what each photo is to have; `decided` is {photo id: decisions}.

    Labels, parents and aliases the answers name for the first time are learnt on the way.
    """
    known = learning.labels([decision for decisions in decided.values() for decision in decisions])
    verdicts, renamings = _verdicts(photos), _renamings({photo.owner_id for photo in photos})
    involved = {label.pk for label in known.values()} | {s.label_id for row in verdicts.values() for s in row}
    taxonomy = learning.taxonomy(
        involved, lambda name, category, above: engine.bars(rules, name, category, above)
    )
    return {
        photo.pk: settle(
            [(known[fold(decision.name)].pk, decision) for decision in decided[photo.pk]],
            verdicts[photo.pk],
            renamings[photo.owner_id],
            taxonomy,
        )
        for photo in photos
    }


def rewrite(photos, decided, rules=(), runs=None):
    """Write the rows, counts and summaries of the photos; return the ids of those that changed.

    `runs` is {photo id: DetectionRun id} of the answers the decisions come from.
    """
    runs = runs or {}
    wanted = wanted_rows(photos, decided, rules)
    existing = defaultdict(dict)
    for row in PhotoLabel.objects.filter(photo__in=photos):
        existing[row.photo_id][row.label_id] = row
    gone, new, changed, touched = [], [], [], set()
    moves = Counter()
    for photo in photos:
        before, after = existing[photo.pk], wanted[photo.pk]
        _note_moves(moves, photo, before, after)
        lost = [row.pk for label_id, row in before.items() if label_id not in after]
        fresh = [
            _row(photo, label_id, row, runs) for label_id, row in after.items() if label_id not in before
        ]
        kept = [(row, after[label_id]) for label_id, row in before.items() if label_id in after]
        other = [stored for stored, row in kept if _update(stored, row, photo, runs)]
        if lost or fresh or other:
            touched.add(photo.pk)
        gone += lost
        new += fresh
        changed += other
    PhotoLabel.objects.filter(pk__in=gone).delete()
    for row in changed:
        # As one upsert: an UPDATE with a CASE for each of thousands of rows takes ten times as long.
        row.pk = None
    PhotoLabel.objects.bulk_create(
        new + changed,
        update_conflicts=True,
        unique_fields=["photo", "label"],
        update_fields=["status", "source", "confidence", "rule", "why", "run"],
    )
    _summarise([photo for photo in photos if photo.pk in touched])
    move_counts(moves)
    return touched


def move_counts(moves):
    """Add {(owner id, label id): difference} to the counts."""
    moves = {key: difference for key, difference in moves.items() if difference}
    if not moves:
        return
    keys = sorted(moves, key=lambda key: (key[1], key[0]))
    LabelCount.objects.bulk_create(
        [LabelCount(owner_id=owner, label_id=label) for owner, label in keys if moves[owner, label] > 0],
        ignore_conflicts=True,
    )
    by_difference = defaultdict(list)
    for owner, label in keys:
        by_difference[owner, moves[owner, label]].append(label)
    wanted = Q()
    for owner in {owner for owner, _ in keys}:
        wanted |= Q(owner=owner, label__in=[label for one, label in keys if one == owner])
    # One UPDATE of many rows locks them in any order; locked in label order first, nobody waits in a ring.
    list(LabelCount.objects.filter(wanted).select_for_update().order_by("label_id", "owner_id"))
    for (owner, difference), labels in by_difference.items():
        LabelCount.objects.filter(owner=owner, label__in=labels).update(count=F("count") + difference)


def _verdicts(photos):
    """Return {photo id: [Said]}, the oldest first."""
    found = defaultdict(list)
    rows = Verdict.objects.filter(photo__in=photos).order_by("at", "pk")
    for photo_id, *said in rows.values_list("photo_id", "label_id", "is_there", "added", "confidence"):
        found[photo_id].append(Said(*said))
    return found


def _renamings(owners):
    """Return {owner id: {label id: the one it is shown as}}; a person's own beats everyone's."""
    found = {owner: {} for owner in owners}
    rows = Renaming.objects.filter(Q(owner=None) | Q(owner__in=owners))
    rows = sorted(rows.values_list("owner_id", "label_id", "target_id"), key=lambda row: row[0] is not None)
    for owner, label, target in rows:
        for one in owners if owner is None else (owner,):
            found[one][label] = target
    return found


def _row(photo, label_id, row, runs):
    return PhotoLabel(
        photo_id=photo.pk,
        label_id=label_id,
        run_id=runs.get(photo.pk),
        **{name: getattr(row, name) for name in _FIELDS},
    )


def _update(stored, row, photo, runs):
    """Bring a stored row in line; return whether that changed it."""
    values = {name: getattr(row, name) for name in _FIELDS}
    values["run_id"] = runs.get(photo.pk, stored.run_id)
    changed = {name: value for name, value in values.items() if getattr(stored, name) != value}
    for name, value in changed.items():
        setattr(stored, name, value)
    return bool(changed)


def _note_moves(moves, photo, before, after):
    """Add what the photo shows from now on, and take off what it shows no longer."""
    was = {label_id for label_id, row in before.items() if row.status in PhotoLabel.VISIBLE}
    now = {label_id for label_id, row in after.items() if row.status in PhotoLabel.VISIBLE}
    moves.update({(photo.owner_id, label_id): 1 for label_id in now - was})
    moves.subtract({(photo.owner_id, label_id): 1 for label_id in was - now})


def _summarise(photos):
    if not photos:
        return
    shown = summaries.write(photos)
    for photo in photos:
        photo.label_count = len(shown[photo.pk])
    Photo.objects.bulk_update(photos, ["label_count"])
