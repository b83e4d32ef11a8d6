"""The bar on top of every page: what each may open from there."""

import re

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from tests.alarms import factory as alarms_factory

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
STAFF = {"/status/", "/alarms/"}


def _bar(client, address):
    page = client.get(address).content.decode()
    nav = page[page.index("<nav") : page.index("</nav>")]
    menu = page[page.index('<details class="menu">') : page.index("</details>")]
    return [set(re.findall(r'href="([^"]+)"', part)) for part in (nav, menu)]


@pytest.fixture
def addresses():
    """One page of each kind, and one that is not there."""
    shop = alarms_factory.alarm_set()
    alarm = alarms_factory.static(shop, alarms_factory.metric())
    names = ("photos", "labels", "bundles", "upload", "status", "rules", "alarms", "alarm_history")
    return [
        *map(reverse, names),
        reverse("alarm_plan", args=[shop.name]),
        alarm.get_absolute_url(),
        "/nothing-here/",
    ]


def test_superusers_find_status_and_alarms_in_the_bar_of_every_page(client, dan, addresses):
    dan.is_staff = dan.is_superuser = True
    dan.save()

    for address in addresses:
        nav, menu = _bar(client, address)
        assert nav >= STAFF and menu >= STAFF | {"/admin/"}, address


def test_staff_find_alarms_there_when_they_may_see_them(client, dan):
    dan.is_staff = True
    dan.save()
    nav, menu = _bar(client, reverse("photos"))
    assert "/status/" in nav & menu and "/alarms/" not in nav | menu

    dan.user_permissions.add(Permission.objects.get(codename="view_alarm"))

    nav, menu = _bar(client, reverse("photos"))
    assert nav & menu >= STAFF


def test_others_find_neither(client, dan):
    nav, menu = _bar(client, reverse("photos"))

    assert not (nav | menu) & (STAFF | {"/admin/"})
