"""What one part of a bundle consists of, from its rows: every worker gets the same bytes from it."""

import zlib
from contextlib import contextmanager

from labels.archives import manifest
from labels.archives.zip_layout import Entry, ZipLayout
from labels.models.photo import originals
from labels.storage.errors import ObjectUnreadable

_BLOCK = 1024 * 1024


class PartContent:
    def __init__(self, part):
        # The rows change only together with the part's chunks: all workers on one set of them see the same.
        photos = part.bundle.photos.filter(position__gte=part.first, position__lt=part.stop)
        # Row by row: thousands at a time would stay in the worker's memory.
        rows = photos.order_by("position").values_list(named=True).iterator()
        self.positions, self.keys = [], []
        # Dated by the request and not by the build: the same snapshot gives the same bytes.
        self.layout = ZipLayout(self._entries(rows, part.bundle.created_at.replace(tzinfo=None)))

    def _entries(self, rows, requested_at):
        """Yield the entries, and note on the way what the other methods need."""
        lines, sums = bytearray(manifest.heading()), bytearray()
        for row in rows:
            lines += manifest.line(
                row.name, row.sha256, row.size, row.taken_at, row.labels, row.missing_reason
            )
            if not row.missing_reason:
                sums += manifest.sums_line(row.name, row.sha256)
                self.positions.append(row.position)
                self.keys.append(row.storage_key)
                yield Entry(row.name, row.size, row.crc32, row.modified.replace(tzinfo=None))

        self._trailers = bytes(lines), bytes(sums)
        for name, content in zip(manifest.RESERVED, self._trailers, strict=True):
            yield Entry(name, len(content), zlib.crc32(content), requested_at)

    def open_entry(self, index, start, end):
        """Yield bytes start..end of an entry."""
        if not self.is_photo(index):
            yield self.trailer(index)[start:end]
            return
        with self.unreadable_is_changed(index), originals().open(self.keys[index], "rb") as file:
            file.seek(start)
            left = end - start
            while left and (block := file.read(min(_BLOCK, left))):
                left -= len(block)
                yield block
            # One byte past the planned end tells a file that grew from one that is whole.
            if not left and end == self.layout.sizes[index] and file.read(1):
                raise self.grown(index)

    @contextmanager
    def unreadable_is_changed(self, index):
        try:
            yield
        except FileNotFoundError:
            raise self.layout.changed(index, "the file is no longer in storage") from None
        except ObjectUnreadable as error:
            raise self.layout.changed(index, error.strerror) from None

    def grown(self, index):
        return self.layout.changed(index, "the file in storage is larger than it was")

    def is_photo(self, index):
        return index < len(self.keys)

    def trailer(self, index):
        return self._trailers[index - len(self.keys)]
