"""Small archives, huge pretended ones, and the tools that must be able to read them."""

import io
import os
import subprocess
import zipfile
import zlib
from datetime import datetime

from labels.archives.format import crc32_join
from labels.archives.zip_layout import Entry, ZipLayout
from tests import needs

NOON = datetime(2024, 5, 6, 12, 34, 56)


def make_entry(name="a.jpg", content=b"", modified=NOON):
    return Entry(name, len(content), zlib.crc32(content), modified)


def make_archive(files):
    """Return the layout of {name: content} and the function that opens its entries."""
    contents = list(files.values())
    layout = ZipLayout(make_entry(name, content) for name, content in files.items())
    return layout, lambda index, start, end: [contents[index][start:end]]


def zeros(name, size, modified=NOON):
    """An entry of that many zero bytes, to be read by `open_zeros`."""
    return Entry(name, size, zeros_crc32(size), modified)


def open_zeros(index, start, end):
    block = bytes(1 << 20)
    for at in range(start, end, len(block)):
        yield block[: end - at]


def zeros_crc32(size):
    crc32, power, power_size = 0, zlib.crc32(b"\0"), 1
    while size:
        if size & 1:
            crc32 = crc32_join(crc32, power, power_size)
        power = crc32_join(power, power, power_size)
        power_size, size = power_size * 2, size >> 1
    return crc32


class LayoutFile(io.RawIOBase):
    """A planned archive as a seekable file, none of it in memory, so that zipfile can read it."""

    def __init__(self, layout, open_entry):
        self.layout, self.open_entry, self.at = layout, open_entry, 0

    def seekable(self):
        return True

    def readable(self):
        return True

    def tell(self):
        return self.at

    def seek(self, offset, whence=io.SEEK_SET):
        self.at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self.at, io.SEEK_END: self.layout.size}[whence]
        return self.at

    def readinto(self, buffer):
        end = min(self.at + len(buffer), self.layout.size)
        content = b"".join(self.layout.read(min(self.at, end), end, self.open_entry))
        buffer[: len(content)] = content
        self.at += len(content)
        return len(content)


def open_zip(layout, open_entry):
    return zipfile.ZipFile(io.BufferedReader(LayoutFile(layout, open_entry)))


def tool(name):
    """Return the path of a program; without it skip, but never where the suite must be complete."""
    return needs.program(name, "nobody has checked that it reads our archives")


def run(command, **options):
    """Run a program in a zone and a UTF-8 locale of ours; return what it printed."""
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "TZ": "America/New_York"}
    done = subprocess.run(command, capture_output=True, env=environment, check=False, **options)
    assert done.returncode == 0, (done.stdout + done.stderr)[-2000:].decode(errors="replace")
    return done.stdout.decode()
