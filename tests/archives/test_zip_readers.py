"""Programs people really have must accept our archives: Info-ZIP, 7-Zip, libarchive, Java."""

import os
import time
import zlib
from datetime import datetime

import pytest

from labels.archives.format import MAX32
from labels.archives.names import unique_names
from labels.archives.zip_layout import Framing, ZipLayout
from tests.archives.ziptools import make_archive, make_entry, run, tool, zeros

GIB = 1 << 30
MANY = 70_000
ORIGINALS = (
    "IMG_0001.JPG", "img_0001.jpg", "Größe.jpg", "日本の写真.jpg", "🎈 party.jpg", "a b (2).jpg", "nul.jpg",
    "Ελλάδα.jpg", "x" * 300 + ".jpg", "é" * 200 + ".jpg", "empty.jpg", "-rf.jpg", "100%.jpg", "[1].jpg",
)  # fmt: skip

# What ZipInputStream meets from front to back and ZipFile through the directory, one line an entry.
JAVA = """
import java.io.*; import java.nio.charset.StandardCharsets; import java.util.*; import java.util.zip.*;
public class Read {
    static PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    static byte[] block = new byte[1 << 20];
    static void show(String name, InputStream in) throws IOException {
        CRC32 crc = new CRC32(); long size = 0;
        for (int n; (n = in.read(block)) > 0; size += n) crc.update(block, 0, n);
        out.println(size + " " + crc.getValue() + " " + name);
    }
    public static void main(String[] args) throws IOException {
        ZipInputStream stream = new ZipInputStream(new FileInputStream(args[0]));
        for (ZipEntry e; (e = stream.getNextEntry()) != null; ) show(e.getName(), stream);
        out.println("--");
        ZipFile file = new ZipFile(args[0]);
        for (ZipEntry e : Collections.list(file.entries())) show(e.getName(), file.getInputStream(e));
    }
}
"""


@pytest.fixture(scope="module")
def files():
    """Return {name: content} with every kind of name, one file empty."""
    names = unique_names(ORIGINALS)
    return {name: name.encode() * 50 if name != "empty.jpg" else b"" for name in names}


@pytest.fixture(scope="module")
def archive(tmp_path_factory, files):
    return written(tmp_path_factory.mktemp("few") / "few.zip", *make_archive(files))


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    layout = ZipLayout(make_entry(f"{number}.jpg", b"x") for number in range(MANY))
    return written(tmp_path_factory.mktemp("many") / "many.zip", layout, lambda *wanted: [b"x"])


@pytest.fixture(scope="module")
def huge(tmp_path_factory):
    entries = [zeros("before.jpg", 10), zeros("huge.mov", 4 * GIB + 5), zeros("after é.jpg", 1000)]
    path = written_sparse(tmp_path_factory.mktemp("huge") / "huge.zip", ZipLayout(entries))
    yield path
    path.unlink()


def written(path, layout, open_entry):
    with path.open("wb") as file:
        file.writelines(layout.read(0, layout.size, open_entry))
    return path


def written_sparse(path, layout):
    """Write everything but the zeros, which a sparse file does not store."""
    with path.open("wb") as file:
        for segment in layout.segments(0, layout.size):
            if isinstance(segment, Framing):
                file.write(segment.content)
            else:
                file.seek(segment.end - segment.start, os.SEEK_CUR)
    assert path.stat().st_size == layout.size
    return path


def unpacked(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


class TestUnzip:
    def test_tests_and_unpacks(self, archive, files, tmp_path):
        unzip = tool("unzip")

        assert "No errors detected" in run([unzip, "-tq", archive])
        run([unzip, "-q", archive, "-d", tmp_path / "out"])
        assert unpacked(tmp_path / "out") == files

    def test_many_entries(self, many):
        assert "No errors detected" in run([tool("unzip"), "-tq", many])

    def test_time_and_mode(self, tmp_path):
        layout = ZipLayout([make_entry(modified=datetime(2023, 7, 8, 23, 10, 12))])
        path = written(tmp_path / "a.zip", layout, None)

        run([tool("unzip"), "-q", path, "-d", tmp_path / "out"])

        status = (tmp_path / "out" / "a.jpg").stat()
        assert status.st_mode & 0o777 == 0o644
        # New York's wall clock, where `run` lets programs live, shows the time that was given.
        assert time.strftime("%F %T", time.gmtime(status.st_mtime - 4 * 3600)) == "2023-07-08 23:10:12"


class TestSevenZip:
    def test_tests_and_unpacks(self, archive, files, tmp_path):
        seven = tool("7z")

        assert "Everything is Ok" in without_warnings(run([seven, "t", archive]))
        run([seven, "x", archive, f"-o{tmp_path / 'out'}"])
        assert unpacked(tmp_path / "out") == files

    def test_many_entries(self, many):
        assert f"Files: {MANY}" in without_warnings(run([tool("7z"), "t", many]))


class TestBsdtarFromAPipe:
    def test_lists_and_unpacks(self, archive, files, tmp_path):
        bsdtar = tool("bsdtar")

        assert run([bsdtar, "-tf", "-"], input=archive.read_bytes()).splitlines() == list(files)
        run([bsdtar, "-xf", "-", "-C", tmp_path], input=archive.read_bytes())
        assert unpacked(tmp_path) == files

    def test_many_entries(self, many):
        assert len(run([tool("bsdtar"), "-tf", "-"], input=many.read_bytes()).splitlines()) == MANY


class TestJava:
    def test_stream_and_file_read_every_entry(self, archive, files, tmp_path):
        expected = [f"{len(content)} {zlib.crc32(content)} {name}" for name, content in files.items()]

        assert java(tmp_path, archive) == [expected, expected]

    def test_many_entries(self, many, tmp_path):
        assert [len(lines) for lines in java(tmp_path, many)] == [MANY, MANY]


def java(folder, path):
    """Return the lines of ZipInputStream and those of ZipFile."""
    source = folder / "Read.java"
    source.write_text(JAVA)
    printed = run([tool("java"), "-XX:TieredStopAtLevel=1", source, path])
    return [lines.splitlines() for lines in printed.split("--\n")]


def without_warnings(output):
    assert "Warning" not in output
    return output


@pytest.mark.everything
class TestBeyondFourGib:
    """Sparse files: little on disk, but a program that tests them reads every byte."""

    def test_unzip(self, huge):
        assert "No errors detected" in run([tool("unzip"), "-tq", huge])

    def test_seven_zip(self, huge):
        assert "Files: 3" in without_warnings(run([tool("7z"), "t", huge]))

    def test_bsdtar_from_a_pipe(self, huge):
        with huge.open("rb") as file:
            assert len(run([tool("bsdtar"), "-tf", "-"], stdin=file).splitlines()) == 3

    def test_java(self, huge, tmp_path):
        for lines in java(tmp_path, huge):
            assert [int(line.split()[0]) for line in lines] == [10, 4 * GIB + 5, 1000]

    @pytest.mark.parametrize("over", [-1, 0, 1])
    @pytest.mark.parametrize("place", ["entry", "offset", "directory"])
    def test_listing_at_the_limits(self, place, over, tmp_path):
        first = MAX32 + over - {"entry": 0, "offset": 35, "directory": 35 + 35 + 7}[place]
        layout = ZipLayout([zeros("a.jpg", first), zeros("b.jpg", 7)])
        path = written_sparse(tmp_path / "limit.zip", layout)

        assert "2 files" in without_warnings(run([tool("7z"), "l", path]))
        if (place, over) == ("entry", 0):
            return  # unzip 6.00 misreads what follows an entry of just 0xFFFFFFFF bytes in zip64
        assert f"{first + 7:>9}                     2 files" in run([tool("unzip"), "-l", path])
        assert run([tool("unzip"), "-p", path, "b.jpg"]) == "\0" * 7
