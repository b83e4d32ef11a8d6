"""Downloads shared by a link: off by default, for a time, with a password, revocable, counted."""

import io
import zipfile
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from labels.bundles import building, shares
from labels.models import Bundle, Share
from tests import factory

pytestmark = pytest.mark.django_db


@pytest.fixture
def bundle(dan, settings):
    settings.SHARING = True
    for number in range(2):
        factory.photo(dan, size=(60 + number, 40), name=f"{number}.jpg")
    bundle = factory.held_bundle(dan)
    building.build(bundle)
    bundle.refresh_from_db()
    return bundle


@pytest.fixture
def friend():
    """Return the browser of somebody without an account."""
    return Client()


def _create(client, bundle, **fields):
    return client.post(reverse("bundle_share", args=[bundle.pk]), {"days": "7", **fields}, follow=True)


def _url(share):
    return reverse("shared", args=[shares.token(share)])


def _part(share, number=1):
    return reverse("shared_part", args=[shares.token(share), number])


def test_a_friend_downloads_what_was_shared(client, bundle, friend, settings):
    page = _create(client, bundle).content.decode()
    share = Share.objects.get()
    assert f'value="{settings.SITE_URL}{_url(share)}"' in page

    answer = friend.get(_url(share))
    archive = friend.get(_part(share))

    assert "dan shares 2 photos with you" in answer.content.decode()
    assert answer["X-Robots-Tag"] == archive["X-Robots-Tag"] == "noindex, nofollow"
    assert answer["Referrer-Policy"] == "no-referrer"
    assert "no-store" in answer["Cache-Control"]
    found = zipfile.ZipFile(io.BytesIO(archive.getvalue()))
    assert found.testzip() is None
    assert {"0.jpg", "1.jpg"} <= set(found.namelist())
    assert not friend.session.get("_auth_user_id")


def test_the_archives_are_kept_as_long_as_the_link_works(client, bundle):
    _create(client, bundle, days="30")

    bundle.refresh_from_db()
    assert bundle.expires_at >= Share.objects.get().expires_at > timezone.now() + timedelta(days=29)
    _create(client, bundle, days="1")
    before, _ = bundle.expires_at, bundle.refresh_from_db()
    assert bundle.expires_at == before


def test_opening_and_downloading_are_counted_once_each(client, bundle, friend):
    _create(client, bundle)
    share = Share.objects.get()

    friend.get(_url(share))
    friend.head(_url(share))
    b"".join(friend.get(_part(share)))
    b"".join(friend.get(_part(share), headers={"Range": "bytes=100-"}))

    share.refresh_from_db()
    assert (share.opened, share.downloaded) == (1, 1)
    assert "opened 1 time, downloaded 1 time" in client.get(bundle.get_absolute_url()).content.decode()


def test_a_password_is_asked_for_and_remembered(client, bundle, friend):
    _create(client, bundle, password="between friends")
    share = Share.objects.get()
    assert "between" not in share.password

    assert "These photos have a password" in friend.get(_url(share)).content.decode()
    assert friend.get(_part(share)).get("Content-Disposition") is None
    wrong = friend.post(_url(share), {"password": "x"})
    assert (wrong.status_code, b"This is not the password" in wrong.content) == (403, True)
    right = friend.post(_url(share), {"password": "between friends"}, follow=True)

    assert "dan shares 2 photos" in right.content.decode()
    assert friend.get(_part(share))["Content-Type"] == "application/zip"
    assert "These photos have a password" in Client().get(_url(share)).content.decode()


def test_passwords_cannot_be_tried_for_ever(client, bundle, friend):
    _create(client, bundle, password="between friends")
    share = Share.objects.get()
    for _ in range(20):
        friend.post(_url(share), {"password": "x"})

    answer = friend.post(_url(share), {"password": "between friends"})

    assert b"Too many tries" in answer.content


@pytest.mark.parametrize("end", ["revoked", "expired", "bundle expired", "bundle cancelled", "off"])
def test_a_link_that_has_ended_looks_like_one_that_never_was(client, bundle, friend, settings, end):
    _create(client, bundle)
    share = Share.objects.get()
    past = timezone.now() - timedelta(seconds=1)
    match end:
        case "revoked":
            client.post(reverse("bundle_share_revoke", args=[bundle.pk, share.pk]))
        case "expired":
            Share.objects.update(expires_at=past)
        case "bundle expired":
            Bundle.objects.update(expires_at=past)
        case "bundle cancelled":
            Bundle.objects.update(status="cancelled")
        case "off":
            settings.SHARING = False

    for url in (_url(share), _part(share)):
        answer = friend.get(url)
        assert answer.status_code == 404
        assert "This link no longer works" in answer.content.decode()


@pytest.mark.parametrize("token", ["1", "1-", "x-1", "-", "9" * 30 + "-1", "٣-1", "1-" + "0" * 40])
def test_no_token_but_the_right_one_opens_it(bundle, friend, token):
    shares.create(bundle, 7)

    assert friend.get(f"/shared/{token}/").status_code == 404


def test_a_token_needs_the_secret_key(bundle, settings):
    share = shares.create(bundle, 7)
    token = shares.token(share)
    settings.SECRET_KEY = "another one of the same length as the first, or so"

    assert shares.find(token) is None


@pytest.mark.parametrize(
    ("change", "fields", "reason"),
    [
        ({"status": "queued"}, {}, "Only a download that is ready can be shared."),
        ({"status": "expired"}, {}, "Only a download that is ready can be shared."),
        ({}, {"days": "0"}, "A link works for 1 to 30 days."),
        ({}, {"days": "31"}, "A link works for 1 to 30 days."),
        ({}, {"days": "x"}, "A link works for 1 to 30 days."),
    ],
)
def test_what_cannot_be_shared_is_refused(client, bundle, change, fields, reason):
    Bundle.objects.update(**change)

    assert reason in _create(client, bundle, **fields).content.decode()
    assert not Share.objects.exists()


def test_sharing_is_off_by_default(client, bundle, settings):
    settings.SHARING = False

    assert 'id="sharing"' not in client.get(bundle.get_absolute_url()).content.decode()
    assert "Sharing is switched off here." in _create(client, bundle).content.decode()
    assert not Share.objects.exists()
