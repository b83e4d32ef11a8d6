"""The line on top while photos wait for labels, and what its polls bring along."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from labels.models import Photo
from tests import factory
from tests.detect_labels import answer, label

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

_POLL = {"HX-Request": "true", "HX-Target": "live"}


@pytest.fixture
def photos(dan):
    """Return three photos that wait since ten seconds ago."""
    photos = factory.many_photos(dan, 3, status=Photo.Status.PENDING)
    Photo.objects.update(next_attempt_at=timezone.now() - timedelta(seconds=10))
    return photos


def _text(page):
    found = re.search(r'<section class="live" id="live".*?</section>', page, re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", found[0])).strip() if found else None


def _poll_url(page):
    found = re.search(r'id="live" aria-label="Labelling" hx-get="([^"]+)"', page)
    return unescape(found[1]) if found else None


def _ask(client, page, **fields):
    """Ask again as the page does, with what is on it."""
    return client.get(f"{_poll_url(page)}&{urlencode(fields, doseq=True)}", headers=_POLL).content.decode()


def _label(photo, name="Sky"):
    factory.label_as(photo, answer(label(name, 99)), "rekognition", str(photo.pk))


@pytest.mark.parametrize("url", ["/", "/labels/", "/?state=unlabelled", "/labels/?label=Sky"])
def test_a_page_says_how_far_the_labelling_is_and_asks_again_until_nothing_waits(client, photos, url):
    page = client.get(url).content.decode()
    assert _text(page) == "Labelling 0 of 3"
    poll = _poll_url(page)

    assert client.get(poll, headers=_POLL).status_code == 204
    _label(photos[0])
    page = client.get(poll, headers=_POLL).content.decode()
    assert re.fullmatch(r"Labelling 1 of 3 · about 2\d s", _text(page))
    _label(photos[1])
    _label(photos[2])
    page = client.get(_poll_url(page), headers=_POLL).content.decode()

    assert _text(page) == "All photos are labelled."
    assert _poll_url(page) is None
    assert _text(client.get(url).content.decode()) is None


def test_what_failed_is_a_link_and_what_keeps_photos_waiting_is_said(client, photos):
    Photo.objects.filter(pk=photos[0].pk).update(status=Photo.FAILED)
    Photo.objects.update(failure_reason="The budget of $1.00 for today is spent.")

    page = client.get("/").content.decode()

    assert _text(page) == "Labelling 0 of 2 · The budget of $1.00 for today is spent. Failed: 1"
    assert '<a class="line-action" href="/?state=failed">' in page


def test_counts_change_in_their_places_and_rows_only_when_there_are_others(client, dan, photos):
    _label(photos[0])
    page = client.get("/labels/?label=Sky").content.decode()
    rows = re.search(r'id="rows-shown" name="rows" value="(\w+)"', page)[1]
    form = {"label": "Sky", "rows": rows}

    _label(photos[1])
    same = _ask(client, page, **form)
    _label(photos[2], "Sea")
    other = _ask(client, page, **form)

    assert 'data-count="2" hx-swap-oob' in same
    assert 'id="rows"' not in same
    assert 'id="rows" hx-swap-oob="true"' in other
    assert 'value="Sea"' in other
    assert "Download 2 photos" in other


def _cards(page):
    return re.findall(r'data-waits="([^"]+)"', page)


def test_a_poll_of_the_grid_brings_the_cards_that_changed_and_says_what_is_new(client, dan, photos, eve):
    page = client.get("/").content.decode()
    cards = _cards(page)
    assert cards == [f"{photo.pk}:pending:0" for photo in reversed(photos)]
    strangers = factory.many_photos(eve, 1)[0]
    _label(photos[0])
    factory.photo(dan, size=(31, 30))
    factory.photo(dan, size=(32, 30))

    answer = _ask(
        client, page, card=[*cards, f"{strangers.pk}:pending:0", "x", "1:", f"{'9' * 30}:pending:0"]
    )

    assert re.findall(r'class="card" id="photo-(\d+)"', answer) == [str(photos[0].pk)]
    assert "hx-swap-oob" in answer
    assert "Show 2 new photos" in answer
    assert 'href="/">Show' in re.sub(r'class="line-action" ', "", answer)


def test_cards_beyond_those_asked_about_keep_the_page_asking(client, photos):
    page = client.get("/").content.decode()
    for photo in photos:
        _label(photo)

    first = _ask(client, page, card=_cards(page)[:1], more="1")
    second = _ask(client, first, card=_cards(page)[1:])

    assert (first.count('class="card"'), second.count('class="card"')) == (1, 2)
    assert _poll_url(second) is None


def test_the_page_of_a_photo_follows_it(client, photos):
    photo = photos[0]
    page = client.get(photo.get_absolute_url()).content.decode()
    assert client.get(_poll_url(page), headers=_POLL).status_code == 204

    _label(photo, "Windmill")
    answer = client.get(_poll_url(page), headers=_POLL).content.decode()
    again = client.get(_poll_url(answer), headers=_POLL)

    assert 'id="photo-labels" hx-swap-oob="true"' in answer
    assert "Windmill" in answer
    assert again.status_code == 204
    assert "<html" not in answer


@pytest.mark.parametrize("since", ["", "x", "nan", "inf", "1e400", "-1e99", "99999999999999"])
def test_no_moment_breaks_a_poll(client, photos, since):
    assert client.get("/", {"since": since}, headers=_POLL).status_code == 200


def test_the_line_of_one_person_knows_nothing_of_another(client, eve):
    factory.many_photos(eve, 2, status=Photo.Status.PENDING)

    assert _text(client.get(reverse("labels")).content.decode()) is None


@pytest.mark.parametrize("photos_before", [0, 1])
def test_only_the_first_upload_goes_on_to_the_labels(client, dan, photos_before):
    factory.many_photos(dan, photos_before)

    page = client.get(reverse("upload")).content.decode()

    assert ('data-then="/labels/"' in page) is (not photos_before)
