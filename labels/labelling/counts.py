"""How many photos of each owner show each label: written only here, with the label rows they count."""

from collections import Counter, defaultdict
from functools import reduce
from operator import or_

from django.db import transaction
from django.db.models import Count, F, Q, Value

from labels.models import LabelCount, PhotoLabel


def add(differences):
    """Add {(owner id, label id): difference} to the counts."""
    moves = {key: difference for key, difference in differences.items() if difference}
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
    wanted = reduce(or_, (Q(owner=owner, label__in=labels) for (owner, _), labels in by_difference.items()))
    # One UPDATE of many rows locks them in any order; locked in label order first, there is no deadlock.
    list(LabelCount.objects.filter(wanted).select_for_update().order_by("label_id", "owner_id"))
    for (owner, difference), labels in by_difference.items():
        LabelCount.objects.filter(owner=owner, label__in=labels).update(count=F("count") + difference)


@transaction.atomic
def differences(repair=False):
    """Return [(owner id, label id, stored, true)] where a stored count is wrong; mend them if asked."""
    if repair:
        # Who is labelling now waits here, and adds to what is right by then.
        list(LabelCount.objects.select_for_update().order_by("label_id", "owner_id"))
    stored, true = _counts()
    keys = sorted(stored.keys() | true.keys())
    wrong = [(*key, stored[key], true[key]) for key in keys if stored[key] != true[key]]
    for owner, label, _, count in wrong if repair else ():
        LabelCount.objects.update_or_create(owner_id=owner, label_id=label, defaults={"count": count})
    return wrong


def _counts():
    """Return two Counters of {(owner id, label id)}: as they are stored, and as they truly are."""
    # By one statement: between two of them PostgreSQL would let others commit.
    kept = LabelCount.objects.values_list("owner", "label", "count", Value("stored"))
    rows = PhotoLabel.objects.visible().values("photo__owner", "label").annotate(n=Count("pk"))
    shown = rows.values_list("photo__owner", "label", "n", Value("true"))
    found = {"stored": Counter(), "true": Counter()}
    for owner_id, label_id, count, which in kept.order_by().union(shown.order_by(), all=True):
        found[which][owner_id, label_id] = count
    return found["stored"], found["true"]
