"""Error pages in the same look, with a way on; and a strict policy on every page."""

import pytest
from django.core.exceptions import PermissionDenied
from django.db.utils import ConnectionHandler
from django.test import Client
from django.urls import path, reverse

import photomgr.urls
from tests import factory
from tests.factory import MAGENTA
from tests.live.processes import free_port


def _break(request):
    raise RuntimeError("broken on purpose")


def _forbid(request):
    raise PermissionDenied


def _ask_nobody(request):
    nobody = {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": "127.0.0.1",
        "PORT": free_port(),
        "NAME": "x",
    }
    ConnectionHandler({"default": nobody})["default"].cursor()


# The site and three pages that fail.
urlpatterns = [
    *photomgr.urls.urlpatterns,
    path("break/", _break),
    path("forbid/", _forbid),
    path("nobody/", _ask_nobody),
]
handler400, handler500 = photomgr.urls.handler400, photomgr.urls.handler500


def _same_look(answer, status, title):
    page = answer.content.decode()
    assert answer.status_code == status
    assert f"<h1>{title}</h1>" in page
    assert "/static/css/photomgr.css" in page
    assert 'class="brand"' in page
    assert 'class="button"' in page
    _strict(answer)


def _strict(answer):
    policy = dict(part.split(" ", 1) for part in answer["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert policy["form-action"] == "'self'"
    assert "unsafe" not in answer["Content-Security-Policy"]
    assert answer["X-Content-Type-Options"] == "nosniff"


@pytest.mark.django_db
@pytest.mark.parametrize("browser", ["client", "stranger"])
def test_404(request, browser):
    browser = Client() if browser == "stranger" else request.getfixturevalue("client")

    _same_look(browser.get("/nowhere/"), 404, "Nothing here")


@pytest.mark.django_db
def test_400_of_a_host_that_is_not_ours(client):
    _same_look(client.get("/", headers={"Host": "evil.example"}), 400, "This request could not be read")


@pytest.mark.django_db
def test_400_of_too_many_fields(client):
    answer = client.get(reverse("labels") + "?" + "label=x&" * 1100)

    _same_look(answer, 400, "This request could not be read")


@pytest.mark.django_db
@pytest.mark.urls("tests.views.test_errors")
def test_403(client):
    _same_look(client.get("/forbid/"), 403, "You don’t have access")


@pytest.mark.django_db
def test_403_of_a_form_without_its_token(dan):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(dan)

    _same_look(browser.post(reverse("bundle_create")), 403, "The page was open for too long")


@pytest.mark.urls("tests.views.test_errors")
def test_500_needs_no_database(settings):
    # No mark: pytest-django refuses every connection in this test.
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "LoginRequired" not in name]

    answer = Client(raise_request_exception=False).get("/break/")

    _same_look(answer, 500, "Something went wrong")
    assert "Retry-After" not in answer


@pytest.mark.django_db
@pytest.mark.urls("tests.views.test_errors")
@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_503_when_the_database_does_not_answer(client, accept):
    client.raise_request_exception = False

    answer = client.get("/nobody/", headers={"Accept": accept})

    if accept == "text/html":
        _same_look(answer, 503, "Please try again in a minute")
    assert answer.status_code == 503
    assert answer["Retry-After"] == "60"
    assert "The database does not answer" in answer.content.decode()


@pytest.mark.django_db
def test_every_page_has_the_strict_policy_and_no_inline_script_or_style(client, dan, commits):
    dan.is_staff = dan.is_superuser = True
    dan.save()
    with commits():
        photo = factory.photo(dan)
        failed = factory.photo(dan, MAGENTA)
    bundle = factory.held_bundle(dan)
    pages = [
        *map(reverse, ("photos", "upload", "labels", "bundles", "status", "password_change")),
        reverse("labels") + "?label=Red",
        reverse("photos") + "?label=Red",
        photo.get_absolute_url(),
        failed.get_absolute_url(),
        reverse("photo_delete", args=[photo.pk]),
        bundle.get_absolute_url(),
        *map(reverse, ("login", "password_reset", "password_reset_done", "password_reset_complete")),
    ]

    for url in pages:
        answer = client.get(url)
        page = answer.content.decode()
        assert answer.status_code == 200, url
        _strict(answer)
        assert "<style" not in page, url
        assert " style=" not in page, url
        assert " onclick=" not in page, url
        assert all(" src=" in tag.split(">")[0] for tag in page.split("<script")[1:]), url


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["admin:index", "admin:labels_photo_changelist"])
def test_the_admin_has_the_strict_policy_too(client, dan, name):
    dan.is_staff = dan.is_superuser = True
    dan.save()

    answer = client.get(reverse(name))

    assert answer.status_code == 200
    _strict(answer)
