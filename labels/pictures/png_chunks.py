"""The chunks of a PNG, counted before Pillow walks them in Python and keeps those it does not know."""

import struct
from dataclasses import dataclass

# The smallest chunks that encoders write hold 4 KB of the picture; a hundred megabytes of them are 25,000.
MAX_CHUNKS = 100_000


@dataclass(frozen=True)
class Chunks:
    """`ends_at` is where the IEND chunk ends, or a place behind the file when there is none.

    `exif` is the place and the length of what the camera wrote, wherever it stands, or None.
    """

    excess: str
    ends_at: int
    exif: tuple[int, int] | None


def read_chunks(file):
    """Return the Chunks of a PNG, reading their heads alone."""
    place, exif = 8, None
    for _ in range(MAX_CHUNKS):
        file.seek(place)
        head = file.read(8)
        if len(head) < 8:
            return Chunks("", place + 8, exif)
        length, kind = struct.unpack(">I4s", head)
        if kind == b"eXIf":
            exif = place + 8, length
        place += 12 + length
        if kind == b"IEND":
            return Chunks("", place, exif)
    return Chunks(f"more than {MAX_CHUNKS:,} chunks", place, exif)
