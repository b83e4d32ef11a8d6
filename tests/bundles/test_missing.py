"""What became of an original between the request and the build is said; the rest is delivered."""

import pytest
from django.conf import settings
from django.urls import reverse

from labels import tasks
from labels.bundles import building, lifecycle
from labels.bundles.request import RequestRefused, request_bundle
from labels.models import Bundle, Notice, Photo
from labels.selection.predicate import Selection
from tests import factory
from tests.bundles import archives
from tests.conftest import stored
from tests.matrix import first_in_gate

pytestmark = pytest.mark.django_db


@pytest.fixture
def library(dan):
    return [factory.photo(dan, (60 * n, 0, 0), (200 + n, 150), f"{n}.jpg", quality=95) for n in range(4)]


def _path(photo):
    return settings.DATA_DIR / "originals" / photo.original.name


def _delete(path):
    path.unlink()


def _truncate(path):
    path.write_bytes(path.read_bytes()[:-100])


def _change(path):
    content = bytearray(path.read_bytes())
    content[-10] ^= 0xFF
    path.write_bytes(content)


def _grow(path):
    path.write_bytes(path.read_bytes() + b"more")


def _empty(path):
    path.write_bytes(b"")


HARM = pytest.mark.parametrize(
    ("harm", "reason"),
    [
        pytest.param(_delete, "no longer in storage", id="deleted"),
        pytest.param(_truncate, "", id="truncated"),
        pytest.param(_change, "", id="changed"),
        pytest.param(_grow, "larger than it was", id="grown"),
        pytest.param(_empty, "", id="emptied"),
    ],
)


@HARM
@pytest.mark.parametrize("victim", [0, 2, 3], ids=["first", "middle", "last"])
@pytest.mark.parametrize(
    "part_bytes", first_in_gate(5_000, 10**9, 1, ids=["some parts", "one part", "a part each"])
)
def test_it_is_named_everywhere_and_the_rest_arrives_whole(
    client, dan, library, mailoutbox, commits, harm, reason, victim, part_bytes
):
    bundle = factory.held_bundle(dan, part_bytes=part_bytes)
    harm(_path(library[victim]))

    with commits():
        building.build(bundle)

    bundle.refresh_from_db()
    name = library[victim].original_name
    found_reason = bundle.photos.get(name=name).missing_reason
    assert bundle.status == Bundle.Status.PARTIAL
    assert bundle.photos_done == 3
    assert found_reason
    assert reason in found_reason
    others = {photo.original_name: photo.sha256 for photo in library if photo.original_name != name}
    assert archives.photos(bundle) == others
    assert {row["name"]: row["missing"] for row in archives.manifest(bundle)} == {
        **dict.fromkeys(others, ""),
        name: found_reason,
    }
    page = client.get(bundle.get_absolute_url())
    assert [(row.name, row.missing_reason) for row in page.context["missing"]] == [(name, found_reason)]
    assert "1 of 4 photos could not be read" in page.content.decode()
    [mail] = mailoutbox
    assert mail.subject == "Your 3 photos are ready, 1 missing: all photos"
    assert f"  {name}: {found_reason}\n" in mail.body
    assert bundle.bytes_done == sum(len(archives.content(part)) for part in bundle.parts.all())
    assert all(part.size == len(archives.content(part)) for part in bundle.parts.all())


def test_several_in_one_archive_are_all_named(dan, library):
    bundle = factory.held_bundle(dan)
    _delete(_path(library[0]))
    _change(_path(library[1]))
    _grow(_path(library[3]))

    building.build(bundle)

    assert list(archives.photos(bundle)) == ["2.jpg"]
    assert [p.name for p in bundle.photos.exclude(missing_reason="").order_by("position")] == [
        "0.jpg",
        "1.jpg",
        "3.jpg",
    ]


def test_when_all_are_missing_the_download_fails_and_nothing_is_kept(
    client, dan, library, commits, mailoutbox
):
    bundle = factory.held_bundle(dan, part_bytes=1)
    for photo in library:
        _delete(_path(photo))

    with commits():
        building.build(bundle)

    bundle.refresh_from_db()
    assert bundle.status == Bundle.Status.FAILED
    assert bundle.failure_reason == "None of the photos could be read from storage."
    assert stored("bundles") == []
    assert not bundle.parts.exists()
    assert "None of the photos could be read" in client.get(bundle.get_absolute_url()).content.decode()
    [mail] = mailoutbox
    assert mail.subject == "Your download could not be finished: all photos"
    assert "None of the photos could be read from storage." in mail.body


def test_a_photo_its_owner_deleted_after_the_request_is_named(client, dan, library, commits):
    bundle = factory.held_bundle(dan)
    with commits():
        client.post(reverse("photo_delete", args=[library[1].pk]))

    building.build(bundle)

    bundle.refresh_from_db()
    assert bundle.status == Bundle.Status.PARTIAL
    assert list(archives.photos(bundle)) == ["0.jpg", "2.jpg", "3.jpg"]
    missing = bundle.photos.exclude(missing_reason="").get()
    assert (missing.name, missing.photo) == ("1.jpg", None)


def test_a_photo_that_came_back_is_delivered_by_the_next_try(dan, library, commits):
    content = {photo.pk: _path(photo).read_bytes() for photo in library}
    bundle = factory.held_bundle(dan)
    for photo in library:
        _delete(_path(photo))
    building.build(bundle)
    for photo in library:
        _path(photo).write_bytes(content[photo.pk])

    assert lifecycle.retry(bundle)
    tasks.build_bundle(bundle.pk)

    bundle.refresh_from_db()
    assert bundle.status == Bundle.Status.READY
    assert len(archives.photos(bundle)) == 4
    assert not bundle.photos.exclude(missing_reason="").exists()
    assert Notice.objects.get().outcome == Notice.Outcome.READY


@pytest.mark.parametrize(
    "chosen",
    [
        pytest.param(Selection(), id="nothing ticked"),
        pytest.param(Selection(any=("Unicorn",)), id="no such label"),
        pytest.param(Selection(any=("Lake",), none=("Lake",)), id="contradiction"),
        pytest.param(Selection(state="failed"), id="none failed"),
    ],
)
def test_an_empty_selection_is_refused_with_no_trace(dan, library, chosen):
    with pytest.raises(RequestRefused, match="No photos match"):
        request_bundle(dan, chosen)

    assert not Bundle.objects.exists()
    assert not Notice.objects.exists()
    assert Photo.objects.count() == 4
