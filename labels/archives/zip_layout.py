"""The exact layout of zip archives of stored entries, and any range of their bytes.

Sizes and CRC-32s are known since intake, so every byte follows from the list of entries.
"""

import zlib
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, groupby
from typing import NamedTuple

from labels.archives import format as zipformat
from labels.archives.format import MAX16, MAX32

OpenEntry = Callable[[int, int, int], Iterable[bytes]]


class LayoutError(ValueError):
    """These entries or this range cannot be laid out; the caller is wrong, not the photo."""


class EntryChanged(Exception):
    """An entry's bytes are not those that were planned."""

    def __init__(self, index: int, name: str, reason: str):
        super().__init__(f"{name}: {reason}")
        self.index = index
        self.name = name
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Entry:
    name: str  # final, safe and unique in the archive: see labels.archives.names
    size: int  # bytes
    crc32: int
    modified: datetime  # naive wall clock; kept as 1980..2107 in steps of 2 seconds


class Framing(NamedTuple):
    """Bytes of the archive that are not photo data."""

    content: bytes


class Data(NamedTuple):
    """Bytes start..end of the data of the entry with this index, to be copied from its original."""

    entry: int
    start: int
    end: int


class Piece(NamedTuple):
    """Data that was copied, and the CRC-32 of just these bytes."""

    entry: int
    start: int
    end: int
    crc32: int


class ZipLayout:
    """One archive: `size` is exact, `segments` and `read` give any range of it.

    Entries are copied into columns (about 60 bytes each plus the name). Raises LayoutError for entries
    that no archive can hold, two of the same name included.
    """

    def __init__(self, entries: Iterable[Entry]):
        self._names = bytearray()
        self._name_ends = array("Q")
        self.sizes = array("Q")
        self._crc32s = array("I")
        self._stamps = array("I")
        self._headers = array("Q")  # offset of each local header
        self._centrals = array("Q")  # offset of each record within the central directory
        tally, seen = zipformat.Tally(), set()
        for entry in entries:
            name = _checked_name(entry)
            seen.add(entry.name)
            if len(seen) == tally.count:
                raise LayoutError(f"two entries are named {entry.name!r}")
            self._names += name
            self._name_ends.append(len(self._names))
            self.sizes.append(entry.size)
            self._crc32s.append(entry.crc32)
            self._stamps.append(zipformat.dos_stamp(entry.modified))
            self._headers.append(tally.offset)
            self._centrals.append(tally.central_size)
            tally.add(len(name), entry.size)
        self._central_start = tally.offset
        self._central_end = tally.offset + tally.central_size
        self.size = tally.size

    def __len__(self) -> int:
        return len(self.sizes)

    def __getitem__(self, index: int) -> Entry:
        index = range(len(self))[index]
        modified = zipformat.from_dos_stamp(self._stamps[index])
        return Entry(self._name(index).decode(), self.sizes[index], self._crc32s[index], modified)

    def header_offset(self, index: int) -> int:
        return self._headers[index]

    def data_offset(self, index: int) -> int:
        name = self._name(index)
        return self._headers[index] + zipformat.local_header_size(len(name), self.sizes[index])

    def segments(self, start: int, end: int) -> Iterator[Framing | Data]:
        """Return what bytes start..end of the archive consist of, in order, none of them empty."""
        if not 0 <= start <= end <= self.size:
            raise LayoutError(f"bytes {start}..{end} are not within an archive of {self.size} bytes")
        records_at = self._central_end
        records = zipformat.end_records(len(self), records_at - self._central_start, self._central_start)
        return chain(
            self._entry_segments(start, min(end, self._central_start)),
            self._central_segments(max(start, self._central_start), min(end, records_at)),
            _clip(records, records_at, start, end),
        )

    def read(
        self,
        start: int,
        end: int,
        open_entry: OpenEntry,
        on_piece: Callable[[Piece], object] = lambda piece: None,
    ) -> Iterator[bytes]:
        """Yield bytes start..end of the archive; data comes from open_entry(index, start, end).

        Raises EntryChanged when an entry yields too few or too many bytes, or its CRC-32 differs. Where
        the range cuts an entry, only `changed_entries` knows, of each piece that `on_piece` is called with.
        """
        for segment in self.segments(start, end):
            if isinstance(segment, Framing):
                yield segment.content
            else:
                on_piece((yield from self._copy(segment, open_entry)))

    def changed_entries(self, pieces: Iterable[Piece]) -> list[int]:
        """Return which of the entries that these pieces cover exactly once do not have their CRC-32."""
        changed = []
        for index, group in groupby(sorted(set(pieces)), key=lambda piece: piece.entry):
            crc32 = covered = 0
            for piece in group:
                if piece.start != covered:
                    raise LayoutError(f"{self[index].name}: byte {min(covered, piece.start)} not copied once")
                crc32 = zipformat.crc32_join(crc32, piece.crc32, piece.end - piece.start)
                covered = piece.end
            if covered != self.sizes[index]:
                raise LayoutError(f"{self[index].name}: {covered} of {self.sizes[index]} bytes copied")
            if crc32 != self._crc32s[index]:
                changed.append(index)
        return changed

    def _entry_segments(self, start: int, end: int) -> Iterator[Framing | Data]:
        index = bisect_right(self._headers, start) - 1
        while start < end:
            data_at, size = self.data_offset(index), self.sizes[index]
            if start < data_at:
                facts = self._name(index), size, self._crc32s[index], self._stamps[index]
                yield from _clip(zipformat.local_header(*facts), self._headers[index], start, end)
            first, last = max(start - data_at, 0), min(end - data_at, size)
            if first < last:
                yield Data(index, first, last)
            index, start = index + 1, data_at + size

    def _central_segments(self, start: int, end: int) -> Iterator[Framing]:
        first = bisect_right(self._centrals, start - self._central_start) - 1
        stop = bisect_left(self._centrals, end - self._central_start)
        while start < end:
            last = min(first + 1024, stop)  # pieces of about 64 KiB
            columns = (self.sizes, self._crc32s, self._stamps, self._headers)
            names = map(self._name, range(first, last))
            rows = zip(names, *(column[first:last] for column in columns), strict=True)
            run = b"".join(zipformat.central_header(*row) for row in rows)
            run_at = self._central_start + self._centrals[first]
            yield from _clip(run, run_at, start, end)
            first, start = last, run_at + len(run)

    def _name(self, index: int) -> bytes:
        begin = self._name_ends[index - 1] if index else 0
        return bytes(self._names[begin : self._name_ends[index]])

    def _copy(self, data: Data, open_entry: OpenEntry) -> Generator[bytes, None, Piece]:
        crc32, came, wanted = 0, 0, data.end - data.start
        for block in open_entry(*data):
            came += len(block)
            if came > wanted:
                raise self.changed(data.entry, f"more than {wanted} bytes came")
            crc32 = zlib.crc32(block, crc32)
            yield block
        if came < wanted:
            raise self.changed(data.entry, f"{came} of {wanted} bytes came")
        if wanted == self.sizes[data.entry] and crc32 != self._crc32s[data.entry]:
            raise self.changed(data.entry, "the content differs (CRC-32)")
        return Piece(*data, crc32)

    def changed(self, index: int, reason: str) -> EntryChanged:
        return EntryChanged(index, self._name(index).decode(), reason)


def _checked_name(entry: Entry) -> bytes:
    try:
        name = entry.name.encode()
    except UnicodeEncodeError as error:
        raise LayoutError(f"{entry.name!r} is not valid Unicode") from error
    if not 0 < len(name) <= MAX16:
        raise LayoutError(f"{entry.name[:40]!r}: a name has 1 to {MAX16} bytes, not {len(name)}")
    if not 0 <= entry.size < 1 << 63:
        raise LayoutError(f"{entry.name!r}: the size {entry.size} is impossible")
    if not 0 <= entry.crc32 <= MAX32 or (entry.size == 0 and entry.crc32):
        raise LayoutError(f"{entry.name!r}: {entry.crc32} is no CRC-32 of {entry.size} bytes")
    if entry.modified.tzinfo is not None:
        raise LayoutError(f"{entry.name!r}: a zip holds wall-clock time; {entry.modified} has a zone")
    return name


def _clip(content: bytes, at: int, start: int, end: int) -> Iterator[Framing]:
    """Yield the part of content, which lies at `at`, that is within start..end."""
    first, last = max(start - at, 0), min(end - at, len(content))
    if first < last:
        yield Framing(content[first:last])
