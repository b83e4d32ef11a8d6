"""A zip is looked through before it is read: what it claims to hold is compared with the limits."""

import io
import struct
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labels.intake import sources, zip_source
from labels.intake.checks import Refused
from labels.intake.zip_source import MAX_ENTRIES, _claims

pytestmark = pytest.mark.usefixtures("settings")

MB = 1024 * 1024


def _zip(path, members, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return path


def _lying(path, entries, claimed=1, comment=b"", shown=None):
    """Write a zip whose list of files has `entries` entries of one byte that claim to be `claimed` long."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a", b"x")
    content = path.read_bytes()
    at = content.index(b"PK\x01\x02")
    entry = content[at : content.index(b"PK\x05\x06")]
    entry = entry[:24] + struct.pack("<L", claimed) + entry[28:]
    count = min(entries if shown is None else shown, 0xFFFF)
    length = len(entry) * entries
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, count, count, length, at, len(comment))
    path.write_bytes(content[:at] + entry * entries + end + comment)
    return path


TOO_MUCH = {
    "entries": ({"entries": MAX_ENTRIES + 1}, r"has 100,001 entries; the limit is 100,000\. Unpack it"),
    "entries it does not own up to": ({"entries": MAX_ENTRIES + 1, "shown": 1}, "has 100,001 entries"),
    "behind a comment": ({"entries": MAX_ENTRIES + 1, "comment": b"x" * 999}, "has 100,001 entries"),
    "bytes": ({"entries": 300, "claimed": 2**32 - 1}, r"would have 1\.2\xa0TB when unpacked; the limit is 1"),
    "ratio": ({"entries": 2, "claimed": 100 * MB}, r"times its size when unpacked; the limit is 100 times"),
}


@pytest.mark.parametrize(("lie", "sentence"), TOO_MUCH.values(), ids=TOO_MUCH)
def test_too_much_is_said_before_anything_is_read(tmp_path, lie, sentence):
    with pytest.raises(ValueError, match=sentence):
        sources.find(_lying(tmp_path / "a.zip", **lie))


def test_a_list_of_files_without_end_is_not_read(tmp_path):
    path = _lying(tmp_path / "a.zip", 1)
    with path.open("r+b") as file:
        content = file.read()
        file.write(bytes(65 * MB))
        file.write(content[-22:-10] + struct.pack("<LLH", 65 * MB, 0, 0))

    with pytest.raises(ValueError, match="^The list of files in .* the limit is 64.0\xa0MB"):
        sources.find(path)


def test_a_small_drawing_that_compresses_well_is_no_bomb(tmp_path):
    path = _zip(tmp_path / "a.zip", [("a.bmp", bytes(50 * MB))])

    [(_, opener)] = sources.find(path)

    with opener() as file:
        assert file.seek(0, 2) == 50 * MB


def test_what_is_larger_than_it_claims_is_refused(tmp_path):
    path = _zip(tmp_path / "a.zip", [("a.bmp", bytes(MB))])
    path.write_bytes(path.read_bytes().replace(struct.pack("<L", MB), struct.pack("<L", 1000)))

    [(_, opener)] = sources.find(path)

    with pytest.raises(Refused, match="^a.bmp cannot be unpacked: "), opener():
        pass


def test_entries_that_share_their_bytes_are_each_no_more_than_a_photo(tmp_path):
    """The directory of an overlapping bomb: many names for the same bytes."""
    files = sources.find(_lying(tmp_path / "a.zip", 5))

    contents = []
    for _, opener in files:
        with opener() as file:
            file.seek(0)
            contents.append(file.read())
    assert contents == [b"x"] * 5


def test_an_encrypted_member_is_refused_by_name(tmp_path):
    path = _zip(tmp_path / "a.zip", [("secret.jpg", b"x" * 50)], zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + flags] |= 1
    path.write_bytes(content)

    [(_, opener)] = sources.find(path)

    with pytest.raises(Refused, match=r"^secret\.jpg cannot be unpacked: .* is encrypted"), opener():
        pass


def test_a_zip_is_opened_once_and_read_anew_when_it_is_another(tmp_path):
    path = _zip(tmp_path / "a.zip", [("a", b"1"), ("b", b"2")])
    files = sources.find(path)
    for _, opener in files:
        with opener():
            pass
    assert zip_source._archive.cache_info().misses == 1

    _zip(path, [("c", b"3")])
    [(name, opener)] = sources.find(path)
    with opener() as file:
        file.seek(0)
        assert (name, file.read()) == ("c", b"3")


@given(
    members=st.lists(
        st.tuples(st.text(st.characters(codec="utf-8"), max_size=20), st.binary(max_size=50)), max_size=8
    ),
    comment=st.binary(max_size=30),
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_what_is_counted_is_what_zipfile_finds(members, comment):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.comment = comment
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name or "a"), content)
    directory = file.getvalue()[archive.start_dir :]

    assert _claims(directory) == (len(members), sum(len(content) for _, content in members))
