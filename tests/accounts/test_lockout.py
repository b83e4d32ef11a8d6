"""Wrong passwords and links to new ones are counted by account and by address; the limit is said kindly."""

from datetime import timedelta

import pytest
from axes.models import AccessAttempt, AccessLog
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from photomgr.accounts.models import RateCount, Session
from tests import factory

pytestmark = pytest.mark.django_db

HOME, ELSEWHERE, FAR = "203.0.113.5", "198.51.100.7", "192.0.2.9"


@pytest.fixture(autouse=True)
def few(settings):
    settings.LOGIN_FAILURES = settings.AXES_FAILURE_LIMIT = 3


def _try(name, password, address=HOME, url="login"):
    words = {"username": name, "password": password}
    return Client(REMOTE_ADDR=address).post(reverse(url), words)


def _wrong(times, name="dan", address=HOME, **options):
    return [_try(name, "wrong", address, **options).status_code for _ in range(times)]


def _is_let_in(name="dan", address=HOME):
    return _try(name, "password", address).status_code == 302


def test_after_the_limit_the_right_password_waits_and_the_page_says_what_to_do(dan):
    assert _wrong(3) == [200, 200, 429]

    answer = _try("dan", "password")
    page = answer.content.decode()

    assert answer.status_code == 429
    assert answer["Retry-After"] == "900"
    assert "3 wrong passwords" in page and "15 minutes" in page
    assert f'href="{reverse("password_reset")}"' in page


def test_the_wait_ends_by_itself_and_trying_does_not_prolong_it(dan):
    _wrong(5)
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=16))

    assert _is_let_in()


def test_an_account_is_guarded_against_many_addresses(dan):
    for number in range(3):
        _wrong(1, address=f"198.51.100.{number}")

    assert not _is_let_in(address=FAR)


def test_an_address_is_guarded_whatever_accounts_it_tries(dan, eve):
    _wrong(1, "nobody", ELSEWHERE), _wrong(1, "somebody", ELSEWHERE), _wrong(1, "eve", ELSEWHERE)

    assert not _is_let_in(address=ELSEWHERE)
    assert _is_let_in(address=HOME)


def test_nobody_locks_the_owner_out_where_they_sign_in(dan):
    assert _is_let_in()

    _wrong(9, address=ELSEWHERE)

    assert _is_let_in()
    assert not _is_let_in(address=FAR)


def test_signing_in_as_oneself_does_not_wash_the_guesses_at_another(dan, eve):
    assert _is_let_in("eve", ELSEWHERE)
    _wrong(2, "dan", ELSEWHERE)
    assert _is_let_in("eve", ELSEWHERE)

    assert _wrong(1, "dan", ELSEWHERE) == [429]


def test_the_admin_has_the_same_lock(dan):
    get_user_model().objects.update(is_staff=True)

    assert _wrong(3, url="admin:login") == [200, 200, 429]
    assert not _is_let_in()


def test_a_header_that_nobody_configured_changes_no_address(dan):
    for number in range(3):
        headers = {"x-forwarded-for": f"198.51.100.{number}"}
        words = {"username": f"nobody{number}", "password": "wrong"}
        Client(REMOTE_ADDR=HOME).post(reverse("login"), words, headers=headers)

    assert not _is_let_in()


def test_no_password_is_stored_with_the_attempts(dan):
    _try("dan", "almost right")

    assert "almost right" not in str(AccessAttempt.objects.values())


def test_a_new_password_by_mail_unlocks_and_signs_everybody_else_out(dan, mailoutbox):
    _is_let_in()
    _wrong(3)
    _wrong(3, address=ELSEWHERE)
    visitor = Client(REMOTE_ADDR=FAR)
    visitor.post(reverse("password_reset"), {"email": "dan@example.com"})
    form = visitor.get(mailoutbox[0].body.splitlines()[0], follow=True)
    words = {"new_password1": "correct horse battery", "new_password2": "correct horse battery"}
    visitor.post(form.redirect_chain[-1][0], words)

    assert not Session.objects.filter(owner=dan).exists()
    assert _try("dan", "correct horse battery").status_code == 302


def test_links_to_a_new_password_are_limited_for_each_mail_address(dan, mailoutbox):
    def ask(email, address=HOME):
        return Client(REMOTE_ADDR=address).post(reverse("password_reset"), {"email": email})

    codes = [ask("Dan@example.com", f"198.51.100.{number}").status_code for number in range(5)]
    unknown = [ask("nobody@example.com", f"192.0.2.{number}").status_code for number in range(5)]

    assert codes == unknown == [302, 302, 302, 429, 429]
    assert len(mailoutbox) == 3
    page = ask("dan@example.com").content.decode()
    assert "Links for one mail address are limited to 3 an hour." in page
    assert "Try again in 60 minutes" in page
    assert not RateCount.objects.filter(key__contains="example").exists()


def test_links_are_limited_for_each_network_address(dan, settings, mailoutbox):
    settings.RESETS_PER_HOUR_EACH_ADDRESS = 4
    codes = [
        Client(REMOTE_ADDR=HOME).post(reverse("password_reset"), {"email": f"{n}@example.com"}).status_code
        for n in range(5)
    ]

    assert codes == [302] * 4 + [429]


def test_old_logs_of_signing_in_are_forgotten(dan):
    from photomgr.accounts.forget import forget_old

    _is_let_in()
    _wrong(1)
    AccessLog.objects.update(attempt_time=timezone.now() - timedelta(days=91))
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(days=2))
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))

    assert forget_old() == 3


def test_passwords_are_hashed_by_argon2_and_old_ones_when_their_owner_signs_in(dan, settings):
    settings.PASSWORD_HASHERS = [
        "photomgr.accounts.hashers.Argon2",
        "django.contrib.auth.hashers.MD5PasswordHasher",
    ]
    assert dan.password.startswith("md5$")

    assert _is_let_in()

    dan.refresh_from_db()
    assert dan.password.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")
    assert _is_let_in()
    assert factory.user("ann").password.startswith("argon2$")
