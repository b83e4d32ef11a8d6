"""The photos of one chunk from a bucket, some fetched ahead of the one that is being copied."""

from collections import deque

from labels.archives.zip_layout import Data
from labels.models.photo import originals

_BLOCK = 1024 * 1024
# A request takes tens of milliseconds, however little it fetches: while one block is copied, these come.
_AHEAD = 3


class Prefetch:
    """Opens entries for ZipLayout.read(start, end); `pool` fetches. Holds _AHEAD blocks at most."""

    def __init__(self, content, start, end, pool):
        self._content = content
        self._pool = pool
        self._wanted = self._blocks(start, end)
        self._coming = deque()
        self._fill()

    def open_entry(self, index, start, end):
        if not self._content.is_photo(index):
            yield self._content.trailer(index)[start:end]
            return
        while start < end:
            future = self._coming.popleft()
            self._fill()
            with self._content.unreadable_is_changed(index):
                block, whole = future.result()
            if whole > self._content.layout.sizes[index]:
                raise self._content.grown(index)
            yield block
            if start + len(block) >= whole:
                return
            start += len(block)

    def close(self):
        for future in self._coming:
            future.cancel()

    def _fill(self):
        while len(self._coming) < _AHEAD and (block := next(self._wanted, None)):
            self._coming.append(self._pool.submit(originals().read_range, *block))

    def _blocks(self, start, end):
        for segment in self._content.layout.segments(start, end):
            if isinstance(segment, Data) and self._content.is_photo(segment.entry):
                for first in range(segment.start, segment.end, _BLOCK):
                    yield self._content.keys[segment.entry], first, min(first + _BLOCK, segment.end)
