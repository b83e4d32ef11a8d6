"""Saved selections: kept under a name, run again with one click, by page and by command."""

import json

import pytest
from django.urls import reverse

from labels.bundles import building
from labels.bundles.request import request_bundle
from labels.models import Bundle, SavedSelection
from labels.selection.predicate import Selection
from tests import factory
from tests.bundles.planned import planned
from tests.commands.tools import run

pytestmark = pytest.mark.django_db


@pytest.fixture
def library(dan):
    photos = [factory.photo(dan, (60 * n, 0, 0), (200 + n, 150), f"{n}.jpg") for n in range(3)]
    factory.give_labels(photos[0], "Lake")
    factory.give_labels(photos[1], "Lake", "Person")
    return photos


@pytest.fixture
def lakes(dan, library):
    selection = Selection(any=("Lake",), none=("Person",))
    return SavedSelection.objects.create(
        owner=dan, name="My lakes", selection=selection.as_json(), part_bytes=4 * 1024**3
    )


def _save(client, **fields):
    return client.post(reverse("saved_selection_save"), fields, follow=True).content.decode()


def test_a_selection_is_saved_with_its_options_and_listed(client, dan, library):
    page = _save(client, name="  My   lakes ", label="Lake", none="Person", part_bytes=1024**3)

    saved = SavedSelection.objects.get()
    assert "My lakes is saved." in page
    assert saved.name == "My lakes"
    assert Selection.from_json(saved.selection) == Selection(any=("Lake",), none=("Person",))
    assert saved.part_bytes == 1024**3
    assert "Lake; none of Person" in page


def test_the_same_name_however_written_replaces_what_it_meant(client, dan, lakes):
    page = _save(client, name="MY LAKES", label="Person")

    assert "MY LAKES is replaced. Before, it meant: Lake; none of Person." in page
    assert Selection.from_json(SavedSelection.objects.get().selection) == Selection(any=("Person",))


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"name": "x"}, "Tick a label first; an empty selection cannot be saved."),
        ({"name": " ", "label": "Lake"}, "The selection is not saved: This field is required."),
        ({"name": "x" * 81, "label": "Lake"}, "The selection is not saved: Ensure this value has at most 80"),
    ],
    ids=["nothing ticked", "no name", "long name"],
)
def test_what_cannot_be_saved_is_said_in_a_sentence(client, library, fields, sentence):
    assert sentence in _save(client, **fields)
    assert not SavedSelection.objects.exists()


def test_one_click_requests_the_download_as_it_is_now(client, dan, library, lakes):
    factory.give_labels(library[2], "Lake")

    answer = client.post(reverse("saved_selection_run", args=[lakes.pk]))

    bundle = Bundle.objects.get()
    assert answer.url == bundle.get_absolute_url()
    assert bundle.photo_count == 2
    assert bundle.part_bytes == lakes.part_bytes


def test_one_click_takes_only_what_is_new(client, dan, library, lakes):
    building.build(request_bundle(dan, Selection.from_json(lakes.selection), lease_owner="a worker"))

    nothing = client.post(reverse("saved_selection_run", args=[lakes.pk]), {"new_only": "1"}, follow=True)
    factory.give_labels(library[2], "Lake")
    client.post(reverse("saved_selection_run", args=[lakes.pk]), {"new_only": "1"})

    assert "You have every photo of this selection already" in nothing.content.decode()
    assert list(Bundle.objects.order_by("pk").values_list("photo_count", flat=True)) == [1, 1]
    assert "only new ones" in client.get(reverse("bundles")).content.decode()


def test_a_saved_selection_is_forgotten_and_nothing_else(client, dan, lakes):
    answer = client.post(reverse("saved_selection_delete", args=[lakes.pk]), follow=True)

    assert "My lakes is no longer saved." in answer.content.decode()
    assert not SavedSelection.objects.exists()
    assert dan.photos.count() == 3


def test_the_plan_line_says_what_a_download_of_only_new_photos_would_be(client, dan, library, lakes):
    building.build(request_bundle(dan, Selection(any=("Lake",)), lease_owner="a worker"))
    factory.give_labels(library[2], "Lake")

    answer = client.get(reverse("labels"), {"label": "Lake", "new_only": "1", "part_bytes": str(1024**3)})

    plan = answer.context["plan"]
    expected = planned(dan, Selection(any=("Lake",)), 1024**3, new_only=True)
    assert (plan.photos, plan.bytes) == (1, expected.bytes)
    assert ("new_only", "1") in answer.context["selection_fields"]
    assert ("part_bytes", str(1024**3)) in answer.context["selection_fields"]


def test_the_command_builds_a_saved_selection_and_then_only_what_is_new(dan, library, lakes):
    code, first = run("build_bundle", "--owner", "dan", "--saved-selection", "my lakes")
    factory.give_labels(library[2], "Lake")
    again, second = run("build_bundle", "--owner", "dan", "--recipe", "my lakes", "--new-only")

    assert (code, again) == (0, 0)
    assert (first["photos"], second["photos"]) == (1, 1)
    assert json.dumps(first["parts"]) != json.dumps(second["parts"])


def test_more_labels_than_a_link_can_hold_are_not_saved(client, dan, library):
    page = _save(client, name="All of it", label=[f"Label number {n}" for n in range(300)])

    assert "more labels than a link can hold" in page
    assert not SavedSelection.objects.exists()


def test_a_part_size_of_thousands_of_digits_is_the_default(client, dan, library):
    fields = {"label": "Lake", "part_bytes": "9" * 5000}

    assert client.post(reverse("bundle_create"), fields).status_code == 302
    assert Bundle.objects.get().part_bytes == 4 * 1024**3
