"""The photos of one chunk from a bucket, some fetched ahead of the one that is being copied."""

from collections import deque

from labels.archives.plan import Data
from labels.models.photo import originals
from labels.storage.errors import ObjectUnreadable

_BLOCK = 1024 * 1024
# A request takes tens of milliseconds to answer, whatever it asks for: while one is copied, these come.
_AHEAD = 3


class Fetched:
    """Opens entries for ZipPlan.read(start, end); `pool` fetches. Holds _AHEAD blocks at most."""

    def __init__(self, layout, start, end, pool):
        self._layout = layout
        self._pool = pool
        self._wanted = self._blocks(start, end)
        self._coming = deque()
        self._fill()

    def open_entry(self, index, start, end):
        """Yield bytes start..end of an entry; raise EntryChanged when its original is gone or has grown."""
        if not self._layout.is_photo(index):
            yield self._layout.trailer(index)[start:end]
            return
        while start < end:
            content, whole = self._next(index)
            if whole > self._layout.plan.entry_size(index):
                raise self._layout.changed(index, "the file in storage is larger than it was")
            yield content
            if start + len(content) >= whole:
                return
            start += len(content)

    def close(self):
        """Ask for nothing more."""
        for future in self._coming:
            future.cancel()

    def _next(self, index):
        future = self._coming.popleft()
        self._fill()
        try:
            return future.result()
        except FileNotFoundError:
            raise self._layout.changed(index, "the file is no longer in storage") from None
        except ObjectUnreadable as error:
            raise self._layout.changed(index, error.strerror) from None

    def _fill(self):
        while len(self._coming) < _AHEAD and (block := next(self._wanted, None)):
            self._coming.append(self._pool.submit(originals().read_range, *block))

    def _blocks(self, start, end):
        for segment in self._layout.plan.segments(start, end):
            if isinstance(segment, Data) and self._layout.is_photo(segment.index):
                for first in range(segment.start, segment.end, _BLOCK):
                    yield self._layout.keys[segment.index], first, min(first + _BLOCK, segment.end)
