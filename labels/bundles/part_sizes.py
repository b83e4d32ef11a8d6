"""Pure: the exact sizes of the archives of a million photos, from sums."""

from bisect import bisect_right
from functools import cached_property, partial

import numpy as np

from labels.archives import format as zipformat
from labels.archives import manifest
from labels.archives.format import MAX16, MAX32
from labels.archives.parts import archive_size

# An archive of no photos.
_EMPTY_BYTES = archive_size(
    len(manifest.TRAILERS),
    sum(len(trailer.name.encode()) for trailer in manifest.TRAILERS),
    sum(trailer.fixed_bytes for trailer in manifest.TRAILERS),
)
_SUMS_LINE = len(manifest.sums_line("", 64 * "0"))
# A photo that lies beyond 4 GiB has its offset in a zip64 field; a large one has that field already.
_TAG, _OFFSET = 4, 8


class PartSizes:
    """The sizes of the archives that archives.parts.split would make of these photos.

    `weights` are the bytes that each adds to an archive with less than 4 GiB before it, in the order of the
    archives. `columns()` returns the bytes of their names, and their own: it is called for larger archives.
    """

    def __init__(self, weights, columns):
        # In each place the sum of all before it.
        self._weights = _sums(weights)
        self._columns = columns

    def of_at_most(self, part_bytes):
        """Return the size of each archive."""
        sizes, start = [], 0
        while start < len(self._weights) - 1:
            limit = int(self._weights[start]) + part_bytes - _EMPTY_BYTES
            stop = max(int(self._weights.searchsorted(limit, side="right")) - 1, start + 1)
            size = self._size(start, stop)
            if size > part_bytes and stop > start + 1:
                # With zip64 a photo may add more, according to where it lies.
                stops = range(start + 1, stop)
                stop = start + max(bisect_right(stops, part_bytes, key=partial(self._size, start)), 1)
                size = self._size(start, stop)
            sizes.append(size)
            start = stop
        return sizes

    def _size(self, start, stop):
        """Return the size of an archive of the photos start..stop."""
        plain = _between(self._weights, start, stop) + _EMPTY_BYTES
        if plain < MAX32 and stop - start + len(manifest.TRAILERS) < MAX16:
            return plain
        names, large, offset = (_between(sums, start, stop) for sums in self._zip64)
        count, (_, larges, offsets) = stop - start, self._zip64
        central = zipformat.CENTRAL_SIZE * count + names + zipformat.ZIP64_SIZES_SIZE * large
        sums = _SUMS_LINE * count + names
        lines = _between(self._weights, start, stop) - offset - central - sums
        if offset >= MAX32:
            far = min(int(offsets.searchsorted(offsets[start] + MAX32)), stop)
            central += (_TAG + _OFFSET) * (stop - far) - _TAG * _between(larges, far, stop)
        tally = zipformat.Tally(count, offset, central)
        for name, content in ((manifest.NAME, len(manifest.heading()) + lines), (manifest.SUMS_NAME, sums)):
            tally.add(len(name), content)
        return tally.size

    @cached_property
    def _zip64(self):
        """Return the sums of the bytes of the names, of photos above 4 GiB, of where each entry lies."""
        names, sizes = self._columns()
        large = sizes >= MAX32
        headers = zipformat.LOCAL_SIZE + names + zipformat.ZIP64_SIZES_SIZE * large
        return _sums(names), _sums(large), _sums(headers + sizes)


def _sums(numbers):
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(numbers, dtype=np.int64)])


def _between(sums, start, stop):
    return int(sums[stop] - sums[start])
