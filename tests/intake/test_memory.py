"""Memory stays flat whatever the size: the peak of a process that adds photos and draws them anew."""

import os
import struct
import subprocess
import sys
import zlib

import pytest
from django.conf import settings

from tests import factory

pytestmark = pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="Linux tells the peak")

_SIZE = 90_000_000
_ADD = r"""
import re, sys, django
django.setup()
from django.contrib.auth import get_user_model
from django.core.management import call_command
from labels.intake.add import add_photo
from labels.models import Photo
from labels.pictures import renditions
call_command("migrate", verbosity=0)
owner = get_user_model().objects.create_user("dan")
for path in sys.argv[1:]:
    with open(path, "rb") as file:
        result = add_photo(file, "photo", owner)
        if result.photo:
            assert result.photo.size == file.seek(0, 2)
            renditions.ensure(Photo.objects.claim(result.photo.pk))
        else:
            print(result.code, file=sys.stderr)
    # Not ru_maxrss, which a process inherits from the one that started it.
    print(re.search(r"VmHWM:\s+(\d+)", open("/proc/self/status").read())[1])
"""


def _peaks_kib(folder, *paths, refused=()):
    """Return the peak memory of a process of its own after it took each file into an empty installation."""
    done = subprocess.run(
        [sys.executable, "-c", _ADD, *map(str, paths)],
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "photomgr.settings",
            "DATABASE_URL": f"sqlite:///{folder / 'db.sqlite3'}",
            "PHOTOMGR_DATA_DIR": str(folder),
        },
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr.split() == [*refused]
    return [int(line) for line in done.stdout.split()]


def _png(path, width, height, bits, kind):
    """Write a PNG of one colour and return its path; kind 6 has four channels, kind 0 one."""
    row = b"\0" + b"\x80" * (width * (4 if kind == 6 else 1) * bits // 8)
    packer, packed = zlib.compressobj(1), []
    for _ in range(height):
        packed.append(packer.compress(row))
    head = struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0)
    data = b"".join(packed) + packer.flush()
    with path.open("wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        for name, body in ((b"IHDR", head), (b"IDAT", data), (b"IEND", b"")):
            file.write(
                struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
            )
    return path


@pytest.fixture(scope="module")
def peaks(tmp_path_factory):
    """Return the peak memory of one process after each file: they are sorted by what they should take."""
    folder = tmp_path_factory.mktemp("memory")
    files = {
        "small": factory.picture(size=(640, 480)).read(),
        # As phones append a film: valid, and just as quickly decoded.
        "90 MB": factory.picture(size=(640, 480)).read() + bytes(_SIZE),
        # 600 MB to decode it.
        "WebP": factory.picture(size=(6000, 6000), format="WEBP", quality=1, method=0).read(),
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    _png(folder / "line", 199_999_999, 1, 8, 0)
    _png(folder / "67 megapixels", 8200, 8200, 8, 6)
    names = [*files, "line", "67 megapixels"]
    found = _peaks_kib(
        folder, *(folder / name for name in names), refused=["too_much_memory", "too_many_pixels"]
    )
    return dict(zip(names, found, strict=True))


def test_a_large_file_takes_no_more_memory_than_a_small_one(peaks):
    # A tenth of the file: room for noise, none for holding it.
    assert peaks["90 MB"] - peaks["small"] < _SIZE / 10 / 1024


def test_what_would_take_too_much_is_refused_before_it_takes_it(peaks):
    assert peaks["line"] - peaks["90 MB"] < 20_000


def test_a_large_png_is_taken_and_drawn_in_strips(peaks):
    # Four bytes a pixel would be 270 MB.
    assert peaks["67 megapixels"] - peaks["line"] < 100_000


LIMIT_KIB = 600 * 1024
MANY = [
    ("HEIF", (6000, 7500), {}),
    ("WEBP", (5000, 5400), {}),
    ("JPEG", (8000, 8000), {"progressive": True, "subsampling": 0}),
    ("TIFF", (6500, 7000), {"compression": "tiff_lzw", "strip_size": 2**30}),
    ("PNG", (8000, 8300), {"compress_level": 1}),
]


@pytest.mark.everything
@pytest.mark.parametrize(("kind", "size", "options"), MANY, ids=[kind for kind, *_ in MANY])
def test_what_is_just_within_the_limit_is_drawn_within_600_mb(tmp_path, kind, size, options):
    (tmp_path / "a").write_bytes(factory.picture(size=size, format=kind, **options).read())

    assert max(_peaks_kib(tmp_path, tmp_path / "a")) < LIMIT_KIB


@pytest.mark.everything
@pytest.mark.parametrize("bits", [8, 16])
def test_two_hundred_megapixels_with_transparency_are_drawn_within_600_mb(tmp_path, bits):
    path = _png(tmp_path / "a", 14_142, 14_142, bits, 6)

    assert max(_peaks_kib(tmp_path, path)) < LIMIT_KIB
