import hashlib
import zipfile
from pathlib import Path

import pytest
from django.core.management import CommandError

from labels.models import DirectUpload, Photo
from tests import factory
from tests.commands.tools import printed, run

pytestmark = pytest.mark.django_db


@pytest.fixture
def library(dan):
    """Two red photos, one of them bright, and a blue one."""
    for name, colour in (("red", factory.RED), ("pink", (250, 150, 150)), ("blue", factory.BLUE)):
        factory.photo(dan, colour, name=f"{name}.jpg")
    run("label_photos", "--now")


def _names(document):
    names = []
    for part in document["parts"]:
        content = Path(part["file"]).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (part["bytes"], part["sha256"])
        with zipfile.ZipFile(part["file"]) as archive:
            names += [name for name in archive.namelist() if name.endswith(".jpg")]
    return sorted(names)


@pytest.mark.parametrize(
    ("chosen", "names"),
    [
        pytest.param(["--any", "Red", "Blue"], ["blue.jpg", "pink.jpg", "red.jpg"], id="any"),
        pytest.param(["--all", "Red", "Bright"], ["pink.jpg"], id="all"),
        pytest.param(["--none", "red"], ["blue.jpg"], id="none"),
        pytest.param(["--any", "Red", "--none", "Bright"], ["red.jpg"], id="any and none"),
        pytest.param(["--everything"], ["blue.jpg", "pink.jpg", "red.jpg"], id="everything"),
    ],
)
def test_the_archive_holds_what_was_chosen(library, tmp_path, chosen, names):
    code, document = run("build_bundle", "--owner", "dan", *chosen, "--output", tmp_path)

    assert (code, document["status"], document["missing"]) == (0, "ready", [])
    assert document["photos"] == len(names)
    assert document["bytes"] == sum(part["bytes"] for part in document["parts"])
    assert all(Path(part["file"]).parent == tmp_path for part in document["parts"])
    assert _names(document) == names


def test_a_part_size_makes_parts(library):
    code, document = run("build_bundle", "--owner", "dan", "--everything", "--part-size", "2000")

    assert code == 0
    assert len(document["parts"]) > 1
    assert _names(document) == ["blue.jpg", "pink.jpg", "red.jpg"]


def test_a_missing_photo_is_named_and_a_finding(library):
    lost = Photo.objects.get(original_name="red.jpg")
    lost.original.storage.delete(lost.original.name)

    code, document = run("build_bundle", "--owner", "dan", "--any", "Red")

    assert (code, document["status"], document["photos"]) == (2, "partial", 1)
    assert document["missing"] == [{"name": "red.jpg", "reason": "the file is no longer in storage"}]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        pytest.param([], "Say which photos: --any, --all or --none LABEL", id="nothing"),
        pytest.param(["--any", "Unicorn"], "There is no label Unicorn.", id="unknown label"),
        pytest.param(["--all", "Red", "Blue"], "No photos match", id="no photos"),
        pytest.param(
            ["--everything", "--part-size", "0"], "--part-size is 0; it must be 1 or more.", id="size"
        ),
        pytest.param(
            ["--everything", "--output", "/nowhere"], "--output /nowhere is not a folder.", id="output"
        ),
    ],
)
def test_what_cannot_be_built_is_said_in_a_sentence(library, arguments, reason):
    with pytest.raises(CommandError, match=reason):
        run("build_bundle", "--owner", "dan", *arguments)


def test_a_sweep_without_anything_to_do_has_no_findings(library):
    code, document = run("sweep")

    assert code == 0
    assert set(document.values()) == {0}


def test_a_sweep_that_found_work_says_how_much(dan):
    factory.photo(dan)

    code, document = run("sweep")

    assert (code, document["photos_enqueued"]) == (2, 1)


def test_people_read_only_what_a_sweep_did(dan):
    assert printed("sweep") == "There was nothing to do.\n"

    factory.photo(dan)

    assert printed("sweep") == "photos enqueued: 1\n"


def test_people_read_todays_words_for_old_names(dan):
    DirectUpload.objects.create(owner=dan, key="incoming/1", name="a.jpg", size=1, status="sent")

    assert printed("sweep") == "direct uploads enqueued: 1\n"


def test_an_archive_that_lies_there_already_is_never_overwritten(dan, tmp_path):
    factory.give_labels(factory.photo(dan), "Lake")
    build = ("build_bundle", "--owner", "dan", "--any", "Lake", "--output", tmp_path)

    _, first = run(*build)
    factory.give_labels(factory.photo(dan, factory.BLUE), "Lake")
    _, second = run(*build)

    paths = [Path(document["parts"][0]["file"]) for document in (first, second)]
    assert paths[0] != paths[1]
    for path, document in zip(paths, (first, second), strict=True):
        assert hashlib.sha256(path.read_bytes()).hexdigest() == document["parts"][0]["sha256"]
