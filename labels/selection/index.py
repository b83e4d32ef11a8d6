"""Pure: the photos of one library in memory, to count labels and to size archives at once.

Each photo has a slot, a number from 0. Sets of photos are Roaring bitmaps of slots; what is known of each
photo stands in arrays by slot. What would be a join over a million rows each time is a walk through memory.
"""

from array import array
from bisect import bisect_left
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from labels.selection.facts import ODD, PLAIN

Numbers = NDArray[np.int64]
Slots = NDArray[np.intp]
# So many photos are put in their places among the others; more of them are sorted together with them.
_FEW = 2000


class Facts(NamedTuple):
    """Columns of models.PhotoSummary."""

    photo_id: Numbers
    version: Numbers
    moment: Numbers
    size: Numbers
    archive_bytes: Numbers
    name_bytes: Numbers
    name_family: Numbers
    name_kind: Numbers


class Index:
    """The photos of one library. It never changes, so threads can share it: `updated` returns another."""

    def __init__(self) -> None:
        self.facts = Facts(*(np.zeros(0, np.int64) for _ in Facts._fields))
        self.photos = BitMap()  # A deleted one leaves its slot empty.
        self._labels: dict[int, BitMap] = {}

    def __len__(self) -> int:
        return len(self.photos)

    @cached_property
    def version(self) -> int:
        return int(self.facts.version.max(initial=0))

    def updated(self, rows: Facts, label_ids: Numbers) -> "Index":
        """Return the index with these photos as they are now; those without archive_bytes are deleted.

        `label_ids` are the labels of each photo, one photo after the other, a zero after each.
        """
        after, slots = Index(), self._slots_for(rows.photo_id)
        pairs = zip(self.facts, rows, strict=True)
        after.facts = Facts(*(_with(column, slots, values) for column, values in pairs))
        changed = _bitmap(slots)
        after.photos = (self.photos | changed) - _bitmap(slots[rows.archive_bytes == 0])
        after._labels = {
            label: old - changed if old.intersect(changed) else old for label, old in self._labels.items()
        }
        for label, shown in _by_label(label_ids, slots).items():
            after._labels[label] = after._labels.get(label, BitMap()) | shown
        after._take_over(self, changed)
        return after

    def with_ids(self, ids: Numbers) -> BitMap:
        found = self._slots_for(np.unique(ids))
        return _bitmap(found[found < len(self.facts.photo_id)]) & self.photos

    def with_any(self, label_ids: list[int]) -> BitMap:
        return BitMap.union(BitMap(), *(self._labels.get(label, BitMap()) for label in label_ids))

    def with_all(self, label_ids: list[int]) -> BitMap:
        shown = (self._labels.get(label, BitMap()) for label in label_ids)
        return BitMap.intersection(self.photos, *shown)

    def unlabelled(self) -> BitMap:
        return self.photos - self.with_any(list(self._labels))

    def label_counts(self, chosen: BitMap) -> dict[int, int]:
        """Return {label id: how many of the chosen photos show it}, without zeros."""
        if len(chosen) == len(self):
            return {label: len(shown) for label, shown in self._labels.items() if shown}
        counts = {label: shown.intersection_cardinality(chosen) for label, shown in self._labels.items()}
        return {label: count for label, count in counts.items() if count}

    def in_order(self, chosen: BitMap) -> Slots:
        """Return the chosen slots, oldest photo first, as in an archive."""
        if len(chosen) == len(self):
            return self._oldest_first
        return self._oldest_first[self._mask(chosen)[self._oldest_first]]

    def place(self, ordered: Slots, moment: int, photo_id: int = 0) -> int:
        """Return where in slots from `in_order` a photo stands, or would stand."""
        return _place(ordered, (moment, photo_id), [self.facts.moment, self.facts.photo_id])

    def numbered(self, ordered: Slots) -> tuple[NDArray[np.uint8], Slots]:
        """Return how many characters its number adds to each name, and where only archives.names can tell.

        `ordered` is from `in_order`. The first of equal names keeps it, the next is "name (2).jpg".
        """
        chosen = np.zeros(len(self.facts.photo_id), bool)
        chosen[ordered] = True
        mask, (starts, sizes) = chosen[self._by_name], self._families
        upto = np.cumsum(mask, dtype=np.int32)
        number = upto - np.repeat(upto[starts] - mask[starts], sizes)
        again = np.flatnonzero(mask & (number > 1))
        # Small numbers, so that those of a million photos stay in the processor's cache.
        added = np.zeros(len(chosen), np.uint8)
        added[self._by_name[again]] = 3 + _digits(number[again])
        if not chosen[self._not_plain].any():
            return added[ordered], np.zeros(0, np.intp)
        kinds = self.facts.name_kind[self._by_name]
        unknown = np.logical_or.reduceat(mask & (kinds != PLAIN), starts)
        if (mask & (kinds == ODD)).any():
            unknown |= np.add.reduceat(mask, starts, dtype=np.intp) > 1
        chosen[self._by_name] = mask & np.repeat(unknown, sizes)
        return added[ordered], np.flatnonzero(chosen[ordered])

    @cached_property
    def _by_id(self) -> Slots:
        return np.argsort(self.facts.photo_id, kind="stable")

    @cached_property
    def _oldest_first(self) -> Slots:
        return self._sorted(_OLDEST_FIRST)

    @cached_property
    def _by_name(self) -> Slots:
        """Return the slots by the family of their names, oldest photo first in each."""
        return self._sorted(_BY_NAME)

    @cached_property
    def _families(self) -> tuple[Slots, Slots]:
        """Return where in _by_name each family begins, and how many photos it has."""
        families = self.facts.name_family[self._by_name]
        starts = np.flatnonzero(np.diff(families, prepend=-1))
        return starts, np.diff(starts, append=len(families))

    @cached_property
    def _not_plain(self) -> Slots:
        return np.flatnonzero(self.facts.name_kind != PLAIN)

    def _slots_for(self, photo_ids: Numbers) -> Slots:
        """Return the slots of these photos; those that are not known yet get the next ones."""
        known, number = self.facts.photo_id, len(self.facts.photo_id)
        if not number:
            return np.arange(len(photo_ids))
        at = np.searchsorted(known, photo_ids, sorter=self._by_id)
        slots = self._by_id[np.minimum(at, number - 1)]
        is_new = known[slots] != photo_ids
        slots[is_new] = number + np.arange(is_new.sum())
        return slots

    def _mask(self, chosen: BitMap) -> NDArray[np.bool_]:
        mask = np.zeros(len(self.facts.photo_id), bool)
        mask[np.asarray(chosen.to_array())] = True
        return mask

    def _sorted(self, columns: tuple[str, ...]) -> Slots:
        slots = np.asarray(self.photos.to_array(), np.intp)
        # The last key is the first that counts.
        return slots[np.lexsort([getattr(self.facts, name)[slots] for name in reversed(columns)])]

    def _take_over(self, before: "Index", changed: BitMap) -> None:
        """Take over what was worked out `before`, with the changed photos where they belong."""
        known = self.__dict__
        for name, source in (("_by_id", "photo_id"), ("_not_plain", "name_kind")):
            if name in before.__dict__ and getattr(self.facts, source) is getattr(before.facts, source):
                known[name] = before.__dict__[name]
        if len(changed) > _FEW:
            return
        for name, columns in (("_oldest_first", _OLDEST_FIRST), ("_by_name", _BY_NAME)):
            if name in before.__dict__:
                known[name] = self._sorted_after(before, before.__dict__[name], columns, changed)
        if "_families" in before.__dict__ and known.get("_by_name") is before.__dict__.get("_by_name"):
            known["_families"] = before.__dict__["_families"]

    def _sorted_after(
        self, before: "Index", order: Slots, columns: tuple[str, ...], changed: BitMap
    ) -> Slots:
        """Return the order of `before` with the changed photos where they belong."""
        keys, old = ([getattr(of.facts, name) for name in columns] for of in (self, before))
        there = np.asarray((changed & before.photos & self.photos).to_array(), np.intp)
        stays = np.logical_and.reduce(
            [key[there] == key_before[there] for key, key_before in zip(keys, old, strict=True)]
        )
        moved = changed - _bitmap(there[stays])
        return _moved(order, moved & before.photos, moved & self.photos, keys) if moved else order


_OLDEST_FIRST = ("moment", "photo_id")
_BY_NAME = ("name_family", *_OLDEST_FIRST)


def _with(column: Numbers, slots: Slots, values: Numbers) -> Numbers:
    """Return the column with these values in these slots: the same one when nothing changes."""
    missing = int(slots.max(initial=-1)) + 1 - len(column)
    if missing > 0:
        column = np.concatenate([column, np.zeros(missing, np.int64)])
    elif (column[slots] == values).all():
        return column
    else:
        column = column.copy()
    column[slots] = values
    return column


def _by_label(label_ids: Numbers, slots: Slots) -> dict[int, BitMap]:
    """Return {label id: slots} of labels that stand as in `updated`."""
    is_end = label_ids == 0
    slot_of_each = slots[np.cumsum(is_end) - is_end]
    # One number of both: numpy sorts numbers ten times as fast as pairs.
    pairs = np.sort((label_ids << 32 | slot_of_each)[~is_end])
    labels, cut = np.unique(pairs >> 32, return_index=True)
    groups = np.split(pairs & 0xFFFFFFFF, cut[1:])
    return dict(zip(labels.tolist(), map(_bitmap, groups), strict=False))


def _moved(order: Slots, leaving: BitMap, entering: BitMap, keys: list[Numbers]) -> Slots:
    if leaving:
        stays = np.ones(len(keys[0]), bool)
        stays[np.asarray(leaving.to_array())] = False
        order = order[stays[order]]
    fresh = sorted(entering, key=lambda slot: tuple(key[slot] for key in keys))
    places = [_place(order, tuple(key[slot] for key in keys), keys) for slot in fresh]
    return np.insert(order, places, fresh)


def _place(order: Slots, wanted: tuple[int, ...], keys: list[Numbers]) -> int:
    return bisect_left(order, wanted, key=lambda slot: tuple(key[slot] for key in keys))


def _bitmap(slots: Slots) -> BitMap:
    # Of an array of numpy it would take one number after the other.
    return BitMap(array("I", slots.astype(np.uint32).tobytes()))


def _digits(numbers: NDArray[np.int32]) -> NDArray[np.uint8]:
    digits = np.ones(len(numbers), np.uint8)
    limit = 10
    while limit <= numbers.max(initial=0):
        digits += numbers >= limit
        limit *= 10
    return digits
