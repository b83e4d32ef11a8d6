"""What no view can work with is refused in one place."""

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from tests import factory

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(client, dan):
    dan.is_staff = dan.is_superuser = True
    dan.save()
    return client


@pytest.mark.parametrize(
    ("url", "words"),
    [
        pytest.param("/labels/?find=%00", "The field “find” holds a NUL character", id="query"),
        pytest.param("/alarms/?after=a&after=b%00", "The field “after” holds", id="the second value"),
        pytest.param("/labels/?a%00b=1", "The field “ab” holds", id="name of a field"),
        pytest.param("/photos/1%00/", "The address holds a NUL character", id="path"),
        pytest.param("/admin/auth/user/?username__startswith=%00", "holds a NUL", id="filter of the admin"),
    ],
)
def test_a_nul_is_refused_with_words(staff, url, words):
    answer = staff.get(url)

    assert answer.status_code == 400
    page = answer.content.decode()
    assert words in page
    assert "\0" not in page


@pytest.mark.parametrize(
    "form",
    [
        pytest.param({"data": {"label": "Sky", "name": "Hea\0ven"}}, id="multipart"),
        pytest.param(
            {"data": "label=Sky&name=Hea%00ven", "content_type": "application/x-www-form-urlencoded"},
            id="plain",
        ),
    ],
)
def test_a_nul_is_refused_in_a_form(staff, form):
    answer = staff.post(reverse("labels_rename"), **form)

    assert answer.status_code == 400
    assert "The field “name” holds a NUL character" in answer.content.decode()


def test_the_name_of_a_file_loses_it(client, dan):
    file = factory.picture()
    file.name = "sea\0side.jpg"

    answer = client.post(reverse("upload"), {"photos": file})

    assert answer.status_code in (200, 302)
    assert [photo.original_name for photo in dan.photos.all()] == ["seaside.jpg"]


@pytest.mark.parametrize("path", ["/labels/", "/nowhere/", "/labels/?find=%00"])
def test_a_cookie_with_one_is_left_out(path):
    browser = Client()
    # As a quoted cookie may spell it.
    browser.cookies["sessionid"] = "abcdefgh\0"

    assert browser.get(path).status_code == (400 if "%00" in path else 302 if path == "/labels/" else 404)


def test_a_form_of_a_stranger_is_not_read_for_it():
    answer = Client().post(reverse("rules_apply"), {"note": "\0"})

    assert answer.status_code == 302
    assert answer.url.startswith(reverse("login"))


@pytest.mark.parametrize(
    "url",
    ["smscount/?day__year=2026&day__month=2147483648&day__day=1", "photosummary/9223372036854775808/change/"],
)
def test_a_number_that_is_too_large_is_refused_in_the_admin(staff, url):
    if "change" in url and connection.vendor == "postgresql":
        pytest.skip("PostgreSQL compares any number")

    answer = staff.get(f"/admin/labels/{url}")

    assert answer.status_code == 400
    assert "a number that is too large" in answer.content.decode()
