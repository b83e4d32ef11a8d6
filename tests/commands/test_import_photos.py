import errno
import json
import zipfile

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage
from django.core.management import CommandError

from labels.models import Photo
from tests import factory
from tests.commands.tools import run
from tests.conftest import stored
from tests.factory import BLUE, RED
from tests.live.processes import Installation

pytestmark = pytest.mark.django_db

TEXT_REFUSED = "notes.txt is not a photo that can be read; JPEG, PNG, BMP, TIFF, WebP and HEIC are accepted."


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "photos"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.jpg").write_bytes(factory.picture(RED).read())
    (folder / "b.png").write_bytes(factory.picture(BLUE, format="PNG").read())
    (folder / "sub" / "again.jpg").write_bytes(factory.picture(RED).read())
    return folder


def test_a_folder_is_imported_and_a_copy_counted_as_duplicate(dan, folder):
    code, document = run("import_photos", folder, "--owner", "dan")

    assert (code, document) == (0, {"imported": 2, "duplicates": 1, "refused": []})
    assert sorted(Photo.objects.values_list("original_name", flat=True)) == ["a.jpg", "b.png"]
    # Behind what people upload.
    assert set(Photo.objects.values_list("line", flat=True)) == {Photo.Line.IN_BULK}
    assert run("import_photos", folder, "--owner", "dan") == (
        0,
        {"imported": 0, "duplicates": 3, "refused": []},
    )


def test_a_dry_run_says_the_same_and_writes_nothing(dan, folder):
    (folder / "notes.txt").write_text("x")

    code, document = run("import_photos", folder, "--owner", "dan", "--dry-run")

    refused = [{"name": "notes.txt", "reason": TEXT_REFUSED}]
    assert (code, document) == (2, {"imported": 2, "duplicates": 1, "refused": refused})
    assert not Photo.objects.exists()
    assert stored("originals") == []


def test_refused_files_are_named_with_their_folder_and_are_findings(dan, folder):
    (folder / "sub" / "empty.jpg").write_bytes(b"")

    code, document = run("import_photos", folder, "--owner", "dan")

    assert code == 2
    assert document["imported"] == 2
    assert document["refused"] == [{"name": "sub/empty.jpg", "reason": "empty.jpg is empty (0 bytes)."}]


class SmallDisk(FileSystemStorage):
    """Has room for one photo, writes half of the second, and then says what a full disk says."""

    def _save(self, name, content):
        if not stored("originals"):
            return super()._save(name, content)
        super()._save(name, ContentFile(content.read(100)))
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("packed", [False, True], ids=["folder", "zip"])
def test_a_full_disk_ends_it_with_a_sentence_and_nothing_half_done(dan, folder, tmp_path, settings, packed):
    source = folder
    if packed:
        source = tmp_path / "a.zip"
        with zipfile.ZipFile(source, "w") as archive:
            archive.write(folder / "a.jpg", "a.jpg")
            archive.write(folder / "b.png", "b.png")
    roomy = settings.STORAGES
    small = {**roomy["originals"], "BACKEND": f"{__name__}.SmallDisk"}
    settings.STORAGES = {**roomy, "originals": small}

    with pytest.raises(CommandError, match="^The disk is full at b.png; the library holds 1 of the files"):
        run("import_photos", source, "--owner", "dan")

    assert stored("originals") == [Photo.objects.get().original.name]
    settings.STORAGES = roomy
    assert run("import_photos", source, "--owner", "dan")[1]["imported"] == 1


def test_another_trouble_with_the_disk_is_not_called_a_full_one(dan, folder, settings):
    settings.STORAGES = {
        **settings.STORAGES,
        "originals": {**settings.STORAGES["originals"], "BACKEND": f"{__name__}.BrokenDisk"},
    }

    with pytest.raises(OSError, match="Input/output error"):
        run("import_photos", folder, "--owner", "dan")


class BrokenDisk(FileSystemStorage):
    def _save(self, name, content):
        raise OSError(errno.EIO, "Input/output error")


def test_a_zip_is_imported(dan, folder, tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(folder / "a.jpg", "holiday/a.jpg")
        archive.writestr("notes.txt", "x")

    code, document = run("import_photos", tmp_path / "a.zip", "--owner", "dan")

    refused = [{"name": "notes.txt", "reason": TEXT_REFUSED}]
    assert (code, document) == (2, {"imported": 1, "duplicates": 0, "refused": refused})
    assert Photo.objects.get().original_name == "a.jpg"


@pytest.mark.parametrize(
    ("source", "owner", "reason"),
    [
        pytest.param("/nowhere", "dan", "/nowhere does not exist.", id="source"),
        pytest.param("/", "nobody", "There is no account 'nobody'.", id="owner"),
    ],
)
def test_a_wrong_argument_is_said_in_a_sentence(dan, source, owner, reason):
    with pytest.raises(CommandError, match=reason):
        run("import_photos", source, "--owner", owner)


@pytest.fixture
def installation(tmp_path):
    made = Installation(tmp_path / "data", LABELS_DETECTOR="fake")
    yield made
    made.end()


def test_a_real_process_keeps_stdout_for_json_and_says_how_it_ended(folder, installation):
    installation.manage("migrate", "-v", "0")
    account = "from tests.factory import user; user('dan')"
    installation.manage("shell", "-v", "0", "-c", account)

    done = installation.run("import_photos", folder, "--owner", "dan", "--format", "json")
    (folder / "notes.txt").write_text("x")
    findings = installation.run("import_photos", folder, "--owner", "dan", "--format", "json")
    usage = installation.run("import_photos", "--format", "json")
    wrong = installation.run("import_photos", folder, "--owner", "nobody", "--format", "json")

    assert (done.returncode, json.loads(done.stdout)["imported"]) == (0, 2)
    assert (findings.returncode, len(json.loads(findings.stdout)["refused"])) == (2, 1)
    assert (usage.returncode, usage.stdout) == (1, "")
    assert "the following arguments are required: source, --owner" in usage.stderr
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert "There is no account 'nobody'." in wrong.stderr


def test_a_killed_import_leaves_nothing_half_done_and_a_second_one_goes_on(tmp_path, installation):
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(120):
        (folder / f"{number:03}.jpg").write_bytes(factory.noise((400, 300), number).read())
    installation.manage("migrate", "-v", "0")
    installation.manage("shell", "-v", "0", "-c", "from tests.factory import user; user('dan')")
    before = set(installation.processes())

    importing = installation.start("import_photos", folder, "--owner", "dan", "--workers", "3")
    installation.wait_for(
        lambda: installation.value("SELECT COUNT(*) FROM labels_photo") > 5, "some were added"
    )
    importing.kill()

    installation.wait_for(lambda: not set(installation.processes()) - before, "its processes ended")
    added = installation.value("SELECT COUNT(*) FROM labels_photo")
    assert added < 120
    assert installation.json("check_storage", codes=(0,))["findings"] == []
    again = installation.json("import_photos", folder, "--owner", "dan", "--workers", "3")
    assert again == {"imported": 120 - added, "duplicates": added, "refused": []}
    assert installation.json("check_counts", codes=(0,))


def test_many_files_are_imported_by_all_cores_and_said_as_ever(dan, folder):
    for number in range(20):
        (folder / f"n{number:02}.jpg").write_bytes(factory.picture((10 * number, 90, 90)).read())

    code, document = run("import_photos", folder, "--owner", "dan", "--workers", 3)

    assert (code, document) == (0, {"imported": 22, "duplicates": 1, "refused": []})
    # In the order of the folder, so that of equal files the first by name is kept.
    assert list(Photo.objects.order_by("pk").values_list("original_name", flat=True))[:2] == [
        "a.jpg",
        "b.png",
    ]


@pytest.mark.parametrize("workers", ["0", "-1", "two"])
def test_a_wrong_number_of_workers_is_a_usage_error(dan, folder, workers):
    with pytest.raises(CommandError, match="argument --workers: invalid"):
        run("import_photos", folder, "--owner", "dan", "--workers", workers)
