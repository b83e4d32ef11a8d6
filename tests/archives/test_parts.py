"""Cutting a list of entries into archives, and sizes known from sums."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labels.archives.format import MAX16, MAX32
from labels.archives.parts import Part, Trailer, archive_size, split
from labels.archives.zip_layout import Entry, LayoutError, ZipLayout
from tests.archives.ziptools import NOON, make_entry

small = st.integers(0, 500)
any_size = small | st.integers(MAX32 - 200, MAX32 + 200) | st.just(5 << 30)


def make_entries(sizes, stem="é"):
    return [Entry(f"{stem}{number}.jpg", size, 1 if size else 0, NOON) for number, size in enumerate(sizes)]


def make_trailers(fixed, line):
    return [
        Trailer("manifest.csv", fixed, lambda entry: line + len(entry.name)),
        Trailer("SHA256SUMS", 0, lambda entry: 67 + len(entry.name.encode())),
    ]


def whole_size(entries, trailers):
    """The size of the archive that is really laid out, trailers and all."""
    grown = [
        Entry(trailer.name, trailer.fixed_bytes + sum(map(trailer.line_bytes, entries)), 1, NOON)
        for trailer in trailers
    ]
    return ZipLayout([*entries, *grown]).size


class TestSplit:
    @given(st.lists(small, max_size=30), st.integers(1, 5000), st.integers(1, 90), st.integers(0, 90))
    def test_parts_are_whole_in_order_exact_and_full(self, sizes, limit, fixed, line):
        entries, trailers = make_entries(sizes), make_trailers(fixed, line)

        parts = list(split(entries, limit, trailers))

        assert [e for part in parts for e in entries[part.start : part.stop]] == entries
        for part in parts:
            assert part.size == whole_size(entries[part.start : part.stop], trailers)
            assert part.size <= limit or part.stop - part.start == 1
            if part.stop < len(entries):  # the next entry would not have fitted
                assert whole_size(entries[part.start : part.stop + 1], trailers) > limit

    @given(st.lists(any_size, min_size=1, max_size=8), st.sampled_from([MAX32, MAX32 + 60, 12 << 30]))
    def test_sizes_are_exact_around_4_gib(self, sizes, limit):
        entries, trailers = make_entries(sizes), make_trailers(40, 3)

        for part in split(entries, limit, trailers):
            assert part.size == whole_size(entries[part.start : part.stop], trailers)

    def test_an_archive_of_just_the_limit_is_one_part(self):
        entries = make_entries([10, 20, 30])
        limit = ZipLayout(entries).size

        assert list(split(entries, limit)) == [Part(0, 3, limit)]
        assert [part.stop for part in split(entries, limit - 1)] == [2, 3]

    def test_an_entry_over_the_limit_is_alone(self):
        entries = make_entries([10, 5000, 10])

        parts = list(split(entries, 1000))

        assert [(part.start, part.stop) for part in parts] == [(0, 1), (1, 2), (2, 3)]
        assert [part.size > 1000 for part in parts] == [False, True, False]

    def test_no_entries_make_no_parts(self):
        assert list(split([], 1000, make_trailers(10, 1))) == []

    def test_entries_may_come_from_an_iterator(self):
        assert [part.stop for part in split(iter(make_entries([10, 20])), 1000)] == [2]

    def test_a_limit_of_nothing_is_refused_at_once(self):
        with pytest.raises(LayoutError, match="at most 0 bytes"):
            next(split([], 0))


class TestSums:
    @given(st.lists(any_size, max_size=12), st.text("aé日🎈", max_size=5))
    def test_sums_agree_with_the_layout_or_say_that_they_cannot(self, sizes, stem):
        entries = make_entries(sizes, stem)
        name_bytes = sum(len(entry.name.encode()) for entry in entries)

        try:
            size = archive_size(len(entries), name_bytes, sum(sizes))
        except LayoutError:
            assert sum(sizes) + name_bytes + 30 * len(sizes) >= MAX32
        else:
            assert size == ZipLayout(entries).size

    @pytest.mark.parametrize("count", [MAX16 - 1, MAX16])
    def test_many_entries(self, count):
        layout = ZipLayout(make_entry(f"{number:06d}", b"xyz") for number in range(count))

        assert archive_size(count, 6 * count, 3 * count) == layout.size

    def test_the_last_size_that_sums_can_tell(self):
        size = MAX32 - 1 - 35

        assert archive_size(1, 5, size) == ZipLayout([Entry("a.jpg", size, 1, NOON)]).size
        with pytest.raises(LayoutError, match="sums do not tell the size from 4 GiB on"):
            archive_size(1, 5, size + 1)
