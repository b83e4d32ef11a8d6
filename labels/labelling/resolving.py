"""Which label rows photos should have; what that depends on is read while the photos are locked."""

from collections import defaultdict

from django.db.models import Q

from labels.labelling import taxonomy
from labels.models import Renaming, Verdict
from labels.rules.resolve import PersonVerdict, resolve_one
from labels.text.names import fold


def resolve(photos, decisions, rules=()):
    """Return {photo id: {label id: Row}} from {photo id: decisions}; labels named first are learnt.

    `rules` (engine.Rule) say which labels are not to be shown for their children alone.
    """
    known = taxonomy.learn([decision for found in decisions.values() for decision in found])
    verdicts, renamed = _verdicts(photos), _renamed(photos)
    label_ids = {label.pk for label in known.values()}
    label_ids |= {verdict.label_id for found in verdicts.values() for verdict in found}
    labels = taxonomy.read(label_ids, rules)
    return {
        photo_id: resolve_one(
            [(known[fold(decision.name)].pk, decision) for decision in found],
            verdicts[photo_id],
            renamed[photo_id],
            labels,
        )
        for photo_id, found in decisions.items()
    }


def _verdicts(photos):
    """Return {photo id: [PersonVerdict]}, the oldest first."""
    found = defaultdict(list)
    rows = Verdict.objects.filter(photo__in=photos).order_by("at", "pk")
    for photo_id, *verdict in rows.values_list("photo_id", "label_id", "is_there", "added", "confidence"):
        found[photo_id].append(PersonVerdict(*verdict))
    return found


def _renamed(photos):
    """Return {photo id: {label id: the one it is shown as}}; a person's own beats everyone's."""
    found = {photo.owner_id: {} for photo in photos}
    rows = Renaming.objects.filter(Q(owner=None) | Q(owner__in=found))
    rows = sorted(rows.values_list("owner_id", "label_id", "target_id"), key=lambda row: row[0] is not None)
    for owner, label, target in rows:
        for one in found if owner is None else (owner,):
            found[one][label] = target
    return {photo.pk: found[photo.owner_id] for photo in photos}
