"""Pure: what changes from the label rows that photos have to those they should have."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from labels.models import PhotoLabel


@dataclass
class Changes:
    """`counts` is {(owner id, label id): difference} of the photos that show a label."""

    gone: list[int] = field(default_factory=list)
    written: list[PhotoLabel] = field(default_factory=list)
    counts: Counter = field(default_factory=Counter)
    photo_ids: set[int] = field(default_factory=set)


def compare(photos, wanted, stored, runs):
    """Return the Changes that lead from the `stored` rows of the photos to `wanted`; see record.record."""
    before = defaultdict(dict)
    for row in stored:
        before[row.photo_id][row.label_id] = row
    changes = Changes()
    for photo in photos:
        _compare_one(changes, photo, before[photo.pk], wanted[photo.pk], runs)
    return changes


def _compare_one(changes, photo, before, after, runs):
    gone = [row.pk for label_id, row in before.items() if label_id not in after]
    written = []
    for label_id, row in after.items():
        old = before.get(label_id)
        values = {**vars(row), "run_id": runs.get(photo.pk, old and old.run_id)}
        if old is None or any(getattr(old, name) != value for name, value in values.items()):
            written.append(PhotoLabel(photo_id=photo.pk, label_id=label_id, **values))
    if gone or written:
        changes.photo_ids.add(photo.pk)
    changes.gone += gone
    changes.written += written
    was, now = _shown(before), _shown(after)
    changes.counts.update({(photo.owner_id, label_id): 1 for label_id in now - was})
    changes.counts.subtract({(photo.owner_id, label_id): 1 for label_id in was - now})


def _shown(rows):
    return {label_id for label_id, row in rows.items() if row.status in PhotoLabel.VISIBLE}
