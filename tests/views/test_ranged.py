"""A stored file sent whole or in part: RFC 9110's ranges and conditions, and what a download leaves open."""

import hashlib
import os
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage
from django.db import connection
from django.http import FileResponse
from django.test import RequestFactory
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from labels.bundles import building, sums
from labels.models.bundle import bundle_files
from labels.views import ranged
from tests import factory

CONTENT = bytes(range(256)) * 4
SIZE = len(CONTENT)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
ETAG = f'"{SHA256}"'
MODIFIED = datetime(2024, 5, 1, 12, 30, 15, 250_000, tzinfo=UTC)
LAST_MODIFIED = "Wed, 01 May 2024 12:30:15 GMT"

RANGES = {
    "first ten": ("bytes=0-9", range(0, 10)),
    "one byte": ("bytes=7-7", range(7, 8)),
    "from there on": ("bytes=1000-", range(1000, SIZE)),
    "all of it": ("bytes=0-", range(0, SIZE)),
    "past the end": ("bytes=1000-99999", range(1000, SIZE)),
    "the last byte": (f"bytes={SIZE - 1}-", range(SIZE - 1, SIZE)),
    "the last ten": ("bytes=-10", range(SIZE - 10, SIZE)),
    "more last ones than there are": ("bytes=-99999", range(0, SIZE)),
    "in capitals": ("BYTES=0-9", range(0, 10)),
    "with spaces": ("bytes= 0-9\t", range(0, 10)),
}
UNSATISFIABLE = {
    "begins at the end": f"bytes={SIZE}-",
    "begins past the end": "bytes=5000-6000",
    "the last none": "bytes=-0",
}
IGNORED = {
    "several": "bytes=0-9,20-29",
    "several with an empty one": "bytes=,0-9",
    "backwards": "bytes=9-0",
    "backwards past the end": "bytes=6000-5000",
    "nothing": "",
    "no unit": "0-9",
    "another unit": "items=0-9",
    "no numbers": "bytes=-",
    "no hyphen": "bytes=5",
    "words": "bytes=a-b",
    "a sign": "bytes=+1-9",
    "two hyphens": "bytes=--5",
    "digits of another script": "bytes=٣-٩",
    "a new line": "bytes=0-9\n",
    "five thousand digits": f"bytes={'9' * 5000}-",
}


@pytest.fixture
def stored():
    """A file in storage, with an `open` as a model's file field has it."""
    storage = InMemoryStorage()
    storage.save("a", ContentFile(CONTENT))
    return SimpleNamespace(open=lambda mode: storage.open("a", mode))


def _send(file, method="get", name="a.zip", **headers):
    headers = {header.replace("_", "-"): value for header, value in headers.items()}
    request = getattr(RequestFactory(), method)("/", headers=headers)
    answer = ranged.send(
        request, file, name=name, content_type="application/zip", etag=SHA256, modified=MODIFIED
    )
    return answer


def _body(answer):
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


@pytest.mark.parametrize(("header", "expected"), RANGES.values(), ids=RANGES)
def test_a_range_is_answered_with_exactly_its_bytes(stored, header, expected):
    answer = _send(stored, Range=header)

    assert answer.status_code == 206
    assert answer["Content-Range"] == f"bytes {expected.start}-{expected.stop - 1}/{SIZE}"
    assert answer["Content-Length"] == str(len(expected))
    assert _body(answer) == CONTENT[expected.start : expected.stop]


@pytest.mark.parametrize("header", UNSATISFIABLE.values(), ids=UNSATISFIABLE)
def test_a_range_outside_of_the_file_is_416_with_its_size(stored, header):
    answer = _send(stored, Range=header)

    assert answer.status_code == 416
    assert answer["Content-Range"] == f"bytes */{SIZE}"
    assert answer["ETag"] == ETAG
    assert _body(answer) == b""


@pytest.mark.parametrize("header", IGNORED.values(), ids=IGNORED)
def test_what_is_no_single_range_is_answered_with_the_whole(header):
    assert ranged.byte_range(header, SIZE) is None


def test_several_ranges_are_answered_with_the_whole(stored):
    answer = _send(stored, Range="bytes=0-9,20-29")

    assert answer.status_code == 200
    assert "Content-Range" not in answer
    assert _body(answer) == CONTENT


@pytest.mark.parametrize(
    ("header", "expected"),
    [("bytes=0-", range(0, 0)), ("bytes=-0", range(0, 0)), ("bytes=-5", None), ("bytes=0-9", range(0, 0))],
)
def test_an_empty_file_has_no_range(header, expected):
    found = ranged.byte_range(header, 0)

    assert (found is None) == (expected is None)
    assert not found


_HEADERS = st.one_of(
    st.text(),
    st.from_regex(r"(?i:bytes)[ =:]{0,2}[0-9,\- ]*", fullmatch=True),
    st.text(alphabet="bytes=-,0123456789 \t\n"),
)


@given(_HEADERS, st.integers(0, 2**63))
def test_any_header_is_either_ignored_or_a_range_of_the_file(header, size):
    found = ranged.byte_range(header, size)

    assert found is None or not found or 0 <= found.start < found.stop <= size


@given(st.binary(max_size=2000), st.lists(st.integers(0, 2000)), st.booleans())
def test_the_ranges_of_any_slicing_joined_are_the_file(content, cuts, open_end):
    storage = InMemoryStorage()
    storage.save("a", ContentFile(content))
    file = SimpleNamespace(open=lambda mode: storage.open("a", mode))
    edges = sorted({0, len(content), *(cut for cut in cuts if cut < len(content))})
    joined = b""

    for start, end in zip(edges, edges[1:], strict=False):
        last = "" if open_end and end == len(content) else end - 1
        answer = _send(file, Range=f"bytes={start}-{last}")
        assert (answer.status_code, answer["Content-Length"]) == (206, str(end - start))
        joined += _body(answer)

    assert joined == content


IF_RANGE = {
    "the same file": (ETAG, 206),
    "its date": (LAST_MODIFIED, 206),
    "another file": (f'"{"0" * 64}"', 200),
    "a weak tag": (f"W/{ETAG}", 200),
    "a tag without quotes": (SHA256, 200),
    "two tags": (f'{ETAG}, "b"', 200),
    "any": ("*", 200),
    "an older date": ("Wed, 01 May 2024 12:30:14 GMT", 200),
    "a newer date": ("Wed, 01 May 2024 12:30:16 GMT", 200),
    "the date written otherwise": ("Wednesday, 01-May-24 12:30:15 GMT", 200),
    "nonsense": ("yesterday", 200),
    "nothing": ("", 200),
}


@pytest.mark.parametrize(("value", "status"), IF_RANGE.values(), ids=IF_RANGE)
def test_a_range_of_another_file_is_answered_with_the_whole(stored, value, status):
    answer = _send(stored, Range="bytes=10-19", If_Range=value)

    assert answer.status_code == status
    assert _body(answer) == (CONTENT[10:20] if status == 206 else CONTENT)


def test_a_range_outside_of_another_file_is_answered_with_the_whole(stored):
    answer = _send(stored, Range="bytes=5000-", If_Range='"the longer one before"')

    assert answer.status_code == 200
    assert _body(answer) == CONTENT


def test_if_range_without_a_range_means_nothing(stored):
    assert _send(stored, If_Range='"another"').status_code == 200


CONDITIONS = {
    "known by its tag": ({"If_None_Match": ETAG}, 304),
    "known by its weak tag": ({"If_None_Match": f"W/{ETAG}"}, 304),
    "one of those known": ({"If_None_Match": f'"b", {ETAG}'}, 304),
    "known whatever it is": ({"If_None_Match": "*"}, 304),
    "another is known": ({"If_None_Match": '"b"'}, 200),
    "not changed since": ({"If_Modified_Since": LAST_MODIFIED}, 304),
    "changed since": ({"If_Modified_Since": "Wed, 01 May 2024 12:30:14 GMT"}, 200),
    "the tag counts more": ({"If_None_Match": '"b"', "If_Modified_Since": LAST_MODIFIED}, 200),
    "known, asked for a range": ({"If_None_Match": ETAG, "Range": "bytes=0-9"}, 304),
    "known, asked for a wrong range": ({"If_None_Match": ETAG, "Range": "bytes=5000-"}, 304),
    "wanted only if the same, and it is": ({"If_Match": ETAG, "Range": "bytes=0-9"}, 206),
    "wanted only if the same, and it is not": ({"If_Match": '"b"', "Range": "bytes=0-9"}, 412),
    "wanted only if not changed, and it is": (
        {"If_Unmodified_Since": "Wed, 01 May 2024 12:30:14 GMT"},
        412,
    ),
}


@pytest.mark.parametrize("method", ["get", "head"])
@pytest.mark.parametrize(("headers", "status"), CONDITIONS.values(), ids=CONDITIONS)
def test_conditions_are_answered_before_ranges(stored, headers, status, method):
    answer = _send(stored, method, **headers)

    assert answer.status_code == (200 if method == "head" and status == 206 else status)
    assert answer["ETag"] == ETAG
    assert answer["Last-Modified"] == LAST_MODIFIED
    assert answer["Cache-Control"] == "private, no-cache, no-transform"
    if status in (304, 412):
        assert _body(answer) == b""


class Watched:
    """A file that tells what was done with it."""

    def __init__(self, path):
        self._path = path
        self.opened = []
        self.reads = []

    def open(self, mode):
        watched = self

        class File:
            def __init__(self):
                self._file = open(watched._path, mode)  # noqa: SIM115
                for name in ("seek", "seekable", "tell", "fileno", "close"):
                    setattr(self, name, getattr(self._file, name))

            def read(self, count):
                watched.reads.append(count)
                return self._file.read(count)

            @property
            def closed(self):
                return self._file.closed

        self.opened.append(File())
        return self.opened[-1]


@pytest.fixture
def watched(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(CONTENT)
    yield Watched(path)


def test_head_has_the_headers_of_get_and_reads_nothing(watched):
    whole = _send(watched)
    whole.close()

    answer = _send(watched, "head", Range="bytes=0-9")

    assert dict(answer.headers) == dict(whole.headers)
    assert answer["Content-Length"] == str(SIZE)
    assert (answer.status_code, _body(answer)) == (200, b"")
    assert watched.reads == []
    assert watched.opened[1].closed


def test_head_knows_no_range(stored):
    assert _send(stored, "head", Range="bytes=5000-").status_code == 200


NO_BODY = {
    "not modified": {"If_None_Match": ETAG},
    "precondition failed": {"If_Match": '"b"'},
    "unsatisfiable": {"Range": "bytes=5000-"},
}


@pytest.mark.parametrize("headers", NO_BODY.values(), ids=NO_BODY)
def test_an_answer_without_the_file_leaves_it_closed(watched, headers):
    _send(watched, **headers)

    assert [file.closed for file in watched.opened] == [True]
    assert watched.reads == []


def test_the_file_is_closed_when_the_client_goes_away(watched):
    answer = _send(watched)
    next(iter(answer))

    assert not watched.opened[0].closed
    answer.close()

    assert watched.opened[0].closed


def test_a_large_file_is_read_piece_by_piece(tmp_path):
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(5_000_000)
    watched = Watched(path)

    with closing(_send(watched, Range="bytes=100-4000099")) as answer:
        sizes = [len(piece) for piece in answer]

    assert sizes == [1024 * 1024] * 3 + [4_000_000 - 3 * 1024 * 1024]
    assert max(watched.reads) == 1024 * 1024


def test_a_server_that_copies_by_itself_begins_at_the_range(watched):
    answer = _send(watched, Range="bytes=300-399")

    assert isinstance(answer, FileResponse)
    part = answer.file_to_stream
    assert os.lseek(part.fileno(), 0, os.SEEK_CUR) == part.tell() == 300
    assert part.seekable() and part.seek(0, os.SEEK_END) == 400
    part.seek(300)
    assert part.read(1000) == CONTENT[300:400]
    answer.close()


def test_a_file_removed_meanwhile_is_sent_to_its_end(tmp_path):
    path = tmp_path / "large"
    path.write_bytes(CONTENT * 3000)
    with closing(_send(Watched(path))) as answer:
        pieces = iter(answer)
        first = next(pieces)

        path.unlink()

        assert first + b"".join(pieces) == CONTENT * 3000


@pytest.mark.django_db(transaction=True)
def test_a_download_keeps_no_database_connection(stored, dan):
    assert connection.connection is not None

    answer = _send(stored)

    assert connection.connection is None
    answer.close()


NAMES = {
    "plain": ("photos 2024.zip", 'attachment; filename="photos 2024.zip"'),
    "quotes": ('the "best".zip', 'attachment; filename="the \\"best\\".zip"'),
    "a backslash": ("a\\b.zip", 'attachment; filename="a\\\\b.zip"'),
    "umlauts": ("Grüße.zip", "attachment; filename*=utf-8''Gr%C3%BC%C3%9Fe.zip"),
    "emoji": ("sea 🌊.zip", "attachment; filename*=utf-8''sea%20%F0%9F%8C%8A.zip"),
    "a percent sign and a semicolon": ("100%; all.zip", 'attachment; filename="100%; all.zip"'),
}


@pytest.mark.parametrize(("name", "expected"), NAMES.values(), ids=NAMES)
def test_the_name_survives_the_header(stored, name, expected):
    answer = _send(stored, name=name)

    assert answer["Content-Disposition"] == expected
    answer.close()


@pytest.fixture
def part(dan):
    factory.photo(dan)
    bundle = factory.held_bundle(dan)
    building.build(bundle)
    return bundle.parts.get()


def test_an_archive_can_be_resumed_and_is_kept_by_nobody_in_between(client, part):
    whole = client.get(part.get_absolute_url())
    content = _body(whole)
    again = {"Range": "bytes=100-", "If-Range": whole["ETag"]}

    rest = client.get(part.get_absolute_url(), headers=again)

    assert whole["ETag"] == f'"{Path(part.file.name).stem}"'
    assert whole["Accept-Ranges"] == "bytes"
    assert whole["Content-Type"] == "application/zip"
    assert whole["X-Content-Type-Options"] == "nosniff"
    assert whole["Cache-Control"] == "private, no-cache, no-transform"
    assert whole["Vary"] == "Cookie"
    assert hashlib.sha256(content).hexdigest() == sums.work_out(part)
    assert rest.status_code == 206
    assert _body(rest) == content[100:]


@pytest.mark.parametrize("method", ["get", "head"])
def test_an_archive_that_vanished_leads_to_its_page_with_a_sentence(client, part, method):
    bundle_files().delete(part.file.name)

    answer = getattr(client, method)(part.get_absolute_url(), headers={"Range": "bytes=100-"})

    assert (answer.status_code, answer["Location"]) == (302, part.bundle.get_absolute_url())
    page = client.get(answer["Location"]).content.decode()
    assert "This download is no longer kept. You can" in page


def test_another_person_gets_no_range_of_an_archive(client, eve, part):
    client.force_login(eve)

    answer = client.get(part.get_absolute_url(), headers={"Range": "bytes=0-9", "If-None-Match": "*"})

    assert answer.status_code == 404


def test_an_original_can_be_resumed(client, dan):
    photo = factory.photo(dan, name="Grüße.jpg")
    original = factory.picture().read()

    answer = client.get(reverse("photo_original", args=[photo.pk]), headers={"Range": "bytes=-50"})

    assert answer.status_code == 206
    assert answer["ETag"] == f'"{hashlib.sha256(original).hexdigest()}"'
    assert answer["Content-Disposition"] == "attachment; filename*=utf-8''Gr%C3%BC%C3%9Fe.jpg"
    assert _body(answer) == original[-50:]
