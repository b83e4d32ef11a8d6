"""Sign in, sign out, and the way back when the password is forgotten."""

import re

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse

pytestmark = pytest.mark.django_db


@pytest.fixture
def visitor(dan):
    return Client()


def _signed_in(browser):
    return browser.get(reverse("photos")).status_code == 200


def test_signing_in_leads_where_one_wanted_to_go(visitor):
    sent_away = visitor.get(reverse("labels") + "?label=Lake")

    answer = visitor.post(
        sent_away.url, {"username": "dan", "password": "password", "next": "/labels/?label=Lake"}
    )

    assert sent_away.url == "/accounts/login/?next=/labels/%3Flabel%3DLake"
    assert answer.url == "/labels/?label=Lake"
    assert _signed_in(visitor)


def test_signing_in_never_leads_to_another_site(visitor):
    answer = visitor.post(
        reverse("login"), {"username": "dan", "password": "password", "next": "https://evil.example/"}
    )

    assert answer.url == reverse("photos")


def test_a_wrong_password_is_answered_with_a_sentence(visitor):
    answer = visitor.post(reverse("login"), {"username": "dan", "password": "wrong"})

    assert "Please enter a correct username and password" in answer.content.decode()
    assert not _signed_in(visitor)


def test_signing_out_takes_a_post(client):
    by_link = client.get(reverse("logout"))
    still = _signed_in(client)

    answer = client.post(reverse("logout"))

    assert (by_link.status_code, still) == (405, True)
    assert answer.url == reverse("login")
    assert not _signed_in(client)


def test_a_forgotten_password_is_replaced_by_mail(visitor, mailoutbox, settings):
    answer = visitor.post(reverse("password_reset"), {"email": "dan@example.com"}, follow=True)
    [mail] = mailoutbox
    link = mail.body.splitlines()[0]
    form = visitor.get(link, follow=True)
    words = {"new_password1": "correct horse battery", "new_password2": "correct horse battery"}

    done = visitor.post(form.redirect_chain[-1][0], words, follow=True)

    assert "Check your e-mail" in answer.content.decode()
    assert mail.subject == "Choose a new password for photomgr"
    assert mail.to == ["dan@example.com"]
    assert re.fullmatch(re.escape(settings.SITE_URL) + r"/accounts/reset/\S+/", link)
    assert "You can sign in with it now." in done.content.decode()
    assert get_user_model().objects.get().check_password("correct horse battery")
    assert "This link no longer works" in visitor.get(link, follow=True).content.decode()


@pytest.mark.parametrize(
    "headers",
    [{"host": "evil.example"}, {"host": "10.0.0.7:8000", "x-forwarded-host": "evil.example"}],
    ids=["forged", "behind a proxy"],
)
def test_the_link_to_a_new_password_leads_to_the_site_whatever_the_request_says(
    visitor, mailoutbox, settings, headers
):
    settings.ALLOWED_HOSTS, settings.SITE_URL = ["*"], "https://photos.example.com"

    visitor.post(reverse("password_reset"), {"email": "dan@example.com"}, headers=headers)

    assert mailoutbox[0].body.startswith("https://photos.example.com/accounts/reset/")
    assert "evil" not in mailoutbox[0].message().as_string()


def test_an_unknown_address_is_answered_alike_and_gets_no_mail(visitor, mailoutbox):
    known = visitor.post(reverse("password_reset"), {"email": "dan@example.com"}, follow=True)
    unknown = visitor.post(reverse("password_reset"), {"email": "nobody@example.com"}, follow=True)

    assert unknown.content == known.content
    assert len(mailoutbox) == 1


def test_a_weak_new_password_is_refused_with_the_reason(client):
    answer = client.post(
        reverse("password_change"),
        {"old_password": "password", "new_password1": "12345678", "new_password2": "12345678"},
    )

    assert "This password is entirely numeric." in answer.content.decode()


def test_the_password_is_changed_by_its_owner(client):
    words = {"old_password": "password", "new_password1": "correct horse", "new_password2": "correct horse"}

    answer = client.post(reverse("password_change"), words, follow=True)

    assert "Use the new one the next time you sign in." in answer.content.decode()
    assert _signed_in(client)


def test_staff_find_status_and_admin_in_the_menu_and_others_do_not(client, dan):
    plain = client.get(reverse("photos")).content.decode()
    dan.is_staff = True
    dan.save()
    staff = client.get(reverse("photos")).content.decode()

    for name in ("status", "admin:index"):
        assert f'href="{reverse(name)}"' not in plain
        assert f'href="{reverse(name)}"' in staff
