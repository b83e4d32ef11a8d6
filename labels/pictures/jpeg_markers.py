"""The markers of a JPEG, counted before decoders walk them: Pillow walks them one by one, in Python.

A real photo has some twenty segments before its picture data. Millions of them, or of the bytes that may
stand between them, keep a decoder busy for minutes and cost gigabytes.
"""

import re
from dataclasses import dataclass

from PIL.JpegImagePlugin import MARKER

MAX_SEGMENTS = 1000
# Profiles and maps of depth take megabytes; Pillow copies what it has of them for each further segment.
MAX_METADATA = 16 * 1024 * 1024
# Of tables a real photo has one or two kilobytes.
MAX_TABLES = 64 * 1024
MAX_FILLER = 64 * 1024
# More than any encoder writes: each scan goes over the whole picture.
MAX_SCANS = 100
_MAX_BETWEEN_SCANS = 10_000

_SOS, _EOI, _COM = 0xDA, 0xD9, 0xFE
_FRAMES = {0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF}
_PROGRESSIVE = {0xC2, 0xC6, 0xCA, 0xCE}
# FF, then what it is: no stuffed byte, and none of those that have no length (TEM, RST, SOI).
_MARKER = re.compile(rb"\xff[\x02-\xcf\xd9-\xfe]")
_FIRST_BLOCK, _LARGEST_BLOCK = 4096, 1024 * 1024


@dataclass
class Header:
    """What stands before the picture data; `excess` says what is beyond its limit, or is ""."""

    excess: str = ""
    picture_at: int | None = None
    has_many_scans: bool = False


def read_header(file):
    """Return the Header of a JPEG, read as Pillow reads it; `picture_at` is None without a picture."""
    file.seek(2)
    header, read = Header(), {"segments": 0, "metadata": 0, "tables": 0, "filler": 0}
    components = 0
    while (code := _next_marker(file, read)) is not None:
        body = _body(file, code, read)
        header.excess = _excess(read)
        if header.excess:
            return header
        if code in _FRAMES and len(body) > 5:
            components, header.has_many_scans = body[5], code in _PROGRESSIVE
        if code == _SOS:
            header.picture_at = file.tell()
            header.has_many_scans |= bool(body) and body[0] < components
            return header
    header.excess = _excess(read)
    return header


def scan_count(file):
    """Return in how many scans the JPEG is decoded, MAX_SCANS + 1 for more, or for too much between them."""
    header = read_header(file)
    if not header.has_many_scans or header.picture_at is None:
        return 1
    scans, others, place = 1, 0, header.picture_at
    while scans <= MAX_SCANS and (found := _search(file, place)):
        code, place = found
        if code == _EOI:
            return scans
        scans += code == _SOS
        others += code != _SOS
        if others > _MAX_BETWEEN_SCANS:
            return MAX_SCANS + 1
        file.seek(place)
        place += max(2, int.from_bytes(file.read(2)))
    return scans


def _next_marker(file, read):
    """Return the second byte of the next marker, None at the end or at what Pillow takes for no marker."""
    after_ff = False
    # One more is enough to be over the limit.
    while read["filler"] <= MAX_FILLER and (byte := file.read(1)):
        if after_ff and byte not in (b"\x00", b"\xff"):
            return byte[0] if 0xFF00 | byte[0] in MARKER else None
        # Each byte but the one that begins a marker.
        read["filler"] += after_ff or byte != b"\xff"
        after_ff = byte == b"\xff"
    return None


def _body(file, code, read):
    """Go behind the segment, and return its bytes where they say something about scans."""
    read["segments"] += 1
    if MARKER[0xFF00 | code][2] is None:
        return b""
    length = max(0, int.from_bytes(file.read(2)) - 2)
    read["metadata" if code >= 0xE0 else "tables"] += length
    if code in _FRAMES or code == _SOS:
        return file.read(length)
    file.seek(length, 1)
    return b""


def _excess(read):
    if read["segments"] > MAX_SEGMENTS:
        return f"more than {MAX_SEGMENTS:,} segments"
    if read["metadata"] > MAX_METADATA:
        return f"more than {MAX_METADATA // 1024**2} MB of metadata"
    if read["tables"] > MAX_TABLES:
        return f"more than {MAX_TABLES // 1024} KB of tables"
    if read["filler"] > MAX_FILLER:
        return f"more than {MAX_FILLER // 1024} KB of filler"
    return ""


def _search(file, place):
    """Return (code, the place behind it) of the first marker from `place` on, None at the end."""
    size = _FIRST_BLOCK
    file.seek(place)
    while len(block := file.read(size)) > 1:
        if found := _MARKER.search(block):
            return found[0][1], place + found.end()
        # An FF at the very end may begin one.
        place += len(block) - block.endswith(b"\xff")
        file.seek(place)
        size = min(4 * size, _LARGEST_BLOCK)
    return None
