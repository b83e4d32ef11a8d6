"""The records of a zip archive with stored entries; section numbers are PKWARE's (APPNOTE.TXT 6.3.10)."""

import struct
from dataclasses import dataclass
from datetime import datetime

# A 32-bit (or 16-bit) field holding its highest value says "look in the zip64 record" (4.4.1.4), so that
# value itself already needs zip64.
MAX32 = 0xFFFFFFFF
MAX16 = 0xFFFF

LOCAL_SIZE = 30  # 4.3.7, without name and extra field
CENTRAL_SIZE = 46  # 4.3.12, likewise
END_SIZE = 22  # 4.3.16
ZIP64_END_SIZE = 56 + 20  # 4.3.14 record and 4.3.15 locator
ZIP64_SIZES_SIZE = 4 + 16  # 4.5.3: tag, length, size, size

_ZIP64_TAG = 1
_UTF8 = 1 << 11  # 4.4.4, bit 11
# 4.4.3.2: a stored file asks for version 1.0, zip64 for 4.5. Info-ZIP and Java write the same.
_NEEDS_STORED = 10
_NEEDS_ZIP64 = 45
# 4.4.2: host Unix, so that the mode below counts; made to 6.3, the version that has UTF-8 names.
_MADE_BY = (3 << 8) | 63
_MODE = 0o100644 << 16  # a regular file, readable by all, in the upper half of the external attributes

_CRC_POLYNOMIAL = 0xEDB88320
_CRC_ONE = 1 << 31  # the polynomial 1, bits reflected


@dataclass(slots=True)
class Tally:
    """What an archive weighs so far."""

    count: int = 0
    offset: int = 0  # where the next entry begins
    central_size: int = 0  # bytes of the central directory

    def add(self, name_bytes: int, size: int) -> None:
        self.central_size += central_header_size(name_bytes, size, self.offset)
        self.offset += local_header_size(name_bytes, size) + size
        self.count += 1

    def copy(self) -> "Tally":
        return Tally(self.count, self.offset, self.central_size)

    @property
    def size(self) -> int:
        """Return the bytes of the archive if it ended here."""
        zip64 = _ends_in_zip64(self.count, self.central_size, self.offset)
        return self.offset + self.central_size + END_SIZE + (ZIP64_END_SIZE if zip64 else 0)


def dos_stamp(moment: datetime) -> int:
    """Return a wall-clock moment as DOS date << 16 | DOS time, clamped to 1980..2107 (4.4.6)."""
    # Written little-endian that is the time field followed by the date field, as both headers want them.
    moment = min(max(moment, datetime(1980, 1, 1)), datetime(2107, 12, 31, 23, 59, 58))
    date = (moment.year - 1980) << 9 | moment.month << 5 | moment.day
    return date << 16 | moment.hour << 11 | moment.minute << 5 | moment.second >> 1


def from_dos_stamp(stamp: int) -> datetime:
    date, time = stamp >> 16, stamp & MAX16
    day = (date >> 9) + 1980, date >> 5 & 15, date & 31
    return datetime(*day, time >> 11, time >> 5 & 63, (time & 31) * 2)


def local_header_size(name_bytes: int, size: int) -> int:
    return LOCAL_SIZE + name_bytes + (ZIP64_SIZES_SIZE if size >= MAX32 else 0)


def central_header_size(name_bytes: int, size: int, offset: int) -> int:
    zip64 = (16 if size >= MAX32 else 0) + (8 if offset >= MAX32 else 0)
    return CENTRAL_SIZE + name_bytes + (4 + zip64 if zip64 else 0)


def local_header(name: bytes, size: int, crc32: int, stamp: int) -> bytes:
    """Pack the record before an entry's data (4.3.7)."""
    # Sizes and CRC-32 included: Java's ZipInputStream refuses a data descriptor after stored data.
    # 4.5.3: in the local header the zip64 field must hold both sizes.
    extra = struct.pack("<HHQQ", _ZIP64_TAG, 16, size, size) if size >= MAX32 else b""
    needs = _NEEDS_ZIP64 if extra else _NEEDS_STORED
    short = min(size, MAX32)
    fields = struct.pack(
        "<IHHHIIIIHH",
        *(0x04034B50, needs, _flags(name), 0, stamp, crc32, short, short, len(name), len(extra)),
    )
    return fields + name + extra


def central_header(name: bytes, size: int, crc32: int, stamp: int, offset: int) -> bytes:
    """Pack the record of an entry in the central directory (4.3.12)."""
    # 4.5.3: only the fields whose 32-bit place is full, in this order. Java checks that exactly.
    full = ([size, size] if size >= MAX32 else []) + ([offset] if offset >= MAX32 else [])
    extra = struct.pack(f"<HH{len(full)}Q", _ZIP64_TAG, 8 * len(full), *full) if full else b""
    needs = _NEEDS_ZIP64 if extra else _NEEDS_STORED
    short = min(size, MAX32)
    fields = struct.pack(
        "<IHHHHIIIIHHHHHII", 0x02014B50, _MADE_BY, needs, _flags(name), 0, stamp, crc32, short, short,
        len(name), len(extra), 0, 0, 0, _MODE, min(offset, MAX32),
    )  # fmt: skip
    return fields + name + extra


def end_records(count: int, central_size: int, central_offset: int) -> bytes:
    """Pack what follows the central directory: the zip64 records where needed, and the end (4.3.14-16)."""
    zip64 = b""
    if _ends_in_zip64(count, central_size, central_offset):
        sizes = count, count, central_size, central_offset
        zip64 = struct.pack("<IQHHIIQQQQ", 0x06064B50, 44, _MADE_BY, _NEEDS_ZIP64, 0, 0, *sizes)
        zip64 += struct.pack("<IIQI", 0x07064B50, 0, central_offset + central_size, 1)
    short = min(count, MAX16), min(count, MAX16), min(central_size, MAX32), min(central_offset, MAX32)
    return zip64 + struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, *short, 0)


def crc32_join(first: int, second: int, second_size: int) -> int:
    """Return the CRC-32 of two runs of bytes one after the other, like zlib's crc32_combine."""
    # The bytes of the second multiply the CRC of the first by x^(8 * second_size) modulo the polynomial.
    shift, power, bits = _CRC_ONE, _CRC_ONE >> 1, second_size * 8
    while bits:
        if bits & 1:
            shift = _crc_product(shift, power)
        power = _crc_product(power, power)
        bits >>= 1
    return _crc_product(shift, first) ^ second


def _crc_product(left: int, right: int) -> int:
    product = 0
    while left:
        if left & _CRC_ONE:
            product ^= right
        left = left << 1 & MAX32
        right = right >> 1 ^ (_CRC_POLYNOMIAL if right & 1 else 0)
    return product


def _flags(name: bytes) -> int:
    # Only where needed: the oldest readers stumble over flags they do not know.
    return 0 if name.isascii() else _UTF8


def _ends_in_zip64(count: int, central_size: int, central_offset: int) -> bool:
    return count >= MAX16 or central_size >= MAX32 or central_offset >= MAX32
