"""The grid: every photo once, by month, page by page, of the whole library or of a selection."""

from datetime import UTC, datetime

import pytest
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.http import urlencode

from labels.models import Bundle, Photo
from labels.selection import summaries
from tests import factory

pytestmark = pytest.mark.django_db

MOMENT = datetime(2024, 5, 12, 9, 30, 15, 123457, tzinfo=UTC)


def _pages(client, url, **headers):
    """Yield every page, following "Load more"."""
    while url:
        answer = client.get(url, headers=headers)
        assert answer.status_code == 200
        yield answer
        url = answer.context["next_url"]


def _shown(answers):
    return [
        card["photo"].original_name
        for answer in answers
        for month in answer.context["months"]
        for card in month["photos"]
    ]


@pytest.mark.parametrize("htmx", [{}, {"HX-Request": "true"}], ids=["pages", "htmx"])
def test_each_photo_is_shown_exactly_once_though_all_have_one_time(client, dan, htmx):
    photos = factory.many_photos(dan, 150, taken_at=MOMENT)

    answers = list(_pages(client, reverse("photos"), **htmx))

    assert len(answers) == 3
    assert _shown(answers) == [photo.original_name for photo in reversed(photos)]


def test_newest_first_over_pages_with_mixed_times(client, dan):
    factory.many_photos(dan, 130)
    expected = Photo.objects.order_by("-taken_at", "-pk").values_list("original_name", flat=True)

    assert _shown(_pages(client, reverse("photos"))) == list(expected)


def test_months_have_totals_and_go_on_without_a_second_heading(client, dan):
    factory.many_photos(dan, 100)
    Photo.objects.filter(original_name__lt="IMG_0030.JPG").update(
        taken_at=datetime(2023, 12, 31, 23, tzinfo=UTC)
    )
    summaries.differences(repair=True)

    first, second = _pages(client, reverse("photos"))

    assert [(m["name"], m["total"], m["continued"]) for m in first.context["months"]] == [
        ("May 2024", 70, False)
    ]
    assert [(m["name"], m["total"], m["continued"]) for m in second.context["months"]] == [
        ("May 2024", 70, True),
        ("December 2023", 30, False),
    ]
    assert "May 2024 <" in first.content.decode()
    assert "May 2024" not in second.content.decode()


def test_photos_without_a_date_are_marked_and_are_not_said_to_be_of_their_upload(client, dan):
    factory.many_photos(dan, 3, taken_at=MOMENT)
    undated = factory.photo(dan)

    answer = client.get(reverse("photos"))

    shown = {card["photo"].pk: card for month in answer.context["months"] for card in month["photos"]}
    assert [pk for pk, card in shown.items() if not card["photo"].taken_at] == [undated.pk]
    assert shown[undated.pk]["alt"] == f"Photo uploaded on {date_format(undated.uploaded_at, 'j F Y')}"
    assert answer.content.decode().count("No date</span>") == 1


def test_downloading_everything_says_the_size_that_the_archive_will_have(client, dan):
    for colour in (factory.RED, factory.BLUE):
        factory.photo(dan, colour)
    page = client.get(reverse("photos"))

    client.post(reverse("bundle_create"), dict(page.context["selection_fields"]))

    bundle = Bundle.objects.get()
    assert page.context["download"].bytes == bundle.planned_bytes > 0
    assert (
        f'Download all <span class="quiet">· {filesizeformat(bundle.planned_bytes)}' in page.content.decode()
    )


def test_months_of_a_selection_count_the_selection(client, dan):
    photos = factory.many_photos(dan, 4, taken_at=MOMENT)
    for photo in photos[:3]:
        factory.give_labels(photo, "Lake")

    answer = client.get(reverse("photos"), {"label": "Lake"})

    [month] = answer.context["months"]
    assert (month["total"], len(month["photos"])) == (3, 3)
    assert answer.context["selection"]["count"] == 3


def test_paging_keeps_the_selection(client, dan):
    for photo in factory.many_photos(dan, 70)[:65]:
        factory.give_labels(photo, "Lake & sea")
    url = f"{reverse('photos')}?{urlencode({'label': 'Lake & sea'})}"

    assert len(_shown(_pages(client, url))) == 65


def test_each_chip_takes_its_own_part_away(client, dan):
    factory.many_photos(dan, 1)
    query = [("label", "Lake"), ("label", "Sea"), ("none", "Person"), ("state", "failed")]

    answer = client.get(f"{reverse('photos')}?{urlencode(query)}")

    chips = {chip["text"]: chip["remove_url"] for chip in answer.context["selection"]["chips"]}
    home = reverse("photos")
    assert chips == {
        "Lake": f"{home}?label=Sea&none=Person&state=failed",
        "Sea": f"{home}?label=Lake&none=Person&state=failed",
        "not Person": f"{home}?label=Lake&label=Sea&state=failed",
        "failed": f"{home}?label=Lake&label=Sea&none=Person",
    }
    for url in chips.values():
        assert f'href="{url.replace("&", "&amp;")}"' in answer.content.decode()


def test_the_last_chip_leads_to_the_whole_library(client, dan):
    answer = client.get(reverse("photos"), {"label": "Lake"})

    assert [chip["remove_url"] for chip in answer.context["selection"]["chips"]] == [reverse("photos")]


def test_htmx_gets_the_photos_alone(client, dan):
    factory.many_photos(dan, 2)

    page = client.get(reverse("photos"), headers={"HX-Request": "true"}).content.decode()

    assert 'class="card"' in page
    assert "<html" not in page
    assert "<h1>" not in page


def test_an_empty_library_says_what_to_do(client):
    page = client.get(reverse("photos")).content.decode()

    assert "No photos yet" in page
    assert reverse("upload") in page


@pytest.mark.parametrize("staff", [True, False])
def test_only_staff_see_a_command(client, dan, staff):
    dan.is_staff = staff
    dan.save()

    page = client.get(reverse("photos")).content.decode()

    assert ("manage.py import_photos FOLDER --owner dan" in page) == staff


def test_a_selection_without_photos_offers_a_way_back(client, dan):
    factory.many_photos(dan, 1)

    page = client.get(reverse("photos"), {"label": "Unicorn"}).content.decode()

    assert "No photo matches this choice." in page
    assert "Download these" not in page


def test_waiting_and_failed_photos_are_marked(client, dan):
    factory.many_photos(dan, 1, status=Photo.Status.PENDING)
    failed = factory.photo(dan)
    Photo.objects.filter(pk=failed.pk).update(status=Photo.Status.FAILED)

    page = client.get(reverse("photos")).content.decode()

    assert 'data-status="pending"' in page
    assert 'data-status="failed"' in page
    assert page.count('id="live"') == 1


def test_a_name_with_markup_stays_text(client, dan):
    factory.photo(dan, name="<script>alert(1)<script>.jpg")

    assert "<script>alert" not in client.get(reverse("photos")).content.decode()


@pytest.mark.parametrize(
    "after",
    [
        "",
        "x",
        "-",
        "nan-1",
        "inf-1",
        "1e400-1",
        "-1e11-5",
        "1-1-1",
        "1715506215.123457-" + "9" * 30,
        "1-" + "9" * 5000,
    ],
    ids=lambda value: value[:20] or "empty",
)
def test_a_hostile_position_never_breaks_the_page(client, dan, after):
    factory.many_photos(dan, 1)

    assert client.get(reverse("photos"), {"after": after}).status_code == 200
