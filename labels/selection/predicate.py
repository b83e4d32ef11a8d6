"""Which photos a person means: ONE predicate for the number at a checkbox, the grid, the plan and the zip."""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from functools import cached_property

from django.db.models import Count, Exists, OuterRef, Q

from labels.models import LabelCount, Photo, PhotoLabel
from labels.selection.facts import moment
from labels.selection.library import library, numbers
from labels.text.names import fold

ANY, ALL = "any", "all"
UNLABELLED, FAILED = "unlabelled", "failed"
_STATES = {UNLABELLED: "no label yet", FAILED: "failed"}


@dataclass(frozen=True)
class Selection:
    """Label names in the order they were given; `state` narrows to "unlabelled" or "failed" photos.

    With nothing chosen at all the selection is empty: it holds no photo.
    """

    any: tuple[str, ...] = ()
    all: tuple[str, ...] = ()
    none: tuple[str, ...] = ()
    state: str = ""
    everything: bool = False

    @property
    def is_empty(self):
        return not (self.any or self.all or self.none or self.state or self.everything)

    @property
    def included(self):
        return self.any + self.all

    @classmethod
    def from_query(cls, query):
        """Read ?match=any|all&label=…&none=…&state=…&everything=1; ignore what makes no sense."""
        labels = _unique(query.getlist("label"))
        match_all = query.get("match") == ALL
        none = _unique(query.getlist("none"))
        excluded = {fold(name) for name in none}
        return cls(
            any=_unique([*query.getlist("any"), *(() if match_all else labels)], excluded),
            all=_unique([*query.getlist("all"), *(labels if match_all else ())], excluded),
            none=none,
            state=query.get("state") if query.get("state") in _STATES else "",
            everything=query.get("everything") == "1",
        )

    @classmethod
    def from_json(cls, data):
        return cls(**{name: tuple(v) if isinstance(v, list) else v for name, v in data.items()})

    def as_json(self):
        return {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(self).items()}

    def fields(self):
        if self.any and self.all:
            pairs = [("any", name) for name in self.any] + [("all", name) for name in self.all]
        else:
            pairs = [("match", ALL)] if self.all else []
            pairs += [("label", name) for name in self.included]
        pairs += [("none", name) for name in self.none]
        if self.state:
            pairs.append(("state", self.state))
        if self.everything:
            pairs.append(("everything", "1"))
        return pairs

    def key(self):
        how, names = ("any", self.any) if self.any or not self.all else ("all", self.all)
        if len(self.included) == 1:
            how, names = "one", self.included
        beside = self.all if self.any else ()
        folded = [sorted(map(fold, group)) for group in (names, beside, self.none)]
        said = [how, *folded, self.state, self.everything]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()

    def without(self, name):
        key = fold(name)
        left = {how: tuple(n for n in getattr(self, how) if fold(n) != key) for how in (ANY, ALL, "none")}
        return replace(self, **left)

    def words(self):
        """Return the selection as people say it: "any of Lake, Sea; none of Person"."""
        parts = []
        for how, names in (("any of", self.any), ("all of", self.all), ("none of", self.none)):
            if names:
                alone = len(names) == 1 and how != "none of"
                parts.append(names[0] if alone else f"{how} {', '.join(names)}")
        if self.state:
            parts.append(_STATES[self.state])
        return "; ".join(parts) or ("all photos" if self.everything else "nothing")


def photos(owner, selection):
    if selection.is_empty:
        return Photo.objects.none()
    found = _before_any(owner, selection)
    return found.filter(pk__in=_labelled(selection.any)) if selection.any else found


class Overview:
    """What the pages say about a selection, by the owner's library in memory (selection.index).

    The same predicate as `photos()`: a tick must not cost a join over a million rows.
    """

    def __init__(self, owner, selection):
        self.owner, self.selection = owner, selection
        self.library = library(owner.pk)
        self.chosen = self._before_any = self._all_but_any()
        if selection.any:
            self.chosen = self.chosen & self.library.with_any(self._ids(selection.any))

    def __len__(self):
        return len(self.chosen)

    @cached_property
    def labels(self):
        """Return the labels that the owner's photos show, by name."""
        counts = LabelCount.objects.filter(owner=self.owner, count__gt=0).order_by("label__key")
        columns = ("label_id", "label__key", "label__name", "label__category", "count")
        return list(counts.values_list(*columns, named=True))

    @cached_property
    def slots(self):
        """Return the places of the photos in the library's arrays, oldest first, as in an archive."""
        return self.library.in_order(self.chosen)

    def newest(self, number, before=None):
        """Return the ids of the newest photos, or of those that follow (shown_at, id) in that order."""
        stop = self._place(*before) if before else len(self.slots)
        return self._ids_at(slice(max(stop - number, 0), stop))[::-1]

    def neighbours(self, photo):
        """Return the id of the next newer and of the next older photo, None where there is none."""
        place = self._place(photo.shown_at, photo.pk)
        older = self._ids_at(slice(max(place - 1, 0), place))
        newer = [pk for pk in self._ids_at(slice(place, place + 2)) if pk != photo.pk]
        return next(iter(newer), None), next(iter(older), None)

    def count_between(self, since, until):
        return self._place(until) - self._place(since)

    def facets(self, match):
        """Return {label id: photos that would remain if that label were ticked too}, without zeros.

        For a ticked label: how many photos of the selection have it; excluded ones are missing. With `match`
        any, ticking joins: |S or L| = |S| + |L| - |S and L|.
        """
        if self.selection.is_empty:
            return {label.label_id: label.count for label in self.labels}
        both = self.library.label_counts(self.chosen)
        if match == ALL or not self.selection.any:
            return both
        total = len(self.chosen)
        reach = self.library.label_counts(self._before_any)
        ticked, excluded = _keys(self.selection.any), _keys(self.selection.none)
        left = {}
        for label in self.labels:
            if label.label__key not in excluded:
                shared = both.get(label.label_id, 0)
                is_ticked = label.label__key in ticked
                left[label.label_id] = shared if is_ticked else total + reach.get(label.label_id, 0) - shared
        return {label_id: count for label_id, count in left.items() if count}

    def states(self):
        """Return (unlabelled, failed) photos of the library."""
        rows = Photo.objects.filter(owner=self.owner, status=Photo.Status.FAILED)
        failed = self.library.with_ids(numbers(rows, "pk"))
        return self.library.unlabelled() - failed, failed

    def _all_but_any(self):
        found, selection = self.library.photos, self.selection
        if selection.is_empty:
            return found - found
        if selection.all:
            ids = self._ids(selection.all)
            # A label that no photo shows is in no list.
            complete = len(ids) == len(_keys(selection.all))
            found = found & self.library.with_all(ids) if complete else found - found
        if selection.none:
            found = found - self.library.with_any(self._ids(selection.none))
        if selection.state:
            unlabelled, failed = self.states()
            found = found & (failed if selection.state == FAILED else unlabelled)
        return found

    def _ids(self, names):
        keys = _keys(names)
        return [label.label_id for label in self.labels if label.label__key in keys]

    def _ids_at(self, places):
        return self.library.facts.photo_id[self.slots[places]].tolist()

    def _place(self, shown_at, photo_id=0):
        return self.library.place(self.slots, moment(shown_at), photo_id)


def _before_any(owner, selection):
    """Return the photos that meet everything but the ticks joined by "any"."""
    found = Photo.objects.filter(owner=owner)
    if selection.all:
        # One subquery for any number of names: a thousand of them in a link are more than SQLite nests.
        number = _labelled(selection.all).annotate(labels=Count("pk"))
        found = found.filter(pk__in=number.filter(labels=len(_keys(selection.all))).values("photo_id"))
    if selection.none:
        found = found.exclude(pk__in=_labelled(selection.none))
    if selection.state == UNLABELLED:
        visible = PhotoLabel.objects.visible().filter(photo=OuterRef("pk"))
        found = found.filter(~Q(status=Photo.Status.FAILED), ~Exists(visible))
    if selection.state == FAILED:
        found = found.filter(status=Photo.Status.FAILED)
    return found


def _labelled(names):
    return PhotoLabel.objects.visible().filter(label__key__in=_keys(names)).values("photo_id")


def _keys(names):
    return {fold(name) for name in names}


def _unique(names, excluded=frozenset()):
    """Return the names once each, in order, blank ones dropped; an exclusion beats a tick."""
    by_key = {}
    for name in names:
        # Cut first: what is cut to the same name is the same label. PostgreSQL refuses NUL in a text.
        name = " ".join(name.replace("\0", "").split())[:100].rstrip()
        key = fold(name)
        if key and key not in excluded:
            by_key.setdefault(key, name)
    return tuple(by_key.values())
