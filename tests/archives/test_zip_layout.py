"""The layout of an archive: every byte of it, in any slices, and what is refused."""

import random
import zlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labels.archives.format import crc32_join
from labels.archives.zip_layout import Data, Entry, EntryChanged, Framing, LayoutError, ZipLayout
from tests.archives.ziptools import NOON, make_archive, make_entry, open_zip

names = st.text(st.characters(codec="utf-8", exclude_characters="/\\\0"), min_size=1, max_size=12)
archives = st.dictionaries(names, st.binary(max_size=40), max_size=8)


def whole(layout, open_entry):
    return b"".join(layout.read(0, layout.size, open_entry))


def slices(layout, cuts):
    """Cut 0..size at some fractions of it."""
    edges = [0, *sorted(round(cut * layout.size) for cut in cuts), layout.size]
    return list(zip(edges, edges[1:], strict=False))


fractions = st.lists(st.floats(0, 1), max_size=6)


class TestBytes:
    @given(archives, fractions)
    def test_any_slices_joined_are_the_whole(self, files, cuts):
        layout, open_entry = make_archive(files)

        pieces = [b"".join(layout.read(start, end, open_entry)) for start, end in slices(layout, cuts)]

        assert b"".join(pieces) == whole(layout, open_entry)

    @given(archives)
    def test_size_is_the_length(self, files):
        layout, open_entry = make_archive(files)

        assert layout.size == len(whole(layout, open_entry))

    @given(archives)
    def test_zipfile_reads_back_what_went_in(self, files):
        with open_zip(*make_archive(files)) as archive:
            assert archive.testzip() is None
            # orig_filename: zipfile itself cuts names at some characters
            assert {info.orig_filename: archive.read(info) for info in archive.infolist()} == files
            for info in archive.infolist():
                assert zlib.crc32(files[info.orig_filename]) == info.CRC
                assert info.file_size == info.compress_size == len(files[info.orig_filename])

    def test_a_range_in_a_long_central_directory_is_exact(self):
        layout, open_entry = make_archive({f"{number}.jpg": b"x" for number in range(3000)})
        archive = whole(layout, open_entry)
        directory = archive.index(b"PK\x01\x02")

        for start in range(directory, layout.size, 4999):
            end = min(start + 60_000, layout.size)
            assert b"".join(layout.read(start, end, open_entry)) == archive[start:end]

    def test_leaving_out_an_entry_keeps_the_bytes_before_it(self):
        files = {f"{number}.jpg": bytes([number]) * 100 for number in range(9)}
        layout, open_entry = make_archive(files)
        without, open_without = make_archive({n: c for n, c in files.items() if n != "6.jpg"})

        before = layout.header_offset(6)

        assert before > 600
        assert whole(layout, open_entry)[:before] == whole(without, open_without)[:before]

    def test_offsets_point_at_header_and_data(self):
        layout, open_entry = make_archive({"a.jpg": b"first", "é.jpg": b"second"})
        archive = whole(layout, open_entry)

        assert archive[layout.header_offset(1) :].startswith(b"PK\x03\x04")
        assert archive[layout.data_offset(1) :].startswith(b"second")


class TestRecords:
    def test_flags_sizes_and_mode(self):
        files = {"plain.jpg": b"12345", "Größe.jpg": b"678"}
        with open_zip(*make_archive(files)) as archive:
            plain, accented = archive.infolist()

        assert plain.flag_bits == 0
        assert accented.flag_bits == 0x800  # UTF-8, and never bit 3, the data descriptor
        for info in plain, accented:
            assert info.compress_type == 0
            assert info.create_system == 3
            assert info.external_attr >> 16 == 0o100644
            assert info.extract_version == 10
            assert info.extra == b""

    def test_local_header_holds_size_and_crc32(self):
        layout, open_entry = make_archive({"a.jpg": b"12345"})

        header = b"".join(layout.read(0, layout.data_offset(0), open_entry))

        crc32 = zlib.crc32(b"12345").to_bytes(4, "little")
        size = (5).to_bytes(4, "little")
        stamp = (12 << 11 | 34 << 5 | 28).to_bytes(2, "little") + (44 << 9 | 5 << 5 | 6).to_bytes(2, "little")
        assert header == (
            b"PK\x03\x04" + bytes([10, 0, 0, 0, 0, 0]) + stamp + crc32 + size + size + b"\5\0\0\0a.jpg"
        )

    @pytest.mark.parametrize(
        "modified, kept",
        [
            pytest.param(datetime(2024, 5, 6, 7, 8, 9), (2024, 5, 6, 7, 8, 8), id="odd second down"),
            pytest.param(datetime(2024, 5, 6, 7, 8, 59, 999999), (2024, 5, 6, 7, 8, 58), id="no carry"),
            pytest.param(datetime(1979, 12, 31, 23, 59, 59), (1980, 1, 1, 0, 0, 0), id="too early"),
            pytest.param(datetime(1, 1, 1), (1980, 1, 1, 0, 0, 0), id="year one"),
            pytest.param(datetime(1980, 1, 1, 0, 0, 1), (1980, 1, 1, 0, 0, 0), id="first"),
            pytest.param(datetime(2107, 12, 31, 23, 59, 59), (2107, 12, 31, 23, 59, 58), id="last"),
            pytest.param(datetime(2108, 1, 1), (2107, 12, 31, 23, 59, 58), id="too late"),
        ],
    )
    def test_time_is_kept_as_dos_can(self, modified, kept):
        layout = ZipLayout([make_entry(modified=modified)])

        with open_zip(layout, None) as archive:
            assert archive.infolist()[0].date_time == kept
        assert layout[0].modified == datetime(*kept)

    def test_a_plan_gives_its_entries_back(self):
        entries = [make_entry("a.jpg", b"1"), make_entry("日本.jpg", b"22")]

        layout = ZipLayout(iter(entries))

        assert list(layout) == entries
        assert layout[-1] == entries[-1]
        assert len(layout) == 2


class TestReading:
    def test_only_entries_in_the_range_are_opened(self):
        calls = []
        layout, _ = make_archive({f"{number}.jpg": bytes(100) for number in range(50)})

        def open_entry(index, start, end):
            calls.append((index, start, end))
            return [bytes(end - start)]

        list(layout.read(layout.data_offset(20) + 7, layout.data_offset(22) + 5, open_entry))

        assert calls == [(20, 7, 100), (21, 0, 100), (22, 0, 5)]

    def test_entries_are_opened_one_at_a_time_when_their_turn_comes(self):
        is_open = set()
        layout, _ = make_archive({f"{number}.jpg": bytes(100) for number in range(5)})

        def open_entry(index, start, end):
            is_open.add(index)
            yield bytes(end - start)
            is_open.remove(index)

        seen = [set(is_open) for _ in layout.read(0, layout.size, open_entry)]

        assert seen[:4] == [set(), {0}, set(), {1}]
        assert all(len(now) <= 1 for now in seen)
        assert not is_open

    def test_segments_name_the_data_and_give_the_rest(self):
        layout, open_entry = make_archive({"a.jpg": b"abcdef", "empty.jpg": b"", "b.jpg": b"gh"})
        archive = whole(layout, open_entry)

        segments = list(layout.segments(layout.data_offset(0) + 2, layout.data_offset(2) + 1))

        between = archive[layout.data_offset(0) + 6 : layout.data_offset(2)]
        assert [s for s in segments if isinstance(s, Data)] == [Data(0, 2, 6), Data(2, 0, 1)]
        assert b"".join(s.content for s in segments if isinstance(s, Framing)) == between

    @pytest.mark.parametrize("start, end", [(-1, 5), (5, 4), (0, 10**6)])
    def test_a_range_outside_is_refused_at_once(self, start, end):
        layout, open_entry = make_archive({"a.jpg": b"abc"})

        with pytest.raises(
            LayoutError, match=f"bytes {start}..{end} are not within an archive of {layout.size}"
        ):
            next(layout.read(start, end, open_entry))


class TestChangedOriginals:
    @pytest.mark.parametrize(
        "blocks, reason",
        [
            pytest.param([b"abc"], "3 of 6 bytes came", id="short"),
            pytest.param([], "0 of 6 bytes came", id="nothing"),
            pytest.param([b"abc", b"defg"], "more than 6 bytes came", id="long"),
            pytest.param([b"abcdef", b"", b"g"], "more than 6 bytes came", id="long at last"),
            pytest.param([b"abcdeF"], r"the content differs \(CRC-32\)", id="changed"),
        ],
    )
    def test_other_bytes_than_planned_are_an_error_of_ours(self, blocks, reason):
        layout, _ = make_archive({"x.jpg": b"", "a.jpg": b"abcdef"})

        with pytest.raises(EntryChanged, match=f"^a.jpg: {reason}$") as caught:
            list(layout.read(0, layout.size, lambda index, start, end: blocks))

        assert (caught.value.index, caught.value.name) == (1, "a.jpg")

    def test_surplus_bytes_are_not_passed_on(self):
        layout, _ = make_archive({"a.jpg": b"abcdef"})
        reading = layout.read(layout.data_offset(0), layout.size, lambda *wanted: [b"abcdef", b"SURPLUS"])
        assert next(reading) == b"abcdef"
        with pytest.raises(EntryChanged):
            next(reading)

    @given(archives, fractions, st.randoms(use_true_random=False))
    def test_pieces_of_any_slices_prove_the_entries(self, files, cuts, chance):
        layout, open_entry = make_archive(files)
        pieces = []
        for start, end in slices(layout, cuts):
            list(layout.read(start, end, open_entry, pieces.append))
        chance.shuffle(pieces)

        assert layout.changed_entries(pieces) == []
        assert {piece.entry for piece in pieces} == {i for i, entry in enumerate(layout) if entry.size}

    def test_a_change_in_an_entry_cut_in_two_is_found_afterwards(self):
        layout, _ = make_archive({"a.jpg": b"abcdef", "b.jpg": b"ghijkl", "c.jpg": b"mnopqr"})
        now = [b"abcdef", b"ghijkL", b"mnopqr"]
        middle, pieces = layout.data_offset(1) + 3, []

        for start, end in (0, middle), (middle, layout.size):
            list(layout.read(start, end, lambda i, a, b: [now[i][a:b]], pieces.append))

        assert layout.changed_entries(pieces) == [1]

    def test_the_same_piece_reported_twice_counts_once(self):
        layout, open_entry = make_archive({"a.jpg": b"abcdef"})
        pieces = []
        for _ in range(2):
            list(layout.read(0, layout.size, open_entry, pieces.append))

        assert layout.changed_entries(pieces) == []

    @pytest.mark.parametrize(
        "kept, message",
        [
            pytest.param([0, 2], "a.jpg: byte 2 not copied once", id="gap"),
            pytest.param([1, 2], "a.jpg: byte 0 not copied once", id="no beginning"),
            pytest.param([0, 1], "a.jpg: 4 of 6 bytes copied", id="no end"),
        ],
    )
    def test_missing_pieces_are_no_proof(self, kept, message):
        layout, open_entry = make_archive({"a.jpg": b"abcdef"})
        pieces, at = [], layout.data_offset(0)
        for start in range(0, 6, 2):
            list(layout.read(at + start, at + start + 2, open_entry, pieces.append))

        with pytest.raises(LayoutError, match=message):
            layout.changed_entries([pieces[place] for place in kept])

    @given(st.binary(max_size=300), st.binary(max_size=300))
    def test_joined_crc32_is_that_of_the_joined_bytes(self, first, second):
        joined = crc32_join(zlib.crc32(first), zlib.crc32(second), len(second))

        assert joined == zlib.crc32(first + second)


class TestRefused:
    @pytest.mark.parametrize(
        "entry, message",
        [
            pytest.param(Entry("", 1, 1, NOON), "a name has 1 to 65535 bytes, not 0", id="no name"),
            pytest.param(Entry("é" * 32768, 1, 1, NOON), "bytes, not 65536", id="long name"),
            pytest.param(Entry("\udce9.jpg", 1, 1, NOON), "is not valid Unicode", id="surrogate"),
            pytest.param(Entry("a", -1, 1, NOON), "the size -1 is impossible", id="negative size"),
            pytest.param(Entry("a", 1, 1 << 32, NOON), "is no CRC-32 of 1 bytes", id="large CRC-32"),
            pytest.param(Entry("a", 1, -1, NOON), "is no CRC-32 of 1 bytes", id="negative CRC-32"),
            pytest.param(Entry("a", 0, 5, NOON), "5 is no CRC-32 of 0 bytes", id="CRC-32 of nothing"),
            pytest.param(Entry("a", 1, 1, NOON.replace(tzinfo=UTC)), "has a zone", id="zone"),
        ],
    )
    def test_what_no_archive_can_hold(self, entry, message):
        with pytest.raises(LayoutError, match=message):
            ZipLayout([entry])

    def test_two_entries_of_one_name(self):
        with pytest.raises(LayoutError, match=r"two entries are named 'a\.jpg'"):
            ZipLayout([make_entry("a.jpg"), make_entry("b.jpg"), make_entry("a.jpg")])


def test_many_random_ranges_of_a_larger_archive():
    chance = random.Random(7)
    files = {f"{number}.jpg": chance.randbytes(chance.randrange(3000)) for number in range(200)}
    layout, open_entry = make_archive(files)
    archive = whole(layout, open_entry)

    for _ in range(300):
        start, end = sorted(chance.randrange(layout.size + 1) for _ in range(2))
        assert b"".join(layout.read(start, end, open_entry)) == archive[start:end]
