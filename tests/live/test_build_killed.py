"""Builds die by SIGKILL: the archives are those of an undisturbed build, and one mail tells of them."""

import json

import pytest

from tests import factory
from tests.matrix import seeds

pytestmark = pytest.mark.worker

BUILDS = 4
# No multiple of any buffer: what is read ahead of a chunk is not there yet.
CHUNK = 65_001
ONE_PART, THREE_PARTS = 10**9, 450_000


@pytest.fixture
def installation(install, tmp_path):
    """An installation of dan's with 24 photos of all sizes up to two chunks: 1.1 MB, 18 chunks."""
    made = install(
        LABELS_DETECTOR="fake", BUNDLE_CHUNK_BYTES=str(CHUNK), MAX_ATTEMPTS="20", CLAIM_LEASE_SECONDS="60"
    )
    folder = tmp_path / "camera"
    folder.mkdir()
    for number in range(24):
        side = 40 + 17 * (7 * number % 24)
        (folder / f"IMG_{number:04}.jpg").write_bytes(factory.noise((side, side), number, quality=70).read())
    assert made.json("import_photos", str(folder), "--owner", "dan")["imported"] == 24
    return made


def _build(installation, *arguments):
    done = installation.run_python("-m", "tests.live.builders", *arguments)
    assert done.returncode == 0, done.stderr[-5000:]
    return json.loads(done.stdout)


def _assert_like(reference, found):
    assert found["sha256"] == reference["sha256"], found
    assert found["said"] == reference["sha256"], found
    assert (found["status"], found["mails"], found["left_over"]) == (reference["status"], 1, []), found
    assert found["counted"] == reference["counted"], found
    assert found["chunks"] == 0, found


@pytest.mark.parametrize("seed", seeds(10))
@pytest.mark.parametrize("part_bytes", [ONE_PART, THREE_PARTS], ids=["one archive", "parts"])
def test_killed_at_random_calls_a_build_ends_as_if_nothing_had_been(installation, part_bytes, seed):
    answer = _build(installation, "killed", seed, BUILDS, part_bytes)

    reference = answer["reference"]
    assert (reference["status"], reference["left_over"], reference["mails"]) == ("ready", [], 1)
    assert reference["counted"] == [24, 0]
    assert len(reference["sha256"]) == (1 if part_bytes == ONE_PART else 3)
    assert len(answer["builds"]) == BUILDS
    for found in answer["builds"]:
        _assert_like(reference, found)
        assert found["struck"] >= 1, found
    # What was made before the kill is not made again.
    assert min(found["made"] for found in answer["builds"]) < answer["made"]


# In the order in which a build comes by: the first time to lay out, the second because of the photo.
POINTS = [
    *("replace:1", "_record_file:1"),
    *("_leave_out_changed:1", "replace:2", "_use_new_file:2", "_copy_beginning:1", "_record_file:2"),
    *("remove:1", "record:20", "_publish:1"),
]


def test_killed_while_it_plans_anew_a_build_leaves_the_changed_photo_out_all_the_same(installation):
    original = installation.value("SELECT original FROM labels_photo ORDER BY id LIMIT 1 OFFSET 17")
    path = installation.folder / "originals" / original
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)

    answer = _build(installation, "at_points", ONE_PART, *POINTS)

    reference = answer["reference"]
    assert (reference["status"], reference["counted"]) == ("partial", [23, 0])
    for found in answer["builds"]:
        _assert_like(reference, found)
    struck = {found["point"] for found in answer["builds"] if found["struck"]}
    assert struck == set(POINTS)


def test_two_workers_on_one_download_make_the_same_bytes(installation):
    answer = _build(installation, "together", ONE_PART)

    assert answer["helper_code"] == 0
    # The leader made some of the chunks, the helper at least the one it waited for.
    assert 1 <= answer["leader"]["chunks"] < 18
    _assert_like(answer["reference"], answer["builds"][0])
