"""The tag list: numbers follow the ticks, the URL holds the choice, and no address breaks it."""

import pytest
from django.urls import reverse
from django.utils.http import urlencode
from hypothesis import example, given
from hypothesis import strategies as st

from labels.models import LabelAlias, Photo
from tests import factory
from tests.detect_labels import answer, label
from tests.matrix import examples

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true", "HX-Current-URL": "http://testserver/labels/"}


@pytest.fixture
def library(dan):
    """Three photos: Lake and Sky, Lake, Mountain; and a fourth that failed."""
    photos = factory.many_photos(dan, 4)
    for photo, names in zip(photos, (("Lake", "Sky"), ("Lake",), ("Mountain",)), strict=False):
        factory.give_labels(photo, *names)
    Photo.objects.filter(pk=photos[3].pk).update(status=Photo.Status.FAILED)
    return photos


def _get(client, *pairs, **headers):
    return client.get(f"{reverse('labels')}?{urlencode(pairs)}", headers=headers)


def _numbers(answer):
    return {row["name"]: row["count"] for row in answer.context["rows"]}


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        pytest.param([], {"Lake": 2, "Mountain": 1, "Sky": 1}, id="nothing ticked: all counts"),
        pytest.param([("label", "Lake")], {"Lake": 2, "Mountain": 3, "Sky": 2}, id="any: ticking joins"),
        pytest.param(
            [("match", "all"), ("label", "Lake")],
            {"Lake": 2, "Sky": 1, "Mountain": 0},
            id="all: ticking narrows",
        ),
        pytest.param([("none", "Sky")], {"Lake": 1, "Mountain": 1, "Sky": 1}, id="none: the rest"),
        pytest.param(
            [("label", "Lake"), ("none", "Mountain")],
            {"Lake": 2, "Sky": 2, "Mountain": 1},
            id="an excluded label keeps its count",
        ),
        pytest.param(
            [("label", "Mountain"), ("none", "Lake")],
            {"Lake": 2, "Mountain": 1, "Sky": 1},
            id="a label emptied by an exclusion leaves what is there",
        ),
    ],
)
def test_numbers_follow_the_ticks(client, library, query, numbers):
    assert _numbers(_get(client, *query)) == numbers


def test_the_plan_and_the_preview_follow_the_ticks(client, library):
    answer = _get(client, ("label", "Lake"))

    plan = answer.context["plan"]
    assert (plan.photos, plan.parts, answer.context["sentence"]) == (2, 1, "2 photos")
    assert [card["photo"].original_name for card in answer.context["preview"]] == [
        "IMG_0001.JPG",
        "IMG_0000.JPG",
    ]
    page = answer.content.decode()
    assert "Download 2 photos" in page
    assert '<input type="hidden" name="label" value="Lake">' in page


def test_without_ticks_there_is_nothing_to_download(client, library):
    answer = _get(client)

    assert not answer.context["plan"].photos
    assert "Tick a label to choose photos." in answer.content.decode()


def test_ticks_without_a_photo_say_so(client, library):
    answer = _get(client, ("match", "all"), ("label", "Sky"), ("label", "Mountain"))

    assert "No photo matches. Untick a label to go on." in answer.content.decode()
    assert not answer.context["plan"].photos


def test_a_bookmark_ticks_the_same_boxes(client, library):
    page = _get(client, ("match", "all"), ("label", "lake"), ("none", "SKY")).content.decode()

    assert 'name="label" value="Lake" aria-describedby="count-' in page
    rows = {row["name"]: (row["ticked"], row["excluded"]) for row in _get(
        client, ("match", "all"), ("label", "lake"), ("none", "SKY")).context["rows"]}  # fmt: skip
    assert rows == {"Lake": (True, False), "Sky": (False, True), "Mountain": (False, False)}
    assert 'name="match" value="all" checked' in page


@pytest.mark.parametrize(
    ("find", "names"),
    [
        ("lak", ["Lake"]),
        ("LAK", ["Lake"]),
        (" k ", ["Lake", "Sky"]),
        # PostgreSQL refuses a text with this character.
        ("x", []),
        ("", ["Lake", "Mountain", "Sky"]),
    ],
)
def test_find_keeps_labels_with_these_letters(client, library, find, names):
    answer = _get(client, ("find", find), ("sort", "name"))

    assert list(_numbers(answer)) == names


def test_find_knows_the_other_names_of_a_label(client, library):
    LabelAlias.objects.create(label=factory.label("Lake"), name="Mere", key="mere")

    answer = _get(client, ("find", "mer"))

    assert list(_numbers(answer)) == ["Lake"]
    assert not answer.context["nothing_found"]


@pytest.mark.parametrize(
    ("sort", "names"),
    [
        pytest.param("name", ["Lake", "Mountain", "Sky", "Water"], id="name"),
        pytest.param("count", ["Water", "Lake", "Mountain", "Sky"], id="count"),
        pytest.param("size", ["Water", "Lake", "Mountain", "Sky"], id="unknown is count"),
    ],
)
def test_rows_are_sorted_by_name_or_count_and_do_not_run_away_from_a_tick(client, library, sort, names):
    for photo in library[:3]:
        factory.give_labels(photo, "Water")

    for query in ([], [("label", "Mountain")], [("match", "all"), ("label", "Sky")]):
        assert list(_numbers(_get(client, ("sort", sort), *query))) == names


def test_ticks_stay_in_the_form_while_another_label_is_looked_for(client, library):
    answer = _get(client, ("find", "mount"), ("label", "Lake"), ("none", "Sky"))

    assert set(_numbers(answer)) == {"Lake", "Mountain", "Sky"}


def test_a_long_list_is_cut_at_200_and_ticked_labels_are_never_hidden(client, dan):
    photo = factory.many_photos(dan, 1)[0]
    factory.give_labels(photo, *(f"Label {number:03}" for number in range(230)))

    cut = _get(client, ("sort", "name"), ("label", "Label 225"), ("none", "Label 228"))
    whole = client.get(cut.context["show_all_url"])

    assert list(_numbers(cut))[199:] == ["Label 199", "Label 225", "Label 228"]
    assert "Show 28 more labels" in cut.content.decode()
    assert len(_numbers(whole)) == 230
    assert "more label" not in whole.content.decode()
    assert [row["name"] for row in whole.context["rows"] if row["ticked"]] == ["Label 225"]


def test_photos_without_labels_and_failed_ones_are_counted(client, dan, library):
    factory.photo(dan)
    factory.photo(dan, size=(31, 31))

    answer = _get(client)

    assert {k: answer.context[k] for k in ("total", "failed", "unlabelled")} == {
        "total": 6,
        "failed": 1,
        "unlabelled": 2,
    }
    for name, number in (("unlabelled", 2), ("failed", 1)):
        there = client.get(reverse("photos", query={"state": name}))
        assert sum(len(month["photos"]) for month in there.context["months"]) == number


def test_htmx_gets_only_pieces_that_find_their_own_place(client, library):
    page = _get(client, ("label", "Lake"), **HTMX).content.decode()

    assert "<html" not in page
    assert '<input type="checkbox"' not in page
    for row_id in ("count-", 'id="plan"', 'id="preview"'):
        assert row_id in page
    assert page.count('hx-swap-oob="true"') == 3 + 3


@pytest.mark.parametrize("change", [("find", "lak"), ("sort", "name"), ("show", "all")])
def test_htmx_gets_the_rows_anew_when_the_list_itself_changes(client, library, change):
    page = _get(client, change, **HTMX).content.decode()

    assert 'id="rows" hx-swap-oob="true"' in page
    assert '<input type="checkbox"' in page


def test_an_htmx_request_for_a_page_of_the_history_gets_the_whole_page(client, library):
    page = _get(client, **HTMX, **{"HX-History-Restore-Request": "true"}).content.decode()

    assert page.startswith("<!doctype html>")


def test_an_empty_library_leads_to_the_upload(client):
    page = _get(client).content.decode()

    assert "No labels yet" in page
    assert reverse("upload") in page


_NAMES = st.sampled_from(
    ["label", "any", "all", "none", "match", "state", "everything", "find", "sort", "show", "after", "before"]
)
_VALUES = st.text(max_size=30) | st.sampled_from(["all", "any", "1", "failed", "unlabelled", "Lake", "٣"])


@examples(5)
@given(
    pairs=st.lists(st.tuples(_NAMES, _VALUES), max_size=8), raw=st.text(max_size=30), url=st.text(max_size=20)
)
@example(pairs=[("all", f"label {number}") for number in range(700)], raw="", url="")
@example(pairs=[("none", f"label {number}") for number in range(700)], raw="", url="")
@example(pairs=[], raw="%00%ff&label=%ed%a0%80&&=&;", url="http://[")
def test_no_query_string_breaks_a_page(client, library, pairs, raw, url):
    query = "&".join([urlencode([(n, v.encode("utf-8", "replace")) for n, v in pairs]), raw])
    query = query.encode("utf-8", "replace").decode("latin-1")
    headers = {
        "HX-Request": "true",
        "HX-Current-URL": "".join(c for c in url if c.isascii() and c.isprintable()),
    }

    for path in (reverse("labels"), reverse("photos"), library[0].get_absolute_url(), reverse("bundles")):
        for sent in ({}, headers):
            answer = client.get(path, headers=sent, QUERY_STRING=query)
            assert answer.status_code in (200, 400), path


@pytest.mark.parametrize("before", ["x", "-1", "٣", "9" * 30, "9" * 5000], ids=lambda value: value[:8])
def test_no_position_breaks_the_downloads(client, before):
    assert client.get(reverse("bundles"), {"before": before}).status_code == 200


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["without JavaScript", "by htmx"])
def test_labels_are_grouped_below_their_parents_and_a_parent_takes_its_children_along(client, dan, headers):
    photos = factory.many_photos(dan, 3)
    for photo, name in zip(photos, ("Dog", "Cat", "Sky"), strict=True):
        parents = () if name == "Sky" else ("Animal",)
        factory.label_as(photo, answer(label(name, 90, parents)))

    page = _get(client, ("group", "parent"), ("label", "Animal"), **headers)

    rows = [(row["name"], row["depth"], row["parent"]) for row in page.context["rows"]]
    assert rows == [("Animal", 0, ""), ("Cat", 1, "Animal"), ("Dog", 1, "Animal"), ("Sky", 0, "")]
    assert page.context["plan"].photos == 2
    text = page.content.decode()
    assert text.index("tick-") < text.index('class="row depth-1"') < text.index(">Sky<")
    ungrouped = _get(client).context["rows"]
    assert {(row["depth"], row["parent"], row["is_parent"]) for row in ungrouped} == {(0, "", False)}
