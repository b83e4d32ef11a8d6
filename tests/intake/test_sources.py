"""A folder or a zip file: every photo in it in a fixed order, and no trick gets out of it."""

import os
import stat
import zipfile

import pytest

from labels.intake import sources
from labels.intake.checks import Refused
from tests import factory

pytestmark = pytest.mark.usefixtures("settings")


def _files(source):
    """Return {name: content or reason}, in order."""
    found = {}
    for name, opener in sources.find(source):
        try:
            with opener() as file:
                file.seek(0)
                found[name] = file.read()
        except Refused as refusal:
            found[name] = refusal.reason
    return found


def _zip(path, members, **options):
    with zipfile.ZipFile(path, "w", **options) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_a_folder_is_walked_to_the_bottom_in_order(tmp_path):
    for name in ("b.jpg", "a.jpg", "sub/z.jpg", "sub/deep/c.jpg"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())

    found = _files(tmp_path)

    assert list(found) == ["a.jpg", "b.jpg", "sub/deep/c.jpg", "sub/z.jpg"]
    assert found["sub/z.jpg"] == b"sub/z.jpg"


@pytest.mark.parametrize("hidden", [".DS_Store", ".thumbnails/a.jpg", "__MACOSX/a.jpg", "sub/.a.jpg"])
def test_what_a_system_put_there_is_passed_over(tmp_path, hidden):
    path = tmp_path / "photos" / hidden
    path.parent.mkdir(parents=True)
    path.write_bytes(b"x")

    assert _files(tmp_path / "photos") == {}
    assert _files(_zip(tmp_path / "a.zip", {hidden: b"x"})) == {}


def test_a_hidden_folder_that_was_asked_for_is_taken(tmp_path):
    (tmp_path / ".mine").mkdir()
    (tmp_path / ".mine" / "a.jpg").write_bytes(b"x")

    assert _files(tmp_path / ".mine") == {"a.jpg": b"x"}


def test_links_to_folders_are_not_followed_and_dead_links_passed_over(tmp_path):
    outside, folder = tmp_path / "outside", tmp_path / "photos"
    outside.mkdir()
    folder.mkdir()
    (outside / "secret.jpg").write_bytes(b"x")
    (folder / "loop").symlink_to(folder)
    (folder / "out").symlink_to(outside)
    (folder / "dead.jpg").symlink_to(tmp_path / "nothing")

    assert _files(folder) == {}


def test_a_file_that_went_away_meanwhile_is_refused(tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(b"x")
    [(_, opener)] = sources.find(tmp_path)
    path.unlink()

    with pytest.raises(Refused, match=r"^a\.jpg cannot be read: No such file or directory\.$"), opener():
        pass


@pytest.mark.skipif(os.name != "posix", reason="pipes are POSIX")
def test_a_pipe_is_no_photo(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")

    assert _files(tmp_path) == {}


def test_a_zip_is_read_in_its_own_order_with_its_folders(tmp_path):
    members = {"b.jpg": b"1", "folder/": b"", "folder/a.jpg": b"2", "folder/deep/é.jpg": b"3"}

    found = _files(_zip(tmp_path / "a.zip", members, compression=zipfile.ZIP_DEFLATED))

    assert list(found.items()) == [("b.jpg", b"1"), ("folder/a.jpg", b"2"), ("folder/deep/é.jpg", b"3")]


@pytest.mark.parametrize("name", ["../../evil.jpg", "/etc/evil.jpg", "C:\\evil.jpg"])
def test_a_path_in_a_zip_writes_nothing_outside(tmp_path, name):
    (tmp_path / "in").mkdir()

    # A name that climbs starts with a dot and counts as hidden; the others are only names.
    found = _files(_zip(tmp_path / "in" / "a.zip", {name: b"x"}))

    assert set(found.values()) <= {b"x"}
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a.zip", "in"]


def test_links_in_a_zip_are_passed_over(tmp_path):
    link = zipfile.ZipInfo("link.jpg")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16

    assert _files(_zip(tmp_path / "a.zip", {link: "/etc/passwd", "a.jpg": b"x"})) == {"a.jpg": b"x"}


def test_a_broken_member_is_refused_and_the_others_are_had(tmp_path):
    path = _zip(tmp_path / "a.zip", {"bad.jpg": b"broken" * 50, "good.jpg": b"x"})
    path.write_bytes(path.read_bytes().replace(b"broken", b"BROKEN", 1))

    found = _files(path)

    assert found == {
        "bad.jpg": "bad.jpg cannot be unpacked: Bad CRC-32 for file 'bad.jpg'.",
        "good.jpg": b"x",
    }


def test_a_damaged_stream_is_refused(tmp_path):
    content = factory.noise((50, 50), format="BMP").read()
    path = _zip(tmp_path / "a.zip", {"bad.bmp": content}, compression=zipfile.ZIP_DEFLATED)
    damaged = bytearray(path.read_bytes())
    damaged[60:200] = b"\xff" * 140
    path.write_bytes(damaged)

    assert _files(path)["bad.bmp"].startswith("bad.bmp cannot be unpacked: ")


def test_an_encrypted_member_is_refused(tmp_path):
    path = _zip(tmp_path / "a.zip", {"a.jpg": b"x"})
    content = bytearray(path.read_bytes())
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + flags] |= 1
    path.write_bytes(content)

    assert "a.jpg cannot be unpacked: " in _files(path)["a.jpg"]
    assert "encrypted" in _files(path)["a.jpg"]


def test_a_member_that_says_it_is_too_large_is_refused_unread(tmp_path, settings):
    settings.UPLOAD_MAX_BYTES = 1000
    path = _zip(tmp_path / "a.zip", {"a.jpg": bytes(2000)}, compression=zipfile.ZIP_DEFLATED)

    assert _files(path)["a.jpg"].startswith("a.jpg is 2.0\xa0KB; the limit is 1000\xa0bytes.")


def test_a_bomb_that_lies_about_its_size_yields_no_more_than_it_said(tmp_path, settings):
    settings.UPLOAD_MAX_BYTES = 3_000_000
    path = _zip(tmp_path / "a.zip", {"a.jpg": bytes(50_000_000)}, compression=zipfile.ZIP_DEFLATED)
    lying = path.read_bytes().replace((50_000_000).to_bytes(4, "little"), (1000).to_bytes(4, "little"))
    path.write_bytes(lying)

    assert _files(path)["a.jpg"].startswith("a.jpg cannot be unpacked: ")


@pytest.mark.parametrize(
    ("name", "words"), [("none", "does not exist."), ("a.txt", "is neither a folder nor a zip file.")]
)
def test_what_is_no_source_is_said_in_a_sentence(tmp_path, name, words):
    (tmp_path / "a.txt").write_text("x")

    with pytest.raises(ValueError, match=f"{name} {words}"):
        sources.find(tmp_path / name)


def test_a_source_without_a_bucket_is_refused():
    with pytest.raises(ValueError, match="s3:// names no bucket"):
        sources.find("s3://")


def test_going_on_behind_a_file(tmp_path):
    for name in ("c.jpg", "a.jpg", "b.jpg"):
        (tmp_path / name).write_bytes(b"x")

    assert [name for name, _ in sources.find(tmp_path, after="a.jpg")] == ["b.jpg", "c.jpg"]
    with pytest.raises(ValueError, match="no 'z.jpg' in"):
        sources.find(tmp_path, after="z.jpg")


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_member_with_damaged_data_is_refused_by_name_and_the_rest_is_read(tmp_path, method):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("bad.jpg", bytes(range(256)) * 400)
        archive.writestr("good.jpg", b"x" * 10)
        start = archive.getinfo("bad.jpg").header_offset + 30 + len("bad.jpg")
    content = bytearray(path.read_bytes())
    content[start + 6 : start + 40] = b"\xff" * 34
    path.write_bytes(content)

    (_, bad), (_, good) = sources.find(path)

    with pytest.raises(Refused, match=r"^bad\.jpg cannot be unpacked"), bad():
        pass
    with good() as file:
        file.seek(0)
        assert file.read() == b"x" * 10


def test_members_whose_paths_lead_upwards_are_taken_by_their_last_name(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in (
            "../up.jpg",
            "/abs.jpg",
            "..\\win.jpg",
            "a/../../b.jpg",
            "a/.hidden/c.jpg",
            "b\\.DS_Store",
        ):
            archive.writestr(name, b"x")

    found = [name for name, _ in sources.find(path)]

    assert found == ["../up.jpg", "/abs.jpg", "..\\win.jpg", "a/../../b.jpg"]


def test_a_zip_with_a_damaged_directory_is_said_to_be_one(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.jpg", b"x" * 100)
    content = path.read_bytes()
    path.write_bytes(content.replace(b"PK\x01\x02", b"PK\x09\x09"))

    with pytest.raises(ValueError, match="is a damaged zip file"):
        sources.find(path)


def test_a_name_that_is_not_utf_8_has_its_own_sentence(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"x")
    with open(os.fsencode(tmp_path) + b"/caf\xe9.jpg", "wb") as file:
        file.write(b"x")

    assert _files(tmp_path) == {
        "a.jpg": b"x",
        "caf\\xe9.jpg": "The name of caf\\xe9.jpg is not UTF-8. Rename it and import it again.",
    }


def test_a_zip_whose_names_are_not_what_they_say_is_named_with_a_way_out(tmp_path):
    path = _zip(tmp_path / "a.zip", {"é.jpg": b"x"})
    path.write_bytes(path.read_bytes().replace("é".encode(), b"\xff\xfe"))

    with pytest.raises(ValueError, match="holds a name that is said to be UTF-8 and is not. Unpack it"):
        sources.find(path)
