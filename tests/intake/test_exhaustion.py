"""Small files made to keep a decoder busy for minutes are refused before they are decoded."""

import io
import struct
import zlib

import pytest
from PIL import Image

from labels.intake.add import Outcome, add_photo
from labels.pictures.decoding import MAX_FRAMES
from labels.pictures.jpeg_markers import MAX_SCANS, MAX_SEGMENTS
from labels.pictures.png_chunks import MAX_CHUNKS
from tests import factory
from tests.conftest import stored

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


def _tiff(pages):
    """Return a TIFF of 1 x 1 pixel whose pages are a chain of `pages` directories."""
    shorts, longs = {258: 8, 259: 1, 262: 1}, {256: 1, 257: 1, 273: 8, 278: 1, 279: 1}
    entries = [(tag, 3, value) for tag, value in shorts.items()]
    entries = sorted(entries + [(tag, 4, value) for tag, value in longs.items()])
    size = 2 + 12 * len(entries) + 4
    out = bytearray(b"II*\0" + struct.pack("<I", 9) + b"\x80")
    for page in range(pages):
        out += struct.pack("<H", len(entries))
        for tag, kind, value in entries:
            out += struct.pack("<HHII", tag, kind, 1, value)
        out += struct.pack("<I", 9 + size * (page + 1) if page + 1 < pages else 0)
    return io.BytesIO(bytes(out))


def _progressive(extra_scans=0):
    """Return a progressive JPEG with its last scan repeated."""
    file = io.BytesIO()
    Image.linear_gradient("L").save(file, "JPEG", progressive=True)
    content = file.getvalue()
    last = content[content.rindex(b"\xff\xda") : -2]
    return io.BytesIO(content[:-2] + last * extra_scans + content[-2:])


def _png(chunks):
    """Return a PNG with `chunks` chunks that nobody knows before its picture."""
    content = factory.picture(format="PNG").read()
    chunk = struct.pack(">I4s", 0, b"inTa") + struct.pack(">I", zlib.crc32(b"inTa"))
    return io.BytesIO(content[:33] + chunk * chunks + content[33:])


def _comments(count):
    return io.BytesIO(b"\xff\xd8" + b"\xff\xfe\0\2" * count + factory.picture().read()[2:])


@pytest.mark.parametrize(
    ("file", "name", "sentence"),
    [
        (_png(MAX_CHUNKS), "a.png", "a.png has more than 100,000 chunks, which is the limit"),
        (_comments(MAX_SEGMENTS), "a.jpg", "a.jpg has more than 1,000 segments, which is the limit"),
        (_tiff(MAX_FRAMES + 1), "a.tif", "a.tif has more than 1,000 pages, which is the limit."),
        (_tiff(40_000), "a.tif", "a.tif has more than 1,000 pages, which is the limit."),
        (_progressive(MAX_SCANS), "a.jpg", "a.jpg has more than 100 scans, which is the limit"),
    ],
    ids=["chunks", "segments", "a page too many", "40,000 pages", "scans"],
)
def test_it_is_refused_with_the_limit(dan, file, name, sentence):
    taken = add_photo(file, name, dan)

    assert taken.reason.startswith(sentence)
    assert stored("originals") == []


@pytest.mark.parametrize(
    ("file", "name"),
    [
        (_png(2000), "a.png"),
        (_comments(900), "a.jpg"),
        (_tiff(MAX_FRAMES), "a.tif"),
        (_progressive(), "a.jpg"),
        (_progressive(50), "a.jpg"),
        # What phones append: a film may hold the bytes of a marker by chance.
        (io.BytesIO(_progressive().getvalue() + b"\xff\xda\0\x08" * 1000), "a.jpg"),
    ],
    ids=["chunks", "segments", "as many pages as may be", "progressive", "many scans", "a film behind it"],
)
def test_what_is_within_the_limits_is_taken(dan, file, name):
    taken = add_photo(file, name, dan)

    assert taken.outcome == Outcome.IMPORTED, taken.reason


def test_scans_are_counted_in_a_file_on_disk_as_well(dan, tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(_progressive(MAX_SCANS).getvalue())

    with path.open("rb") as file:
        taken = add_photo(file, "a.jpg", dan)

    assert taken.code == "too_many_scans"
    assert factory.counts(dan) == {}
