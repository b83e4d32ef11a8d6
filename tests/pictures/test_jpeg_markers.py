"""A JPEG is looked through before Pillow walks it: what takes minutes is known in milliseconds."""

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, JpegImagePlugin

from labels.pictures import jpeg_markers
from labels.pictures.jpeg_markers import MAX_FILLER, MAX_METADATA, MAX_SEGMENTS, read_header
from tests import factory

SOI = b"\xff\xd8"
REST = factory.picture().read()[2:]
COMMENT = b"\xff\xfe\0\2"
EXIF = b"\xff\xe1\xff\xffExif\0\0" + bytes(0xFFFF - 8)
TABLES = b"\xff\xc4\xff\xff" + bytes(0xFFFF - 2)

BOMBS = {
    "FF": (SOI + b"\xff" * 2_000_000, "more than 64 KB of filler"),
    "FF before a picture": (SOI + b"\xff" * 2_000_000 + REST, "more than 64 KB of filler"),
    "zeros": (SOI + b"\xff" + bytes(2_000_000) + REST, "more than 64 KB of filler"),
    "stuffed bytes": (SOI + b"\xff\0" * 1_000_000 + REST, "more than 64 KB of filler"),
    "a little filler each": (SOI + (b"\xff" * 200 + COMMENT) * 900 + REST, "more than 64 KB of filler"),
    "empty comments": (SOI + COMMENT * 500_000 + REST, "more than 1,000 segments"),
    "segments shorter than their length": (SOI + b"\xff\xfe\0\0" * 5000 + REST, "more than 1,000 segments"),
    "markers without length": (SOI + b"\xff\xd8" * 5000 + REST, "more than 1,000 segments"),
    "EXIF": (SOI + EXIF * 300 + REST, "more than 16 MB of metadata"),
    "tables": (SOI + TABLES * 2 + REST, "more than 64 KB of tables"),
}


@pytest.mark.parametrize(("content", "excess"), BOMBS.values(), ids=BOMBS)
def test_a_bomb_is_known_by_what_it_has_too_much_of(content, excess):
    assert read_header(io.BytesIO(content)).excess == excess


LARGE = {
    "comments": COMMENT * (MAX_SEGMENTS - 50),
    "filler": b"\xff" * (MAX_FILLER - 1),
    "EXIF": EXIF * (MAX_METADATA // 0xFFFF),
    "no metadata": b"",
}


@pytest.mark.parametrize("extra", LARGE.values(), ids=LARGE)
def test_what_is_within_the_limits_is_read_to_the_picture(extra):
    content = SOI + extra + REST

    header = read_header(io.BytesIO(content))

    assert (header.excess, header.has_many_scans) == ("", False)
    assert content[: header.picture_at].rindex(b"\xff\xda") > len(extra)
    assert Image.open(io.BytesIO(content)).size == (64, 48)


def test_the_files_of_real_cameras_pass(shared):
    for path in sorted((shared / "photos").glob("*.jpg")):
        with path.open("rb") as file:
            header = read_header(file)
            assert (header.excess, header.picture_at is None) == ("", False), path.name


class Counting(io.BytesIO):
    """Counts how often it is read: what a walk in Python costs."""

    reads = 0

    def read(self, size=-1):
        self.reads += 1
        return super().read(size)


_CODES = st.sampled_from([0xC0, 0xC4, 0xC8, 0xD8, 0xD9, 0xDA, 0xDB, 0xE1, 0xF1, 0xFE, 0x01, 0x00])
_SEGMENTS = st.builds(
    lambda code, body, lie: bytes((0xFF, code)) + max(0, len(body) + 2 + lie).to_bytes(2) + body,
    _CODES,
    st.binary(max_size=12),
    st.sampled_from([0, 0, 0, -3, 5]),
)
_PIECES = st.lists(
    st.one_of(
        _SEGMENTS, st.binary(max_size=5), st.integers(0, 30).map(lambda n: b"\xff" * n), st.just(COMMENT)
    ),
    max_size=40,
)


@given(pieces=_PIECES)
def test_pillow_reads_no_more_pieces_than_were_counted(pieces):
    """Whatever passes with small limits, Pillow walks in a few reads: both see the same pieces."""
    content = Counting(SOI + b"\xff" + b"".join(pieces) + REST)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jpeg_markers, "MAX_SEGMENTS", 10)
        patch.setattr(jpeg_markers, "MAX_FILLER", 20)
        header = read_header(content)
    if not header.excess:
        content.reads = 0
        content.seek(0)
        try:
            picture = JpegImagePlugin.JpegImageFile(content)
        except (SyntaxError, OSError, IndexError, struct.error):
            picture = None
        # A marker, its length and its body for each segment, and two bytes to begin with.
        assert content.reads <= 4 * 11 + 2 * 21 + 4
        assert (header.picture_at is not None) or picture is None or not picture.tile


def _not_interleaved(times):
    """Return a sequential JPEG whose three components come in scans of their own, `times` over."""
    scan = b"\xff\xda\0\x08\x01\x01\0\0\x3f\0" + b"\x12\x34"
    frame = b"\xff\xc0\0\x11\x08\0\x30\0\x40\x03\x01\x11\0\x02\x11\0\x03\x11\0"
    return io.BytesIO(SOI + frame + scan * times + b"\xff\xd9")


@pytest.mark.parametrize(
    ("file", "scans"),
    [
        pytest.param(factory.picture(), 1, id="sequential"),
        pytest.param(factory.noise(progressive=True), 10, id="progressive"),
        pytest.param(_not_interleaved(3), 3, id="a scan for each component"),
        pytest.param(_not_interleaved(5000), jpeg_markers.MAX_SCANS + 1, id="the same again and again"),
        pytest.param(
            io.BytesIO(factory.noise(progressive=True).read()[:-2] + COMMENT * 20_000 + b"\xff\xd9"),
            jpeg_markers.MAX_SCANS + 1,
            id="comments behind the scans",
        ),
        pytest.param(
            io.BytesIO(factory.noise(progressive=True).read()[:-2] + b"\xff" * 5_000_000),
            10,
            id="FF to the end",
        ),
    ],
)
def test_scans_are_counted_however_they_are_made(file, scans):
    assert jpeg_markers.scan_count(file) == scans


@given(fill=st.integers(0, 9000), size=st.integers(0, 5000))
def test_no_scan_is_missed_where_a_block_ends(fill, size):
    noise = bytes(200) * (size // 200)
    scan = b"\xff\xda\0\x08\x01\x01\0\0\x3f\0"
    body = noise + scan + bytes(fill) + scan + b"\1" * fill + b"\xff" * (size % 3) + scan
    content = factory.noise(progressive=True).read()

    assert jpeg_markers.scan_count(io.BytesIO(content[:-2] + body + b"\xff\xd9")) == 13
