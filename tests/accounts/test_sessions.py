"""People see where they are signed in, and sign out there; nobody ends the session of another."""

from datetime import timedelta

import pytest
from django.contrib.sessions.backends.db import SessionStore as Plain
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from photomgr.accounts import sessions
from photomgr.accounts.models import Session

pytestmark = pytest.mark.django_db

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Version/19.0 Safari/604.1"
)


def _sign_in(name, agent=FIREFOX, address="203.0.113.5"):
    browser = Client(headers={"user-agent": agent}, REMOTE_ADDR=address)
    answer = browser.post(reverse("login"), {"username": name, "password": "password"})
    assert answer.status_code == 302
    return browser


def _is_in(browser):
    return browser.get(reverse("photos")).status_code == 200


def _handle(browser):
    return sessions.handle(browser.session.session_key)


def test_the_page_lists_where_one_is_signed_in(dan, eve):
    here, phone = _sign_in("dan"), _sign_in("dan", IPHONE, "198.51.100.7")
    _sign_in("eve", "curl/8.0", "192.0.2.9")

    page = here.get(reverse("account"))
    text = page.content.decode()

    assert [row["device"] for row in page.context["sessions"]] == ["Firefox on Linux", "Safari on iPhone"]
    assert [row["is_this"] for row in page.context["sessions"]] == [True, False]
    assert "203.0.113.5" in text and "198.51.100.7" in text and "192.0.2.9" not in text
    assert here.session.session_key not in text and phone.session.session_key not in text


def test_another_device_is_signed_out(dan):
    here, phone = _sign_in("dan"), _sign_in("dan", IPHONE)

    answer = here.post(reverse("account_session_end", args=[_handle(phone)]), follow=True)

    assert "Safari on iPhone is signed out." in answer.content.decode()
    assert (_is_in(here), _is_in(phone)) == (True, False)


def test_the_session_of_another_person_is_not_there(dan, eve):
    hers = _sign_in("eve")

    assert _sign_in("dan").post(reverse("account_session_end", args=[_handle(hers)])).status_code == 404
    assert _is_in(hers)


def test_signing_out_everywhere_else_and_everywhere(dan, eve):
    here, phone, hers = _sign_in("dan"), _sign_in("dan", IPHONE), _sign_in("eve")

    page = here.post(reverse("account_sessions_end"), follow=True).content.decode()
    assert "Signed out on 1 other device." in page
    assert (_is_in(here), _is_in(phone), _is_in(hers)) == (True, False, True)

    here.post(reverse("account_sessions_end"), {"here": "1"})
    assert (_is_in(here), _is_in(hers)) == (False, True)
    assert not Session.objects.filter(owner=dan).exists()


def test_a_new_password_signs_the_other_devices_out(dan):
    here, phone = _sign_in("dan"), _sign_in("dan", IPHONE)
    new = {"new_password1": "correct horse battery", "new_password2": "correct horse battery"}

    answer = here.post(reverse("password_change"), {"old_password": "password", **new}, follow=True)

    assert "Your other devices are signed out." in answer.content.decode()
    assert (_is_in(here), _is_in(phone)) == (True, False)
    # The key was replaced with the password, and still says where it is from.
    assert Session.objects.get(owner=dan).device == FIREFOX


def test_signing_out_leaves_no_row(dan):
    browser = _sign_in("dan")

    browser.post(reverse("logout"))

    assert not Session.objects.filter(owner=dan).exists()


def test_use_is_noted_every_five_minutes_and_not_more_often(dan):
    browser = _sign_in("dan")
    with CaptureQueriesContext(connection) as asked:
        browser.get(reverse("photos"))
    assert not [query for query in asked if query["sql"].startswith("UPDATE")]
    Session.objects.update(seen_at=timezone.now() - timedelta(minutes=6))

    Client(REMOTE_ADDR="198.51.100.7").get("/")
    browser.defaults["REMOTE_ADDR"] = "198.51.100.7"
    browser.get(reverse("photos"))

    row = Session.objects.get(owner=dan)
    assert timezone.now() - row.seen_at < timedelta(minutes=1)
    assert row.address == "198.51.100.7"


def test_what_is_kept_in_a_session_stays_with_it(client):
    session = client.session
    session["review_skipped"] = [1, 2]
    session.save()

    client.get(reverse("account"))

    assert client.session["review_skipped"] == [1, 2]
    assert isinstance(client.session, Plain)


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (FIREFOX, "Firefox on Linux"),
        (IPHONE, "Safari on iPhone"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64) Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 14) Chrome/140.0 Safari/537.36", "Chrome on a Mac"),
        ("Mozilla/5.0 (Linux; Android 15) Chrome/140.0 Mobile Safari/537.36", "Chrome on Android"),
        ("", "Unknown device"),
        ("<script>alert(1)</script>", "Unknown device"),
    ],
)
def test_a_device_in_words(agent, words):
    assert sessions.device_in_words(agent) == words
