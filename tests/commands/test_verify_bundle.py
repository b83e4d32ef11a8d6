"""An archive is checked with its own manifest; whatever is wrong with it is problems, and nothing breaks."""

import csv
import hashlib
import io
import struct
import zipfile
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from labels.archives import manifest, verify
from tests import factory
from tests.commands.tools import run

SEA, LAKE = b"sea" * 1000, b"lake" * 1000
SEA_SHA256 = hashlib.sha256(SEA).hexdigest()


def _sha(content):
    return hashlib.sha256(content).hexdigest()


def _manifest(files, heading=None):
    lines = (manifest.line(name, _sha(content), len(content), None, "") for name, content in files.items())
    return (heading or manifest.heading()) + b"".join(lines)


def _sums(files):
    return b"".join(manifest.sums_line(name, _sha(content)) for name, content in files.items())


def _write(path, *entries, method=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in entries:
            info = zipfile.ZipInfo(name)
            # ZipInfo would make a path of another system harmless before it is written.
            info.filename = info.orig_filename = name
            archive.writestr(info, content, method)
    return path


def _archive(path, files, held=None, **options):
    """Write an archive that promises `files` and holds `held` (the same)."""
    held = files if held is None else held
    held = held.items() if isinstance(held, dict) else held
    return _write(
        path, *held, (manifest.NAME, _manifest(files)), (manifest.SUMS_NAME, _sums(files)), **options
    )


def _problems(*paths):
    """Return {(name, problem)} of an archive with findings."""
    code, document = run("verify_bundle", *paths)
    assert code == 2
    return {(finding["name"], finding["problem"]) for finding in document["findings"]}


@pytest.fixture
def good(tmp_path):
    return _archive(tmp_path / "good.zip", {"sea.jpg": SEA, "lake.jpg": LAKE})


@pytest.fixture
def library(dan):
    return [factory.photo(dan, (60 * n, 0, 0), (200 + n, 150), f"{n}é.jpg") for n in range(4)]


def _built(tmp_path, code, *options):
    ended, document = run("build_bundle", "--owner", "dan", "--everything", "--output", tmp_path, *options)
    assert ended == code
    return [part["file"] for part in document["parts"]]


def test_what_was_built_is_fine(library, tmp_path):
    [path] = _built(tmp_path, 0)

    assert run("verify_bundle", path) == (0, {"files": 1, "photos": 4, "missing": [], "findings": []})


def test_parts_are_fine_together_and_each_alone(library, tmp_path):
    paths = _built(tmp_path, 0, "--part-size", "1")

    code, document = run("verify_bundle", *paths)

    assert (code, document["files"], document["photos"]) == (0, 4, 4)
    assert run("verify_bundle", paths[2])[0] == 0


def test_a_part_that_was_not_fetched_is_named(library, tmp_path):
    first, second, _, fourth = _built(tmp_path, 0, "--part-size", "1")

    assert _problems(first, second, fourth) == {("", "part 3 of 4 is not among the files")}


def test_the_same_part_twice_is_said(library, tmp_path):
    first, *_ = _built(tmp_path, 0, "--part-size", "2000")
    twice = Path(first).with_name("again.zip")
    twice.write_bytes(Path(first).read_bytes())

    problems = _problems(first, twice)

    assert ("0é.jpg", f"it is in {Path(first).name} as well") in problems


def test_photos_that_could_not_be_read_are_named_with_the_reason(library, tmp_path):
    (settings.DATA_DIR / "originals" / library[1].original.name).unlink()
    [path] = _built(tmp_path, 2)

    code, document = run("verify_bundle", path)

    assert (code, document["photos"], document["findings"]) == (2, 3, [])
    assert document["missing"] == [{"name": "1é.jpg", "reason": "the file is no longer in storage"}]


def test_people_read_a_line_each(tmp_path, good, capsys):
    broken = _archive(tmp_path / "broken.zip", {"sea.jpg": SEA}, held={"sea.jpg": LAKE[:3000]})

    call_command("verify_bundle", str(good))
    with pytest.raises(SystemExit):
        call_command("verify_bundle", str(broken))

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "2 photos are as the manifest says."
    assert lines[1].startswith("broken.zip: sea.jpg: its SHA-256 is ")
    assert lines[2:] == ["0 photos are as the manifest says.", "1 findings"]


def test_a_name_cannot_steer_the_terminal(tmp_path, capsys):
    path = _archive(tmp_path / "a.zip", {}, {"\x1b[2J.jpg": SEA})

    with pytest.raises(SystemExit):
        call_command("verify_bundle", str(path))

    assert "\\x1b[2J.jpg: it is not a safe file name" in capsys.readouterr().out


FILES = {"sea.jpg": SEA, "lake.jpg": LAKE}


@pytest.mark.parametrize(
    ("held", "name", "problem"),
    [
        pytest.param({"sea.jpg": SEA}, "lake.jpg", "it is not in the archive", id="an entry is gone"),
        pytest.param({**FILES, "x.jpg": b"x"}, "x.jpg", "it is not in manifest.csv", id="an entry too many"),
        pytest.param({**FILES, "sea.jpg": SEA[:-1]}, "sea.jpg", "2999 bytes instead of 3000", id="shorter"),
        pytest.param({**FILES, "sea.jpg": SEA + b"!"}, "sea.jpg", "3001 bytes instead of 3000", id="longer"),
        pytest.param({**FILES, "sea.jpg": SEA[::-1]}, "sea.jpg", "its SHA-256 is", id="other bytes"),
        pytest.param({**FILES, "../x.jpg": b"x"}, "../x.jpg", "not a safe file name", id="path upwards"),
        pytest.param({**FILES, "/etc/x.jpg": b"x"}, "/etc/x.jpg", "not a safe file name", id="absolute path"),
        pytest.param({**FILES, "C:\\x.jpg": b"x"}, "C:\\x.jpg", "not a safe file name", id="drive letter"),
        pytest.param({**FILES, "folder/": b""}, "folder/", "not a safe file name", id="folder"),
        pytest.param({**FILES, "NUL.jpg": b""}, "NUL.jpg", "not a safe file name", id="device"),
        pytest.param({**FILES, "SEA.jpg": b""}, "SEA.jpg", "upper and lower case", id="case"),
    ],
)
def test_what_differs_from_the_manifest_is_named(tmp_path, held, name, problem):
    path = _archive(tmp_path / "a.zip", FILES, held)

    found = dict(_problems(path))

    problems = [words for about, words in _problems(path) if about == name]
    assert any(problem in words for words in problems), found


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("doubled", ["sea.jpg", "manifest.csv", "SHA256SUMS"])
def test_a_doubled_name_is_found(tmp_path, doubled):
    path = _archive(tmp_path / "a.zip", FILES, [*FILES.items(), (doubled, b"another")])

    assert (doubled, "2 entries have this name") in _problems(path)


def _line(name="sea.jpg", sha256=SEA_SHA256, size="3000", rest=("", "", "")):
    out = io.StringIO()
    csv.writer(out).writerow((name, sha256, size, *rest))
    return out.getvalue().encode()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param(b"", "", id="empty"),
        pytest.param(b"a,b\r\n", "its columns are not name, sha256, size", id="other columns"),
        pytest.param(manifest.heading() + b"one,two\r\n", "line 2 cannot be understood", id="too few cells"),
        pytest.param(manifest.heading() + _line(size="-5"), "line 2 cannot", id="negative size"),
        pytest.param(manifest.heading() + _line(size="٣"), "line 2 cannot", id="digits of another script"),
        pytest.param(manifest.heading() + _line(size="9" * 5000), "line 2 cannot", id="endless size"),
        pytest.param(manifest.heading() + 2 * _line(), "line 3 names sea.jpg a second time", id="twice"),
        pytest.param(manifest.heading() + b"\xff\xfe", "can't decode", id="no UTF-8"),
        pytest.param(manifest.heading() + b"a" * 200_000, "field larger than field limit", id="huge cell"),
        pytest.param(b"a" * 3_000_000, "a line is too long to be ours", id="endless line"),
        pytest.param(manifest.heading() + b'"' + b"\r\n" * 200_000, "field larger", id="open quote"),
    ],
)
def test_a_manifest_that_makes_no_sense_is_found(tmp_path, text, problem):
    path = _write(
        tmp_path / "a.zip", ("sea.jpg", SEA), ("manifest.csv", text), ("SHA256SUMS", _sums({"sea.jpg": SEA}))
    )

    assert any(problem in words for _, words in _problems(path))


@pytest.mark.parametrize("missing", ["manifest.csv", "SHA256SUMS"])
def test_an_archive_without_its_lists_is_found(tmp_path, good, missing):
    with zipfile.ZipFile(good) as archive:
        rest = [(name, archive.read(name)) for name in archive.namelist() if name != missing]
    path = _write(tmp_path / "a.zip", *rest)

    assert (missing, "it is not in the archive") in _problems(path)


@pytest.mark.parametrize(
    "sums",
    [
        pytest.param(_sums({"sea.jpg": LAKE}), id="another sum"),
        pytest.param(_sums({"sea.jpg": SEA, "more.jpg": LAKE}), id="a name too many"),
        pytest.param(b"", id="a name too few"),
        pytest.param(b"nonsense\n", id="nonsense"),
        pytest.param(2 * _sums({"sea.jpg": SEA}), id="twice"),
    ],
)
def test_sums_that_differ_from_the_manifest_are_found(tmp_path, sums):
    files = {"sea.jpg": SEA}
    path = _write(
        tmp_path / "a.zip", *files.items(), ("manifest.csv", _manifest(files)), ("SHA256SUMS", sums)
    )

    assert any("SHA256SUMS" in name + words for name, words in _problems(path))


def test_a_flipped_bit_is_found(good):
    content = bytearray(good.read_bytes())
    content[content.index(b"lakelake") + 1000] ^= 1
    good.write_bytes(content)

    assert _problems(good) == {("lake.jpg", "Bad CRC-32 for file 'lake.jpg'")}


def test_an_archive_that_was_cut_short_is_found(good):
    good.write_bytes(good.read_bytes()[:-30])

    [(name, problem)] = _problems(good)

    assert name == ""
    assert problem.startswith("the archive is cut short or damaged")
    assert problem.endswith("fetch it again")


def test_of_a_bomb_no_more_is_read_than_the_manifest_says(tmp_path, monkeypatch):
    """Ten gigabytes that pretend, in the directory too, to be 3000 bytes."""
    zeros = bytes(10_000_000)
    path = _archive(tmp_path / "a.zip", {"sea.jpg": SEA}, {"sea.jpg": zeros}, method=zipfile.ZIP_DEFLATED)
    content = path.read_bytes()
    path.write_bytes(content.replace(struct.pack("<I", len(zeros)), struct.pack("<I", len(SEA))))
    read = []
    real = zipfile.ZipExtFile.read

    def counted(file, size=-1):
        block = real(file, size)
        read.append(len(block))
        return block

    monkeypatch.setattr(zipfile.ZipExtFile, "read", counted)
    [(name, _)] = _problems(path)

    assert name == "sea.jpg"
    assert sum(read) < 10_000


def test_an_honest_bomb_is_not_opened(tmp_path):
    path = _archive(
        tmp_path / "a.zip", {"sea.jpg": SEA}, {"sea.jpg": bytes(10_000_000)}, method=zipfile.ZIP_DEFLATED
    )

    assert _problems(path) == {("sea.jpg", "10000000 bytes instead of 3000")}


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_what_cannot_be_unpacked_within_bounds_is_left_alone(tmp_path, method):
    path = _archive(tmp_path / "a.zip", FILES, method=method)

    assert ("manifest.csv", "it is packed in a way that photomgr does not use") in _problems(path)


def test_an_archive_packed_again_by_another_program_is_fine(tmp_path):
    path = _archive(tmp_path / "a.zip", FILES, method=zipfile.ZIP_DEFLATED)

    assert run("verify_bundle", path)[0] == 0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(lambda path: None, "No such file or directory", id="no file"),
        pytest.param(lambda path: path.write_bytes(b""), "it is not a zip archive", id="empty"),
        pytest.param(lambda path: path.write_bytes(SEA), "it is not a zip archive", id="something else"),
        pytest.param(lambda path: path.mkdir(), "Is a directory", id="folder"),
    ],
)
def test_what_is_no_archive_is_a_mistake_of_the_caller(tmp_path, make, message):
    path = tmp_path / "x.zip"
    make(path)

    with pytest.raises(CommandError, match=message):
        run("verify_bundle", path)


def test_the_others_are_checked_when_one_cannot_be_read(tmp_path):
    whole = _archive(tmp_path / "x-part-1-of-2.zip", {"sea.jpg": SEA})
    changed = _archive(tmp_path / "y.zip", {"lake.jpg": LAKE}, {"lake.jpg": SEA})
    gone = tmp_path / "x-part-2-of-2.zip"

    code, document = run("verify_bundle", gone, whole, changed)

    assert (code, document["files"], document["photos"]) == (2, 2, 1)
    problems = [(one["file"], one["problem"]) for one in document["findings"]]
    assert problems[0] == (str(gone), "No such file or directory")
    assert ("y.zip", "3000 bytes instead of 4000") in problems


@hypothesis_settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_whatever_is_done_to_an_archive_is_a_finding_or_does_not_touch_a_photo(tmp_path, data):
    path = _archive(tmp_path / "a.zip", {"sea.jpg": SEA[:60], "lake.jpg": LAKE[:60]})
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.sampled_from((len(content), len(content) // 2)))])

    try:
        archive = verify.Archive(path)
        list(archive.check())
    except verify.NotAnArchive:
        return

    whole = {"sea.jpg": _sha(SEA[:60]), "lake.jpg": _sha(LAKE[:60])}
    assert archive.findings or archive.photos == whole


@pytest.mark.parametrize("number", [0, 1])
def test_damage_in_the_middle_of_several_files_names_the_file(tmp_path, good, number):
    other = _archive(tmp_path / "other.zip", {"hill.jpg": b"hill"}, {})
    files = [good, other] if number else [other, good]

    _, document = run("verify_bundle", *files)

    assert {finding["file"] for finding in document["findings"]} == {"other.zip"}
    assert document["photos"] == 2
