"""What resolving needs besides the decisions, read while the photos are locked."""

from collections import defaultdict

from django.db.models import Q

from labels.labelling import taxonomy
from labels.models import Renaming, Verdict
from labels.rules.resolve import Context, PersonVerdict


def read(photos, decisions, rules=()):
    """Return the Context of {photo id: decisions}; labels, parents and aliases named first are learnt.

    `rules` (engine.Rule) say which labels are not to be shown for their children alone.
    """
    known = taxonomy.learn([decision for found in decisions.values() for decision in found])
    verdicts = _verdicts(photos)
    label_ids = {label.pk for label in known.values()}
    label_ids |= {verdict.label_id for found in verdicts.values() for verdict in found}
    return Context(
        {key: label.pk for key, label in known.items()},
        verdicts,
        _renamed(photos),
        taxonomy.read(label_ids, rules),
    )


def _verdicts(photos):
    """Return {photo id: [PersonVerdict]}, the oldest first."""
    found = defaultdict(list)
    rows = Verdict.objects.filter(photo__in=photos).order_by("at", "pk")
    for photo_id, *verdict in rows.values_list("photo_id", "label_id", "is_there", "added", "confidence"):
        found[photo_id].append(PersonVerdict(*verdict))
    return found


def _renamed(photos):
    """Return {photo id: {label id: the one it is shown as}}; a person's own beats everyone's."""
    owners = {photo.owner_id for photo in photos}
    found = {owner: {} for owner in owners}
    rows = Renaming.objects.filter(Q(owner=None) | Q(owner__in=owners))
    rows = sorted(rows.values_list("owner_id", "label_id", "target_id"), key=lambda row: row[0] is not None)
    for owner, label, target in rows:
        for one in owners if owner is None else (owner,):
            found[one][label] = target
    return {photo.pk: found[photo.owner_id] for photo in photos}
