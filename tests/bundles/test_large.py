"""Archives beyond the limits of the old format, really built: 70,000 entries, 4 GiB, an entry of 4 GiB."""

import hashlib
import shutil
import zlib
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.core.files.base import ContentFile

from labels.bundles import building
from labels.bundles.request import request_bundle
from labels.models import Bundle, Photo
from labels.models.photo import originals
from labels.selection.predicate import Selection
from tests.archives.ziptools import run, tool, zeros_crc32

pytestmark = pytest.mark.django_db

GIB = 1 << 30


def _rows(owner, files):
    """Make photo rows of (key, size, crc32), a minute apart."""
    Photo.objects.bulk_create(
        (
            Photo(
                owner=owner,
                original=key,
                original_name=f"IMG_{number:05}.JPG",
                format="JPEG",
                size=size,
                sha256=hashlib.sha256(str(number).encode()).hexdigest(),
                crc32=crc32,
                width=1,
                height=1,
                status=Photo.Status.LABELLED,
                taken_at=datetime(2000, 1, 1, tzinfo=UTC) + timedelta(minutes=number),
            )
            for number, (key, size, crc32) in enumerate(files)
        ),
        batch_size=1000,
    )


def _built(owner):
    bundle = request_bundle(owner, Selection(everything=True), part_bytes=1 << 40, lease_owner="a worker")
    building.build(bundle)
    bundle.refresh_from_db()
    assert bundle.status == Bundle.Status.READY, bundle.failure_reason
    part = bundle.parts.get()
    assert part.size == bundle.planned_bytes
    return part


def _sparse(name, size):
    """Make an original of zeros that takes no room."""
    path = settings.DATA_DIR / "originals" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.truncate(size)
    return name, size, zeros_crc32(size)


def _needs_room(size):
    if shutil.disk_usage(settings.DATA_DIR).free < size + 2 * GIB:
        pytest.skip(f"an archive of {size / GIB:.0f} GiB does not fit on this disk")


@pytest.mark.everything
def test_seventy_thousand_entries(dan):
    count, content = 70_000, b"one pixel"
    # All rows share one file: what is tested is the archive, not the file system.
    key = originals().save("aa/tiny.jpg", ContentFile(content))
    _rows(dan, [(key, len(content), zlib.crc32(content))] * count)

    part = _built(dan)

    said = run([tool("unzip"), "-tqq", part.file.path])
    listed = run([tool("unzip"), "-Z1", part.file.path]).splitlines()
    assert said == ""
    assert listed == [*(f"IMG_{n:05}.JPG" for n in range(count)), "manifest.csv", "SHA256SUMS"]


@pytest.mark.everything
@pytest.mark.parametrize(
    "sizes",
    [
        pytest.param([GIB, GIB, GIB, GIB + 1, 1000], id="archive"),
        pytest.param([1000, 4 * GIB + 1, 1000], id="entry"),
    ],
)
def test_beyond_four_gibibytes(dan, sizes):
    _needs_room(sum(sizes))
    _rows(dan, [_sparse(f"aa/{number}.jpg", size) for number, size in enumerate(sizes)])

    part = _built(dan)

    assert "No errors detected" in run([tool("unzip"), "-t", part.file.path])
    listed = run([tool("unzip"), "-Zm", part.file.path]).splitlines()
    assert [int(line.split()[3]) for line in listed if ".JPG" in line] == sizes
