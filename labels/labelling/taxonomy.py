"""Labels, parents, aliases and categories: learnt from answers, and read."""

from labels.models import Label, LabelAlias
from labels.rules.engine import bars
from labels.rules.resolve import Taxonomy, closure
from labels.text.names import fold


def learn(decisions):
    """Return {key: Label} for all names in the decisions, parents included; create new ones."""
    names = {fold(name): name for d in decisions for name in (*d.parents, d.name)}
    known = labels_by_key(names.keys())
    if missing := names.keys() - known.keys():
        # In key order and without error when another worker was first.
        categories = {fold(d.name): d.category for d in decisions}
        Label.objects.bulk_create(
            [Label(name=names[key], key=key, category=categories.get(key, "")) for key in sorted(missing)],
            ignore_conflicts=True,
        )
        known.update(labels_by_key(missing))
    _learn_parents(decisions, known)
    _learn_aliases(decisions, known)
    return known


def read(label_ids, rules=()):
    """Return the Taxonomy of these labels, by the few queries that reach what is above them."""
    link = Label.parents.through
    edges, waiting, asked = set(), set(label_ids), set()
    while waiting:
        asked |= waiting
        found = link.objects.filter(from_label_id__in=waiting).values_list("from_label_id", "to_label_id")
        edges.update(found)
        waiting = {parent for _, parent in found} - asked
    rows = Label.objects.filter(pk__in=asked).values_list("pk", "name", "category")
    names = {pk: name for pk, name, _ in rows}
    above = closure(edges)
    return Taxonomy(
        above=above,
        names=names,
        facts=frozenset(pk for pk, _, category in rows if category in Label.FACTS),
        barred=frozenset(
            pk
            for pk, name, category in rows
            if bars(rules, name, category, [names[one] for one in above.get(pk, ()) if one in names])
        ),
    )


def closes_circle(child_id, parent_ids):
    """Return whether one of the parents is the label itself or below it."""
    return child_id in set(parent_ids).union(*read(parent_ids).above.values())


def labels_by_key(keys):
    """Return {key: Label}; an alias is the label it belongs to."""
    known = {label.key: label for label in Label.objects.filter(key__in=keys)}
    aliases = LabelAlias.objects.filter(key__in=keys - known.keys()).select_related("label")
    return known | {alias.key: alias.label for alias in aliases}


def _learn_parents(decisions, known):
    link = Label.parents.through
    wanted = {
        (known[fold(d.name)].pk, known[fold(parent)].pk)
        for d in decisions
        for parent in d.parents
        if not known[fold(d.name)].parents_fixed
    }
    stored = link.objects.filter(from_label_id__in={child for child, _ in wanted})
    stored = set(stored.values_list("from_label_id", "to_label_id"))
    new = sorted((child, parent) for child, parent in wanted - stored if child != parent)
    if not new:
        return
    above = dict(read({label for pair in new for label in pair}).above)
    fresh = []
    for child, parent in new:
        # Two detectors may disagree about which is above the other: who came first is believed.
        if child not in above.get(parent, ()):
            fresh.append(link(from_label_id=child, to_label_id=parent))
            higher = {parent} | above.get(parent, frozenset())
            for below in [child, *(label for label, those in above.items() if child in those)]:
                above[below] = above.get(below, frozenset()) | higher
    link.objects.bulk_create(fresh, ignore_conflicts=True)


def _learn_aliases(decisions, known):
    # Of two labels with this alias the first has it.
    wanted = {fold(alias): (alias, d.name) for d in reversed(decisions) for alias in reversed(d.aliases)}
    new = wanted.keys() - known.keys()
    new -= labels_by_key(new).keys()
    LabelAlias.objects.bulk_create(
        [LabelAlias(key=key, name=wanted[key][0], label=known[fold(wanted[key][1])]) for key in sorted(new)],
        ignore_conflicts=True,
    )
