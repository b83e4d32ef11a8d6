"""A large PNG, strip by strip: Pillow decodes only whole pictures, at four bytes a pixel.

The rows of a PNG are compressed as one stream. It is unpacked here, and a few rows at a time are given to
Pillow as a small PNG of their own, below the last row of those before: a row may be stored as its difference
from the one above. The bytes of 16-bit values are filtered each for itself, so that the upper ones alone are
an 8-bit picture.
"""

import io
import struct
import zlib

from PIL import Image

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {2: 3, 4: 2, 6: 4}
_STRIP_BYTES = 4 * 1024 * 1024
# A strip is held packed, unpacked, as a small PNG and decoded.
COPIES = 6


class NotWhole(Exception):
    """The picture's data ends too early, or is damaged."""


def strip_bytes(file):
    """Return the bytes of a strip, as unpacked, of a PNG that strips() can read, else None."""
    layout = _layout(file)
    return layout and layout[3] * _rows(layout)


def strips(file, multiple=1):
    """Yield the picture from top to bottom as pictures of its full width; raise NotWhole.

    Their heights are multiples of `multiple` where they can be.
    """
    width, height, kind, row, deep = layout = _layout(file)
    above, left = b"", height
    rows = _rows(layout)
    rows = rows // multiple * multiple or rows
    for data in _portions(file, row * rows, row * height):
        if deep:
            data = b"".join(
                data[at : at + 1] + data[at + 1 : at + row : 2] for at in range(0, len(data), row)
            )
        strip = _decoded(above + data, width, kind)
        if above:
            strip = strip.crop((0, 1, *strip.size))
        left -= strip.height
        yield strip
        above = b"\0" + strip.crop((0, strip.height - 1, *strip.size)).tobytes()
    if left:
        raise NotWhole(f"{left} of its {height} rows are missing")


def _layout(file):
    """Return (width, height, colour type, bytes of a row, whether 16 bits), or None for other kinds."""
    file.seek(0)
    head = file.read(33)
    if len(head) < 33 or not head.startswith(SIGNATURE) or head[12:16] != b"IHDR":
        return None
    width, height, bits, kind, _, _, interlaced = struct.unpack(">IIBBBBB", head[16:29])
    if kind not in _CHANNELS or bits not in (8, 16) or interlaced:
        return None
    return width, height, kind, 1 + width * _CHANNELS[kind] * bits // 8, bits == 16


def _rows(layout):
    _, height, _, row, _ = layout
    return min(height, max(1, _STRIP_BYTES // row))


def _portions(file, size, total):
    """Yield the unpacked stream in portions of `size` bytes, the last one shorter, `total` at most."""
    unpacker, buffer = zlib.decompressobj(), bytearray()
    try:
        for packed in _packed(file):
            while packed and not unpacker.eof:
                # After the last row only the checksum is still to come.
                got = unpacker.decompress(packed, min(total, size - len(buffer)) or 1)
                packed = unpacker.unconsumed_tail
                if not total and got:
                    return
                buffer += got
                total -= len(got)
                if buffer and (len(buffer) == size or not total):
                    yield bytes(buffer)
                    buffer.clear()
    except zlib.error as error:
        raise NotWhole(str(error)) from error


def _packed(file):
    """Yield the bytes of the IDAT chunks, which follow each other."""
    place, begun = len(SIGNATURE), False
    while True:
        file.seek(place)
        head = file.read(8)
        if len(head) < 8:
            return
        length, kind = struct.unpack(">I4s", head)
        if kind != b"IDAT" and begun:
            return
        if kind == b"IDAT":
            begun = True
            while length and (block := file.read(min(length, 65536))):
                length -= len(block)
                yield block
        place = file.tell() if kind == b"IDAT" else place + 8 + length
        place += 4


def _decoded(rows, width, kind):
    """Return filtered rows of 8 bits as a picture."""
    height = len(rows) // (1 + width * _CHANNELS[kind])
    head = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows, 0)), (b"IEND", b""))
    content = SIGNATURE + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))
        for kind, data in chunks
    )
    strip = Image.open(io.BytesIO(content), formats=["PNG"])
    strip.load()
    return strip
