"""How much one account may send: a clear sentence with the limit, and nothing that came before is lost."""

import pytest
from django.urls import reverse

from labels.models import Photo
from photomgr.accounts.models import RateCount
from tests import factory

pytestmark = pytest.mark.django_db
JSON = {"Accept": "application/json"}


def _send(client, width=30, **headers):
    file = factory.noise((width, 20), seed=width)
    file.name = f"{width}.jpg"
    return client.post(reverse("upload"), {"photos": [file]}, headers=headers)


def test_more_photos_than_a_minute_allows_wait(client, settings):
    settings.UPLOADS_PER_MINUTE = 2

    answers = [_send(client, width, **JSON) for width in (30, 31, 32)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert Photo.objects.count() == 2
    assert 50 < int(answers[2]["Retry-After"]) <= 60
    [reason] = answers[2].json()["errors"]["photos"]
    assert reason.startswith("You sent more than 2 photos within a minute, and that is the most.")
    assert reason in _send(client, 33).content.decode()


def test_one_account_does_not_use_up_the_turn_of_another(client, eve, settings):
    settings.UPLOADS_PER_MINUTE = 1
    _send(client)
    client.force_login(eve)

    assert _send(client, **JSON).json()["outcome"] == "imported"


def test_a_photo_beyond_the_quota_is_refused_by_name(client, settings):
    one = len(factory.noise((30, 20), seed=30).getvalue())
    settings.UPLOAD_QUOTA_BYTES = 2 * one + one // 2

    outcomes = [_send(client, width, **JSON).json() for width in (30, 30, 31, 32)]

    assert [found["outcome"] for found in outcomes] == ["imported", "duplicate", "imported", "refused"]
    assert "32.jpg is" in outcomes[3]["reason"] and "your photos may take" in outcomes[3]["reason"]


def test_what_is_deleted_makes_room_at_once(client, dan, settings):
    _send(client)
    settings.UPLOAD_QUOTA_BYTES = Photo.objects.get().size + 10
    assert _send(client, 31, **JSON).json()["outcome"] == "refused"

    Photo.objects.get().delete()

    assert _send(client, 29, **JSON).json()["outcome"] == "imported"


def test_without_a_quota_nothing_is_added_up(client, django_assert_num_queries):
    _send(client)

    assert not RateCount.objects.filter(kind="stored").exists()


def test_downloads_are_limited_by_the_hour(client, dan, settings, commits):
    settings.BUNDLES_PER_HOUR = 1
    with commits():
        factory.photo(dan)
    first = client.post(reverse("bundle_create"), {"everything": "1"})
    again = client.post(reverse("bundle_create"), {"everything": "1"}, follow=True)

    assert first.status_code == 302
    assert "You requested 1 downloads within an hour, and that is the most." in again.content.decode()
