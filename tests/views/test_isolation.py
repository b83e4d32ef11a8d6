"""Another person's ids answer 404 on every URL there is, and nobody sees anything without signing in.

Built from the URLconf, so that a new URL cannot be forgotten.
"""

import re

import pytest
from django.http import FileResponse
from django.test import Client
from django.urls import URLPattern, get_resolver, reverse
from django.utils import timezone

from labels.bundles import building
from labels.models import Bundle, DirectUpload, Notice, Photo, SavedSelection, Share
from photomgr.accounts.models import Session
from photomgr.accounts.sessions import handle
from tests import factory
from tests.conftest import stored

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

OPEN = {
    "csp_report",
    "login",
    "manifest",
    "password_reset",
    "password_reset_done",
    "password_reset_confirm",
    "password_reset_complete",
    "shared",
    "shared_part",
}
# Which object's id a parameter of a URL means: the first word of the URL's name, and the parameter.
PARAMETERS = {
    ("photo", "pk"),
    ("bundle", "pk"),
    ("bundle", "number"),
    ("bundle", "share"),
    ("notice", "pk"),
    ("saved", "pk"),
    ("direct", "pk"),
    ("account", "handle"),
}
# Parameters that hold no id.
NO_IDS = {"uidb64", "token", "part"}
STAFF = {"rules", "rules_try", "rules_apply", "rules_undo", "status", "status_retry", "regions_retry"}


def _urls(resolver=None, parameters=()):
    """Yield (name, parameters) of every URL outside the admin."""
    for entry in (resolver or get_resolver()).url_patterns:
        found = {*parameters, *entry.pattern.converters}
        if isinstance(entry, URLPattern):
            yield entry.name, found
        elif entry.namespace != "admin":
            yield from _urls(entry, found)


URLS = sorted((name, tuple(sorted(found - NO_IDS))) for name, found in _urls())
# Alarms belong to nobody in person: tests/alarms/views/test_pages.py says who may see them.
URLS = [(name, found) for name, found in URLS if name.split("_")[0] not in ("alarm", "alarms")]
WITH_IDS = [(name, found) for name, found in URLS if found]


def _id(value):
    return value if isinstance(value, str) else ""


def _path(name, parameters, ids):
    arguments = {}
    for parameter in parameters:
        key = (name.split("_")[0], parameter)
        assert key in PARAMETERS and key in ids, (
            f"The URL {name!r} has a parameter {parameter!r} that this test does not know. Add {key} to "
            "PARAMETERS and an object of eve's to the fixture `eves`."
        )
        arguments[parameter] = ids[key]
    return reverse(name, kwargs=arguments)


@pytest.fixture
def eves(eve, commits):
    """Return the ids of eve's photo with all its files and of her finished download."""
    with commits():
        photo = factory.photo(eve)
    bundle = factory.held_bundle(eve)
    building.build(bundle)
    notice = Notice.objects.get(bundle=bundle)
    share = Share.objects.create(bundle=bundle, nonce="hers", expires_at=timezone.now())
    saved = SavedSelection.objects.create(owner=eve, name="Hers", selection={}, part_bytes=1)
    browser = Client()
    browser.force_login(eve)
    direct = DirectUpload.objects.create(owner=eve, key="hers", name="hers.jpg", size=1)
    return {
        ("account", "handle"): handle(browser.session.session_key),
        ("direct", "pk"): direct.pk,
        ("photo", "pk"): photo.pk,
        ("bundle", "pk"): bundle.pk,
        ("bundle", "number"): 1,
        ("bundle", "share"): share.pk,
        ("notice", "pk"): notice.pk,
        ("saved", "pk"): saved.pk,
    }


def _state():
    rows = [
        list(model.objects.values()) for model in (Photo, DirectUpload, Bundle, Notice, SavedSelection, Share)
    ]
    rows.append(Session.objects.filter(owner__username="eve").count())
    return rows, stored("originals"), stored("bundles")


def test_there_are_urls_with_ids():
    assert len(WITH_IDS) > 10


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize(("name", "parameters"), WITH_IDS, ids=_id)
def test_another_persons_id_answers_like_one_that_does_not_exist(client, eves, name, parameters, method):
    path = _path(name, parameters, eves)
    nobody = _path(name, parameters, dict.fromkeys(eves, 10**9))
    before = _state()

    foreign, missing = getattr(client, method)(path), getattr(client, method)(nobody)

    assert foreign.status_code == missing.status_code
    # A URL that takes only the other method says so before it looks anything up.
    assert foreign.status_code in (404, 405)
    assert _words(foreign) == _words(missing)
    assert _state() == before


@pytest.mark.parametrize(("name", "parameters"), WITH_IDS, ids=_id)
def test_every_url_with_an_id_answers_404_to_one_of_the_methods(client, eves, name, parameters):
    path = _path(name, parameters, eves)

    assert 404 in {client.get(path).status_code, client.post(path).status_code}


@pytest.mark.parametrize(("name", "parameters"), WITH_IDS, ids=_id)
def test_their_owner_is_answered(client, eve, eves, name, parameters):
    client.force_login(eve)
    path = _path(name, parameters, eves)

    answers = [client.get(path), client.post(path)]

    assert {answer.status_code for answer in answers} & {200, 302}
    for answer in answers:
        if isinstance(answer, FileResponse):
            answer.close()


def _words(answer):
    # The token that guards forms is new in every answer.
    return re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"', "", answer.content.decode())


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize(
    ("name", "parameters"),
    [(name, found) for name, found in URLS if name not in OPEN],
    ids=_id,
)
def test_nobody_sees_anything_without_signing_in(client, eves, name, parameters, method):
    client.logout()
    path = _path(name, parameters, eves)
    before = _state()

    answer = getattr(client, method)(path)

    assert answer.status_code in (302, 405)
    if answer.status_code == 302:
        assert answer.url == f"{reverse('login')}?next={path}"
    assert _state() == before


@pytest.mark.parametrize("name", sorted(OPEN - {"password_reset_confirm", "shared", "shared_part"}))
def test_what_is_open_does_not_send_to_the_login(client, name):
    client.logout()

    answer = client.get(reverse(name))

    assert answer.status_code in (200, 405, 503)


@pytest.mark.parametrize("path", ["", "labels/photo/", "labels/bundle/", "auth/user/"])
def test_the_admin_is_for_staff(client, path):
    answer = client.get(f"{reverse('admin:index')}{path}")

    assert answer.status_code == 302
    assert answer.url.startswith(reverse("admin:login"))


@pytest.mark.parametrize("name", sorted(STAFF))
@pytest.mark.parametrize("method", ["get", "post"])
def test_status_is_for_staff(client, name, method):
    answer = getattr(client, method)(reverse(name))

    assert answer.status_code == 404


def test_lists_hold_nothing_of_another_person(client, eves):
    for name in ("photos", "labels", "bundles"):
        answer = client.get(reverse(name), {"everything": "1"})

        assert answer.status_code == 200
        page = answer.content.decode()
        assert "photo.jpg" not in page
        assert f"/photos/{eves['photo', 'pk']}/" not in page
        assert f"/bundles/{eves['bundle', 'pk']}/" not in page
