"""Check an archive, which may come from anywhere, with its `manifest.csv` and SHA256SUMS."""

import csv
import hashlib
import re
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import IO

from labels.archives import manifest
from labels.archives.names import safe_name

_BLOCK = 1024 * 1024
# A line of ours holds a name and labels; the csv module's own limit for one cell is 128 KiB.
_LINE_BYTES = 1024 * 1024
_PART = re.compile(r"-part-(\d{1,9})-of-(\d{1,9})\b")
# What the zipfile module raises at damage: UnicodeDecodeError is a ValueError, NotImplementedError (a
# version of the future) a RuntimeError; sizes and offsets may be beyond any memory or file.
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    MemoryError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
)


class NotAnArchive(Exception):
    pass


class _Wrong(Exception):
    """Something about one entry, in words."""


class Archive:
    """One archive: `check()` yields the name of each entry as it is checked and fills the rest."""

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self.findings: list[tuple[str, str]] = []  # (name in the archive or "", what is wrong)
        self.missing: list[tuple[str, str]] = []  # (name, reason), as the manifest itself says
        self.photos: dict[str, str] = {}  # name: SHA-256, of those that are as the manifest says
        self._zip: zipfile.ZipFile | None = None
        try:
            with self.path.open("rb") as file:
                begins = file.read(4)
            self._zip = zipfile.ZipFile(self.path)
        except OSError as error:
            raise NotAnArchive(error.strerror or str(error)) from None
        except _DAMAGE as error:
            if begins != b"PK\3\4":
                raise NotAnArchive("it is not a zip archive") from None
            self._find("", f"the archive is cut short or damaged: {_words(error)}; fetch it again")
        self._entries = self._zip.infolist() if self._zip else []
        self._by_name = {entry.orig_filename: entry for entry in self._entries}

    def __len__(self) -> int:
        return len(self._entries)

    def check(self) -> Iterator[str]:
        self._check_names()
        planned, sums = self._manifest(), self._sums()
        for name in planned.keys() | sums.keys():
            if sums.get(name) != planned.get(name, (None,))[0]:
                self._find(name, "manifest.csv and SHA256SUMS say different things about it")
        for name, entry in self._by_name.items():
            if name in planned:
                self._check_entry(entry, *planned[name])
            elif name not in manifest.RESERVED:
                self._find(name, "it is not in manifest.csv")
            yield name
        for name in planned.keys() - self._by_name.keys():
            self._find(name, "manifest.csv names it, and it is not in the archive")
        self.findings.sort()

    def close(self) -> None:
        if self._zip:
            self._zip.close()

    def _find(self, name: str, problem: str) -> None:
        self.findings.append((name, problem))

    def _check_names(self) -> None:
        names = Counter(entry.orig_filename for entry in self._entries)
        folded = Counter(name.casefold() for name in names)
        for name, times in names.items():
            if times > 1:
                self._find(name, f"{times} entries have this name")
            elif folded[name.casefold()] > 1:
                self._find(name, "another entry has this name but for upper and lower case")
            if safe_name(name) != name:
                self._find(name, "it is not a safe file name")

    def _manifest(self) -> dict[str, tuple[str, int]]:
        """Return {name: (SHA-256, size)} of the photos that shall be there."""
        rows = csv.reader(self._lines(manifest.NAME))
        planned: dict[str, tuple[str, int]] = {}
        try:
            if (heading := next(rows, None)) is None:
                return {}
            if tuple(heading) != manifest.COLUMNS:
                raise _Wrong(f"its columns are not {', '.join(manifest.COLUMNS)}")
            for number, row in enumerate(rows, start=2):
                if len(row) != len(manifest.COLUMNS) or not re.fullmatch("[0-9]{1,18}", row[2]):
                    raise _Wrong(f"line {number} cannot be understood")
                name, sha256, size, _, _, reason = row
                if reason:
                    self.missing.append((name, reason))
                elif name in planned:
                    raise _Wrong(f"line {number} names {name} a second time")
                else:
                    planned[name] = sha256, int(size)
        except (_Wrong, csv.Error) as error:
            self._find(manifest.NAME, str(error))
        return planned

    def _sums(self) -> dict[str, str]:
        """Return {name: SHA-256} as `sha256sum -c` will read it."""
        sums: dict[str, str] = {}
        for number, line in enumerate(self._lines(manifest.SUMS_NAME), start=1):
            found = re.fullmatch(r"([0-9a-f]{64})  (.+)\n", line)
            if not found or found[2] in sums:
                self._find(manifest.SUMS_NAME, f"line {number} cannot be understood")
                return {}
            sums[found[2]] = found[1]
        return sums

    def _lines(self, name: str) -> Iterator[str]:
        """Yield the lines of a text file of ours; damage is a finding and ends them."""
        if name not in self._by_name:
            if self._zip:
                self._find(name, "it is not in the archive")
            return
        try:
            with self._open(self._by_name[name]) as file:
                while line := file.readline(_LINE_BYTES):
                    if len(line) == _LINE_BYTES:
                        raise _Wrong("a line is too long to be ours")
                    yield line.decode()
        except (_Wrong, *_DAMAGE) as error:
            self._find(name, _words(error))

    def _check_entry(self, entry: zipfile.ZipInfo, sha256: str, size: int) -> None:
        try:
            if entry.file_size != size:
                raise _Wrong(f"{entry.file_size} bytes instead of {size}")
            digest, left = hashlib.sha256(), size
            with self._open(entry) as file:
                while block := file.read(min(_BLOCK, left + 1)):
                    digest.update(block)
                    left -= len(block)
                    if left < 0:
                        raise _Wrong(f"more than {size} bytes")
            if left:
                raise _Wrong(f"{size - left} bytes instead of {size}")
            if digest.hexdigest() != sha256:
                raise _Wrong(f"its SHA-256 is {digest.hexdigest()} instead of {sha256}")
        except (_Wrong, *_DAMAGE) as error:
            self._find(entry.orig_filename, _words(error))
        else:
            self.photos[entry.orig_filename] = sha256

    def _open(self, entry: zipfile.ZipInfo) -> IO[bytes]:
        assert self._zip, "an archive that could not be opened has no entries"
        # The other two methods that Python reads (bzip2, LZMA) unpack a block without a bound.
        encrypted = entry.flag_bits & 1
        if encrypted or entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise _Wrong("it is packed in a way that photomgr does not use")
        return self._zip.open(entry)


def across(archives: Sequence[Archive]) -> Iterator[tuple[str, str, str]]:
    """Yield (file name, name, problem) of what is wrong only between several parts of one download."""
    first: dict[str, Archive] = {}
    for archive in archives:
        for name in archive.photos:
            if (other := first.setdefault(name, archive)) is not archive:
                yield archive.path.name, name, f"it is in {other.path.name} as well"
    parts = [found for archive in archives if (found := _PART.search(archive.path.name))]
    if len(parts) > 1:
        given, last = {int(part[1]) for part in parts}, max(int(part[2]) for part in parts)
        # The number comes from a file name: never more than a few of a billion.
        for number in islice((n for n in range(1, last + 1) if n not in given), 20):
            yield "", "", f"part {number} of {last} is not among the files"


def _words(error: BaseException) -> str:
    return str(error) or type(error).__name__
