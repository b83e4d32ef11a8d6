"""Archives beyond 4 GiB or 65,534 entries: zip64 exactly where the format demands it."""

import struct

import pytest

from labels.archives.format import MAX16, MAX32, end_records
from labels.archives.zip_layout import ZipLayout
from tests.archives.ziptools import make_entry, open_zeros, open_zip, zeros

GIB = 1 << 30


def content(layout, start, end):
    return b"".join(layout.read(start, end, open_zeros))


def end_of(layout):
    return content(layout, max(layout.size - 98, 0), layout.size)


def central_fields(layout, index):
    """Return version needed, sizes, offset and extra field of a record of the central directory."""
    headers = content(layout, layout.size - 98 - 1000 if layout.size > 1200 else 0, layout.size)
    at = headers.index(b"PK\x01\x02")
    for _ in range(index):
        at = headers.index(b"PK\x01\x02", at + 4)
    needs, compressed, size, name, extra = struct.unpack_from("<6xH12xIIHH", headers, at)
    (offset,) = struct.unpack_from("<I", headers, at + 42)
    return needs, compressed, size, offset, headers[at + 46 + name : at + 46 + name + extra]


class TestLargeEntry:
    def test_below_the_limit_nothing_is_added(self):
        layout = ZipLayout([zeros("a.jpg", MAX32 - 1)])

        assert layout.data_offset(0) == 35
        assert struct.unpack_from("<4xH12xIIHH", content(layout, 0, 35)) == (10, MAX32 - 1, MAX32 - 1, 5, 0)
        assert central_fields(layout, 0) == (10, MAX32 - 1, MAX32 - 1, 0, b"")

    @pytest.mark.parametrize("size", [MAX32, MAX32 + 1, 5 * GIB])
    def test_from_the_limit_on_both_headers_hold_both_sizes(self, size):
        layout = ZipLayout([zeros("a.jpg", size)])

        extra = struct.pack("<HHQQ", 1, 16, size, size)
        header = content(layout, 0, layout.data_offset(0))
        assert struct.unpack_from("<4xH12xIIHH", header) == (45, MAX32, MAX32, 5, 20)
        assert header.endswith(b"a.jpg" + extra)
        assert central_fields(layout, 0) == (45, MAX32, MAX32, 0, extra)

    def test_zipfile_finds_what_follows(self):
        layout = ZipLayout([zeros("huge.mov", 5 * GIB), zeros("é.jpg", 1000)])

        with open_zip(layout, open_zeros) as archive:
            assert [info.file_size for info in archive.infolist()] == [5 * GIB, 1000]
            assert archive.read("é.jpg") == bytes(1000)

    def test_a_range_inside_is_opened_in_64_bits(self):
        layout = ZipLayout([zeros("huge.mov", 5 * GIB)])
        opened = []

        def open_entry(index, start, end):
            opened.append((index, start, end))
            return open_zeros(index, start, end)

        start = layout.data_offset(0) + 4 * GIB + 3
        list(layout.read(start, start + 10, open_entry))

        assert opened == [(0, 4 * GIB + 3, 4 * GIB + 13)]


class TestFarEntry:
    @pytest.mark.parametrize(
        "offset, expected",
        [
            pytest.param(MAX32 - 1, (10, 7, 7, MAX32 - 1, b""), id="last without"),
            pytest.param(MAX32, (45, 7, 7, MAX32, struct.pack("<HHQ", 1, 8, MAX32)), id="first with"),
            pytest.param(MAX32 + 1, (45, 7, 7, MAX32, struct.pack("<HHQ", 1, 8, MAX32 + 1)), id="beyond"),
        ],
    )
    def test_only_the_offset_moves_to_zip64(self, offset, expected):
        layout = ZipLayout([zeros("a.jpg", offset - 35), zeros("b.jpg", 7)])

        assert layout.header_offset(1) == offset
        assert central_fields(layout, 1) == expected
        with open_zip(layout, open_zeros) as archive:
            assert archive.read("b.jpg") == bytes(7)

    def test_a_large_entry_far_away_holds_three_fields(self):
        layout = ZipLayout([zeros("a.jpg", 5 * GIB), zeros("b.jpg", 5 * GIB)])

        extra = struct.pack("<HHQQQ", 1, 24, 5 * GIB, 5 * GIB, layout.header_offset(1))
        assert central_fields(layout, 1) == (45, MAX32, MAX32, MAX32, extra)


class TestEnd:
    @pytest.mark.parametrize("count", [MAX16 - 1, MAX16, MAX16 + 1])
    def test_entries(self, count):
        layout = ZipLayout(make_entry(str(number)) for number in range(count))

        assert (b"PK\x06\x06" in end_of(layout)) == (count >= MAX16)
        shown = min(count, MAX16)
        assert struct.unpack("<4s4xHH10x", end_of(layout)[-22:]) == (b"PK\5\6", shown, shown)
        with open_zip(layout, open_zeros) as archive:
            assert len(archive.infolist()) == count

    @pytest.mark.parametrize("offset", [MAX32 - 1, MAX32, MAX32 + 1])
    def test_offset_of_the_central_directory(self, offset):
        layout = ZipLayout([zeros("a.jpg", offset - 35)])

        zip64 = b"PK\x06\x06" in end_of(layout)

        assert zip64 == (offset >= MAX32)
        assert layout.size == offset + 51 + (98 if zip64 else 22)
        assert struct.unpack_from("<I", end_of(layout), -6) == (min(offset, MAX32),)

    @pytest.mark.parametrize("size", [MAX32 - 1, MAX32])
    def test_size_of_the_central_directory(self, size):
        records = end_records(3, size, 1000)

        assert len(records) == (98 if size == MAX32 else 22)
        assert struct.unpack_from("<I", records, len(records) - 10) == (size,)

    def test_zip64_records_hold_every_value(self):
        records = end_records(70_000, 5 * GIB, 6 * GIB)

        assert records[:56] == struct.pack(
            "<4sQHHIIQQQQ", b"PK\6\6", 44, 0x33F, 45, 0, 0, 70_000, 70_000, 5 * GIB, 6 * GIB
        )
        assert records[56:76] == struct.pack("<4sIQI", b"PK\6\7", 0, 11 * GIB, 1)
