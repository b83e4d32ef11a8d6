"""Every staff button asks for the permission that the admin asks for: all URLs are walked."""

import re

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.db import transaction
from django.test import RequestFactory
from django.urls import URLPattern, get_resolver, resolve, reverse
from django.utils import timezone

from alarms.models import Alarm, Finding, Run
from labels.models import Bundle, DirectUpload, Notice, Photo, SavedSelection
from photomgr.accounts.models import StaffAction
from tests import factory
from tests.alarms import factory as alarms
from tests.one_of_each import make_rows

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

# These take what staff do for everyone by a field of the form.
FOR_EVERYONE = {"labels_rename": "labels.change_label", "changes_undo": "labels.change_label"}
# What it needs depends on what the finding proposes: tests/alarms/doctor asks them all.
BY_FINDING = {"alarm_finding_fix": ("alarms.view_alarm", "alarms.change_alarm")}


def _urls(resolver=None):
    for entry in (resolver or get_resolver()).url_patterns:
        if isinstance(entry, URLPattern):
            yield entry.name, entry
        elif entry.namespace != "admin":
            yield from _urls(entry)


URLS = dict(_urls())
STAFF = {
    name: BY_FINDING.get(name, entry.callback.staff_permissions)
    for name, entry in URLS.items()
    if hasattr(entry.callback, "staff_permissions")
}
GUARDED = {name: needed for name, needed in STAFF.items() if needed}


@pytest.fixture
def rows(eve, commits):
    make_rows(eve, commits)
    shop = alarms.alarm_set()
    alarm = alarms.static(shop, alarms.metric())
    fix = {"do": "change_alarm", "values": {"threshold": 2.0}, "label": "Raise the threshold to 2"}
    finding = Finding.objects.create(
        alarm=alarm, code="A01", severity="warning", rank=1, message="low", fix=fix, found_at=timezone.now()
    )
    run = Run.objects.create(alarm_set=shop, backend="local", who="dan")
    return {
        "pk": {
            "photo": Photo.objects.first().pk,
            "bundle": Bundle.objects.get().pk,
            "notice": Notice.objects.get().pk,
            "saved": SavedSelection.objects.get().pk,
            "direct": DirectUpload.objects.get().pk,
            "alarm": Alarm.objects.get().pk,
        },
        "number": 1,
        "share": 1,
        "part": 1,
        "finding": finding.pk,
        "run": run.pk,
        "set_name": shop.name,
        "handle": "x",
        "uidb64": "x",
        "token": "x",
    }


def _path(name, rows):
    known = {**rows, "pk": rows["pk"].get(name.split("_")[0])}
    return reverse(name, kwargs={key: known[key] for key in URLS[name].pattern.converters})


@pytest.fixture
def become(client, dan):
    def allow(*permissions):
        dan.is_staff = True
        dan.save()
        codenames = [name.partition(".")[2] for name in permissions]
        dan.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        return client

    return allow


def _nowhere(name):
    """Return the address with ids of nothing: the permission is asked before anything is looked up."""
    keys = URLS[name].pattern.converters
    return reverse(name, kwargs={key: "none" if key == "set_name" else 10**9 for key in keys})


def _everything():
    models = [model for app in ("labels", "alarms") for model in apps.get_app_config(app).get_models()]
    models += [StaffAction]
    return {model: list(model.objects.order_by("pk").values()) for model in models}


def _fields(name):
    return {"everyone": "1", "label": "Blue", "name": "Sea"} if name in FOR_EVERYONE else {}


def test_there_are_staff_pages_and_staff_buttons():
    assert len(GUARDED) > 15


def _ask(client, name, rows):
    answers = [client.get(_path(name, rows)), client.post(_path(name, rows), _fields(name))]
    return {answer.status_code for answer in answers}


def test_staff_without_any_permission_change_nothing(become, rows):
    client, before = become(), _everything()

    for name in URLS:
        if name in ("logout", "account_sessions_end"):
            continue
        answer = client.post(_path(name, rows), _fields(name))

        assert answer.status_code in (200, 302, 400, 403, 404, 405), name
        assert _everything() == before, name


@pytest.mark.parametrize("name", sorted({**GUARDED, **FOR_EVERYONE}))
def test_a_refusal_names_the_permission(become, name):
    client = become()

    method = "post" if client.get(_nowhere(name)).status_code == 405 or name in FOR_EVERYONE else "get"
    answer = getattr(client, method)(_nowhere(name), {"everyone": "1"})

    assert answer.status_code == 403
    assert re.search("It needs the permissions? “Can (view|change|add|delete|apply)", answer.content.decode())


def test_the_permissions_that_are_asked_for_suffice(become, rows):
    for name, needed in {**GUARDED, **FOR_EVERYONE}.items():
        client = become(*([needed] if isinstance(needed, str) else needed))
        with transaction.atomic():
            found = _ask(client, name, rows)
            transaction.set_rollback(True)

        assert 403 not in found and found & {200, 302}, name


def test_the_permissions_alone_make_nobody_staff(become, dan, rows):
    for name, needed in STAFF.items():
        client = become(*needed)
        type(dan).objects.update(is_staff=False)

        assert _ask(client, name, rows) <= {404, 405}, name


def test_who_may_only_view_is_offered_no_action_in_the_admin(become, dan):
    for model, page in admin.site._registry.items():
        become(f"{model._meta.app_label}.view_{model._meta.model_name}")
        address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        request = RequestFactory().get(address)
        request.resolver_match = resolve(address)
        request.user = type(dan).objects.get(pk=dan.pk)

        assert page.get_actions(request) == {}, model


def test_buttons_are_shown_to_those_who_may_press_them(become, dan, commits):
    with commits():
        factory.photo(dan, factory.MAGENTA)
    client = become()
    assert "Retry" not in client.get(reverse("status")).content.decode()

    become("labels.change_photo")

    assert "Retry all failed photos" in client.get(reverse("status")).content.decode()
