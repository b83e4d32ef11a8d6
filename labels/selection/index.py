"""Pure: all photos of one owner as arrays, to count labels and size archives at once.

The database joins the packed photos (labels.selection.packing) to two long texts. What would be a join over
a million rows each time is then arithmetic on arrays.
"""

from collections.abc import Collection, Iterable

import numpy as np
from numpy.typing import NDArray

from labels.archives import manifest
from labels.selection.packing import FACTS, PLAIN, RESERVED, ZERO

Chosen = NDArray[np.bool_]
Numbers = NDArray[np.int64]


class Index:
    """The photos of one owner, in any order; a choice of them is an array of booleans."""

    def __init__(self, facts: str, labels: str) -> None:
        table = np.frombuffer(facts.encode("ascii"), np.uint8).reshape(-1, sum(FACTS.values()))
        self._keys = np.ascontiguousarray(table[:, : FACTS["key"]]).view("<u8")
        # Character by character, each of all photos side by side.
        chars = np.ascontiguousarray(table[:, FACTS["key"] :].T)
        columns = np.split(chars, np.cumsum(list(FACTS.values())[1:-1]))
        self.ids, self._moments, self.bytes, self._kinds = map(_numbers, columns)
        # All label ids one after the other, a zero after those of each photo.
        self._labels = _label_ids(labels)
        self._ends = np.flatnonzero(self._labels == 0)
        self._lengths = np.diff(self._ends, prepend=-1)

    def __len__(self) -> int:
        return len(self.ids)

    def all(self) -> Chosen:
        return np.ones(len(self), bool)

    def with_ids(self, ids: Iterable[int]) -> Chosen:
        return np.isin(self.ids, np.fromiter(ids, np.int64))

    def with_any(self, label_ids: Collection[int]) -> Chosen:
        found = np.zeros(len(self), bool)
        found[self._showing(label_ids)] = True
        return found

    def with_all(self, label_ids: Collection[int]) -> Chosen:
        """Return which photos show every one of the labels, which are different ones."""
        found: Chosen = np.bincount(self._showing(label_ids), minlength=len(self)) == len(label_ids)
        return found

    def label_counts(self, chosen: Chosen) -> dict[int, int]:
        """Return {label id: how many of the chosen photos show it}, without zeros."""
        counts = np.bincount(self._labels[np.repeat(chosen, self._lengths)])
        counts[:1] = 0
        found = np.flatnonzero(counts)
        return dict(zip(found.tolist(), counts[found].tolist(), strict=True))

    def in_order(self, chosen: Chosen) -> NDArray[np.intp]:
        """Return the positions of the chosen photos, oldest first, as in an archive."""
        places = np.flatnonzero(chosen)
        return places[np.lexsort((self.ids[places], self._moments[places]))]

    def numbered(self, places: NDArray[np.intp]) -> tuple[Numbers, Chosen]:
        """Return how many bytes the number adds to each name, and for which only archives.names can tell.

        The first of equal names keeps it, the next is "name (2).jpg".
        """
        # Stable: equal names stay in order.
        order = np.argsort(self._keys[places, 0], kind="stable")
        keys = self._keys[places][order]
        if ((keys[1:, 0] == keys[:-1, 0]) & (keys[1:, 1] != keys[:-1, 1])).any():
            # Equal in half of the hash only: hardly ever, but then the order must be by all of it.
            order = np.lexsort(self._keys[places].T)
            keys = self._keys[places][order]
        is_first = np.ones(len(places), bool)
        is_first[1:] = (keys[1:] != keys[:-1]).any(axis=1)
        kinds = self._kinds[places]
        repeated = np.zeros(len(places), bool)
        repeated[order] = ~is_first
        added = np.zeros(len(places), np.int64)
        if not repeated.any() and not (kinds == RESERVED).any():
            return added, repeated
        if kinds.any():
            # Whoever shares a name with another, the first as well.
            shared = ~is_first
            shared[:-1] |= ~is_first[1:]
            repeated[order] = shared
            return added, repeated | (kinds != PLAIN)
        counting = np.arange(len(places))
        number = counting - np.maximum.accumulate(np.where(is_first, counting, 0)) + 1
        digits = np.searchsorted(10 ** np.arange(1, 18), number, side="right") + 1
        # " (2)" stands in both headers, in the manifest and in the sums.
        added[order] = np.where(is_first, 0, 4 * (3 + digits))
        return added, np.zeros(len(places), bool)

    def _showing(self, label_ids: Collection[int]) -> NDArray[np.intp]:
        """Return for each time a photo shows one of the labels its place."""
        # Of few labels looking for one after the other is the fastest.
        if len(label_ids) <= 8:
            wanted = np.zeros(len(self._labels), bool)
            for label_id in label_ids:
                wanted |= self._labels == label_id
        else:
            wanted = np.isin(self._labels, np.array(list(label_ids), self._labels.dtype))
        return np.searchsorted(self._ends, np.flatnonzero(wanted))


def name_bytes(name: str) -> int:
    """Return what a name adds to an archive, the quotes of the manifest included."""
    sums = len(manifest.sums_line(name, ""))
    return 2 * len(name.encode()) + len(manifest.line(name, "", 0, None, "")) + sums


def _label_ids(text: str) -> NDArray[np.int32]:
    """Return the numbers of four digits each: four characters at once, as one little-endian integer."""
    digits = np.frombuffer(text.encode("ascii"), "<u4") - np.uint32(ZERO * 0x01010101)
    # In place, because a million numbers are a lot to allocate again: pairs of digits, then pairs of pairs.
    pairs = digits & 0x003F003F
    pairs <<= 6
    digits >>= 8
    digits &= 0x003F003F
    pairs |= digits
    numbers = pairs & 0xFFFF
    numbers <<= 12
    pairs >>= 16
    numbers |= pairs
    return numbers.view(np.int32)


def _numbers(chars: NDArray[np.uint8]) -> Numbers:
    """Return the numbers that `_digits` wrote, one in a column."""
    numbers = np.zeros(chars.shape[1], np.int64)
    for digits in chars:
        numbers <<= 6
        numbers += digits - np.uint8(ZERO)
    return numbers
