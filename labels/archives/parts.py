"""Cut a list of files into several archives of at most so many bytes, their exact sizes included."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from labels.archives import format as zipformat
from labels.archives.format import MAX32
from labels.archives.zip_layout import Entry, LayoutError


class Part(NamedTuple):
    """Entries start..stop of a list make one archive of exactly size bytes, trailers included."""

    start: int
    stop: int
    size: int


class Trailer(NamedTuple):
    """A file that ends every part and grows with its entries, such as manifest.csv."""

    name: str
    fixed_bytes: int  # its size whatever the entries: the heading line
    line_bytes: Callable[[Any], int]  # what each entry of the part adds


def split(entries: Iterable[Entry], max_bytes: int, trailers: Sequence[Trailer] = ()) -> Iterator[Part]:
    """Cut entries into archives of at most max_bytes each, in order; a larger one gets a part of its own."""
    if max_bytes < 1:
        raise LayoutError(f"a part of at most {max_bytes} bytes cannot hold anything")
    part, size, stop = _OpenPart(0, trailers), 0, 0
    for index, entry in enumerate(entries):
        grown = part.add(entry)
        if grown > max_bytes and index > part.start:
            yield Part(part.start, index, size)
            part = _OpenPart(index, trailers)
            grown = part.add(entry)
        size, stop = grown, index + 1
    if stop:
        yield Part(part.start, stop, size)


def archive_size(count: int, name_bytes: int, data_bytes: int) -> int:
    """Return the size of an archive from three sums; raise LayoutError from 4 GiB - 1 on."""
    central_offset = zipformat.LOCAL_SIZE * count + name_bytes + data_bytes
    if central_offset >= MAX32:  # there the size depends on the order of the entries
        raise LayoutError(f"{data_bytes} bytes in {count} entries: sums do not tell the size from 4 GiB on")
    central_size = zipformat.CENTRAL_SIZE * count + name_bytes
    return zipformat.Tally(count, central_offset, central_size).size


class _OpenPart:
    """A part that still grows, with the trailers it would have if it ended here."""

    def __init__(self, start: int, trailers: Sequence[Trailer]):
        self.start = start
        self._tally = zipformat.Tally()
        self._trailers = trailers
        self._name_bytes = [len(trailer.name.encode()) for trailer in trailers]
        self._sizes = [trailer.fixed_bytes for trailer in trailers]

    def add(self, entry: Entry) -> int:
        """Add an entry and return the size of the whole archive."""
        self._tally.add(len(entry.name.encode()), entry.size)
        whole = self._tally.copy()
        for place, trailer in enumerate(self._trailers):
            self._sizes[place] += trailer.line_bytes(entry)
            whole.add(self._name_bytes[place], self._sizes[place])
        return whole.size
