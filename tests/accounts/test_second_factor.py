"""A code beside the password: nothing is shown without it, and a lost phone locks nobody out."""

import time

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse
from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from tests import factory

pytestmark = pytest.mark.django_db


def _code(user, confirmed=True):
    """Return what the phone shows now; a code is good once, so that its last use is forgotten first."""
    TOTPDevice.objects.update(last_t=-1, drift=0)
    totp = TOTP(TOTPDevice.objects.get(user=user, confirmed=confirmed).bin_key)
    totp.time = time.time()
    return f"{totp.token():06}"


def _sign_in(name="dan"):
    browser = Client()
    browser.post(reverse("login"), {"username": name, "password": "password"})
    return browser


def _set_up(browser, user):
    """Return the recovery codes."""
    browser.post(reverse("second_factor_start"))
    answer = browser.post(reverse("second_factor_confirm"), {"code": _code(user, confirmed=False)})
    assert answer.status_code == 200
    return answer.context["codes"]


def _verify(browser, code, **fields):
    return browser.post(reverse("second_factor_verify"), {"code": code, **fields})


def _is_in(browser, url="photos"):
    return browser.get(reverse(url)).status_code == 200


@pytest.fixture
def codes(client, dan):
    return _set_up(client, dan)


def test_it_is_set_up_by_a_picture_and_a_code(client, dan):
    client.post(reverse("second_factor_start"))
    page = client.get(reverse("second_factor")).content.decode()
    assert 'src="data:image/svg+xml' in page

    wrong = client.post(reverse("second_factor_confirm"), {"code": "000000"})
    assert wrong.status_code == 400 and "That code is not right." in wrong.content.decode()
    TOTPDevice.objects.update(throttling_failure_count=0, throttling_failure_timestamp=None)
    right = client.post(reverse("second_factor_confirm"), {"code": _code(dan, confirmed=False)})

    assert right["Cache-Control"] == "no-store"
    assert len(set(right.context["codes"])) == 10
    assert "on: a code from your phone" in client.get(reverse("account")).content.decode()


def test_the_password_alone_shows_nothing(codes, dan):
    browser = _sign_in()

    page = browser.get(reverse("labels") + "?label=Lake")
    assert page.url == reverse("second_factor_verify") + "?next=%2Flabels%2F%3Flabel%3DLake"
    for name in ("photos", "account", "password_change", "second_factor_codes", "second_factor_off"):
        assert browser.post(reverse(name)).status_code == 302
    assert TOTPDevice.objects.filter(user=dan, confirmed=True).exists()
    assert "Downloads" not in browser.get(page.url).content.decode()

    done = _verify(browser, _code(dan), next="/labels/?label=Lake")

    assert done.url == "/labels/?label=Lake"
    assert _is_in(browser)


def test_who_has_only_the_password_cannot_set_up_another_phone(codes, dan):
    browser, key = _sign_in(), TOTPDevice.objects.get().key

    for name in ("second_factor_start", "second_factor_confirm", "second_factor"):
        answer = browser.post(reverse(name)) if name != "second_factor" else browser.get(reverse(name))
        assert answer.url == reverse("second_factor_verify")

    assert [device.key for device in TOTPDevice.objects.all()] == [key]


def test_a_code_never_leads_to_another_site(codes, dan):
    assert _verify(_sign_in(), _code(dan), next="https://evil.example/").url == reverse("photos")


def test_a_code_is_good_once(codes, dan):
    code = _code(dan)
    _verify(_sign_in(), code)

    assert _verify(_sign_in(), code).status_code == 400


def test_guessing_waits_longer_each_time(codes, dan):
    browser = _sign_in()
    answers = [_verify(browser, f"{number:06}") for number in range(5)]

    assert all(answer.status_code == 400 for answer in answers)
    assert "The next one is taken in" in answers[-1].content.decode()
    assert _verify(browser, _code(dan)).status_code == 400
    assert not _is_in(browser)


def test_a_recovery_code_is_good_once(codes, dan):
    browser = _sign_in()
    _verify(browser, codes[0])
    assert _is_in(browser)

    again = _sign_in()

    assert _verify(again, codes[0]).status_code == 400
    assert StaticToken.objects.count() == 9


def test_new_recovery_codes_void_those_before(client, codes, dan):
    new = client.post(reverse("second_factor_codes")).context["codes"]

    assert set(StaticToken.objects.values_list("token", flat=True)) == set(new)
    assert not set(codes) & set(new)


def test_setting_it_up_signs_everybody_else_out(client, dan):
    other = _sign_in()

    _set_up(client, dan)

    assert (_is_in(client), _is_in(other)) == (True, False)


def test_it_is_turned_off_by_who_has_the_phone(client, codes, dan):
    assert client.post(reverse("second_factor_off"), {"code": "000000"}).status_code == 400
    TOTPDevice.objects.update(throttling_failure_count=0, throttling_failure_timestamp=None)

    client.post(reverse("second_factor_off"), {"code": _code(dan)})

    assert _is_in(client) and _is_in(_sign_in())
    assert not TOTPDevice.objects.exists() and not StaticDevice.objects.exists()


def test_another_phone_takes_over_with_its_first_code_and_not_before(client, codes, dan):
    client.post(reverse("second_factor_start"))
    _verify(waiting := _sign_in(), _code(dan))
    assert _is_in(waiting)

    client.post(reverse("second_factor_confirm"), {"code": _code(dan, confirmed=False)})

    assert TOTPDevice.objects.filter(user=dan, confirmed=True).count() == 1


@pytest.fixture
def boss(db):
    return factory.user("boss", is_staff=True, is_superuser=True)


def test_a_lost_phone_is_removed_in_the_admin_and_the_key_is_not_shown_there(codes, dan, boss, client):
    key, waiting = TOTPDevice.objects.get().key, _sign_in()
    client.force_login(boss)
    row = TOTPDevice.objects.get(user=dan)
    pages = ["changelist", "change"]
    urls = [
        reverse(f"admin:otp_totp_totpdevice_{page}", args=[row.pk] * (page == "change")) for page in pages
    ]
    assert not any(key in client.get(url).content.decode() for url in urls)
    static = reverse("admin:otp_static_staticdevice_change", args=[StaticDevice.objects.get().pk])
    assert not any(code in client.get(static).content.decode() for code in codes)

    client.post(reverse("admin:otp_totp_totpdevice_delete", args=[row.pk]), {"post": "yes"})

    assert _is_in(waiting)


def test_where_staff_need_one_they_see_nothing_without(settings, boss, dan):
    settings.STAFF_SECOND_FACTOR = True
    browser = _sign_in("boss")

    for url in ("photos", "status", "admin:index", "admin:auth_user_changelist"):
        assert browser.get(reverse(url)).url.startswith(reverse("second_factor") + "?next=")
    page = browser.get(reverse("second_factor")).content.decode()
    assert "such accounts need a code" in page and "Admin" not in page
    _set_up(browser, boss)

    assert _is_in(browser, "admin:index") and _is_in(browser, "status")
    assert "Turn it off" not in browser.get(reverse("second_factor")).content.decode()
    assert _is_in(_sign_in("dan"))


def test_a_session_of_before_needs_the_code_from_when_it_is_required(client, settings, boss):
    client.force_login(boss)
    assert _is_in(client, "admin:index")

    settings.STAFF_SECOND_FACTOR = True

    assert not _is_in(client, "admin:index")


def test_the_admins_own_sign_in_page_is_no_way_around(codes, dan):
    get_user_model().objects.update(is_staff=True, is_superuser=True)
    browser = Client()
    browser.post(reverse("admin:login"), {"username": "dan", "password": "password", "next": "/admin/"})

    assert browser.get(reverse("admin:index")).url.startswith(reverse("second_factor_verify"))


def test_signing_out_and_health_checks_need_no_code(codes, client):
    browser = _sign_in()

    assert browser.get("/healthz").status_code == 200
    assert browser.post(reverse("logout")).url == reverse("login")


def test_who_has_none_pays_no_query_for_it(client, dan, django_assert_max_num_queries):
    with django_assert_max_num_queries(30) as asked:
        client.get(reverse("photos"))

    assert not [query for query in asked if "otp_" in query["sql"]]
