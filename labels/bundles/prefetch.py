"""The photos of one chunk from a bucket, some fetched ahead of the one that is being copied."""

from collections import deque

from labels.archives.zip_layout import Data
from labels.models.photo import originals
from labels.storage.errors import ObjectUnreadable

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
        """Yield bytes start..end of an entry; raise EntryChanged when its original is gone or has grown."""
        if not self._content.is_photo(index):
            yield self._content.trailer(index)[start:end]
            return
        while start < end:
            block, whole = self._next(index)
            if whole > self._content.layout.sizes[index]:
                raise self._content.layout.changed(index, "the file in storage is larger than it was")
            yield block
            if start + len(block) >= whole:
                return
            start += len(block)

    def close(self):
        for future in self._coming:
            future.cancel()

    def _next(self, index):
        future = self._coming.popleft()
        self._fill()
        try:
            return future.result()
        except FileNotFoundError:
            raise self._content.layout.changed(index, "the file is no longer in storage") from None
        except ObjectUnreadable as error:
            raise self._content.layout.changed(index, error.strerror) from None

    def _fill(self):
        while len(self._coming) < _AHEAD and (block := next(self._wanted, None)):
            self._coming.append(self._pool.submit(originals().read_range, *block))

    def _blocks(self, start, end):
        for segment in self._content.layout.segments(start, end):
            if isinstance(segment, Data) and self._content.is_photo(segment.entry):
                for first in range(segment.start, segment.end, _BLOCK):
                    yield self._content.keys[segment.entry], first, min(first + _BLOCK, segment.end)
