"""The pages of alarms: for staff with the right to them, true to the plan, in few queries."""

import re

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from alarms.apply.carry_out import apply
from alarms.apply.prepare import plan_for
from alarms.models import Alarm, Guard, LocalAlarm, Mute, Run
from tests.alarms import factory
from tests.alarms.cloudwatch_wire import Refusal

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


@pytest.fixture
def shop():
    shop = factory.alarm_set()
    factory.static(shop, factory.metric())
    return shop


@pytest.fixture
def staff(client, dan):
    def allow(*permissions):
        dan.is_staff = True
        dan.save()
        dan.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        return client

    return allow


def text(answer):
    assert answer.status_code == 200
    return answer.content.decode()


def pages(shop):
    run = Run.objects.create(alarm_set=shop, backend="local", who="dan")
    alarm = Alarm.objects.first()
    return [
        reverse("alarms"),
        reverse("alarm_history"),
        reverse("alarm_run", args=[run.pk]),
        reverse("alarm_plan", args=[shop.name]),
        alarm.get_absolute_url(),
    ]


def acts(shop):
    alarm = Alarm.objects.first()
    names = ("alarm_mute", "alarm_unmute", "alarm_switch")
    return [reverse(name, args=[alarm.pk]) for name in names] + [reverse("alarm_apply", args=[shop.name])]


def test_pages_are_not_there_for_those_who_may_not_see_them(staff, client, shop):
    for page in pages(shop):
        assert client.get(page).status_code == 404
    staff()
    for page in pages(shop):
        assert client.get(page).status_code == 403
    staff("view_alarm")
    for page in pages(shop):
        assert client.get(page).status_code == 200


def test_seeing_is_not_editing_and_editing_not_applying(staff, client, shop):
    staff("view_alarm")
    for act in acts(shop):
        assert client.post(act).status_code == 403
    staff("view_alarm", "change_alarm", "add_mute", "delete_mute")
    assert [client.post(act).status_code for act in acts(shop)] == [302, 302, 302, 403]
    assert "Apply" not in text(client.get(reverse("alarm_plan", args=["shop"])))
    staff("view_alarm", "apply_alarmset")
    assert [client.post(act).status_code for act in acts(shop)] == [403, 403, 403, 302]


def test_the_plan_that_was_shown_is_applied_by_a_worker(staff, shop, commits):
    client = staff("view_alarm", "apply_alarmset")
    page = client.get(reverse("alarm_plan", args=["shop"]))
    assert "1 to create, 0 to update, 0 to delete. $0.10 a month on CloudWatch (+0.10)." in text(page)

    with commits():
        answer = client.post(
            reverse("alarm_apply", args=["shop"]),
            {"fingerprint": page.context["plan"]["fingerprint"]},
            follow=True,
        )

    run = Run.objects.get()
    assert answer.redirect_chain == [(run.get_absolute_url(), 302)]
    assert (run.outcome, run.who) == ("done", "dan")
    assert LocalAlarm.objects.get().name == "shop-floor"
    assert "Nothing to change" in text(client.get(reverse("alarm_plan", args=["shop"])))


def test_a_plan_that_changed_since_is_not_applied_and_says_so(staff, shop, commits):
    client = staff("view_alarm", "apply_alarmset")
    fingerprint = plan_for(shop).plan.fingerprint
    Alarm.objects.update(threshold=9)

    with commits():
        client.post(reverse("alarm_apply", args=["shop"]), {"fingerprint": fingerprint})

    run = Run.objects.get()
    assert (run.outcome, LocalAlarm.objects.count()) == ("failed", 0)
    assert "Look at the new plan" in text(client.get(run.get_absolute_url()))


def test_the_list_shows_state_missing_roles_and_drift(staff, shop, commits):
    client = staff("view_alarm")
    guard = Guard.objects.create(alarm_set=shop, metric=Alarm.objects.get().metric, name="orders")
    Alarm.objects.update(guard=guard, role="floor")
    apply(shop)
    LocalAlarm.objects.update(state="ALARM")
    Alarm.objects.update(threshold=4)

    page = text(client.get(reverse("alarms")))

    assert "in alarm" in page and "to update" in page
    assert page.count("is missing") == 2
    assert "Shop orders Sum &lt; 4 in 3 of 3 periods of 1 min" in page


def test_problems_are_shown_where_they_are(staff, shop):
    client = staff("view_alarm", "apply_alarmset")
    Alarm.objects.update(datapoints=9)

    assert "DatapointsToAlarm is 9" in text(client.get(reverse("alarms")))
    plan = text(client.get(reverse("alarm_plan", args=["shop"])))
    assert "DatapointsToAlarm is 9" in plan and "Apply" not in plan


def test_an_alarm_is_muted_switched_and_unmuted_from_its_page(staff, shop):
    client = staff("view_alarm", "change_alarm", "add_mute", "delete_mute")
    page = Alarm.objects.get().get_absolute_url()

    client.post(f"{page}mute/", {"for": "2h", "reason": "moving house"})
    assert "moving house" in text(client.get(page)) and "<strong>Muted</strong>" in text(client.get(page))
    client.post(f"{page}unmute/")
    client.post(f"{page}switch/")

    assert not Mute.objects.exists()
    assert not Alarm.objects.get().enabled
    assert "no length of time" in text(client.post(f"{page}mute/", {"for": "ever"}, follow=True))


def test_a_backend_that_is_away_is_said_and_the_pages_stay(staff, wire, shop):
    client = staff("view_alarm")
    wire.refuse["DescribeAlarms"] = [Refusal("AccessDenied", "not you") for _ in range(9)]

    for page in (
        reverse("alarms"),
        reverse("alarm_plan", args=["shop"]),
        Alarm.objects.get().get_absolute_url(),
    ):
        assert "not you" in text(client.get(page))


def test_lists_ask_the_database_as_often_for_many_as_for_few(staff, shop):
    client = staff("view_alarm")
    addresses = pages(shop)

    def queries():
        counts = []
        for address in addresses:
            with CaptureQueriesContext(connection) as asked:
                client.get(address)
            counts.append(len(asked))
        return counts

    queries()
    few = queries()
    for number in range(60):
        factory.static(shop, factory.metric(f"m{number}"), name=f"shop-{number:02}")

    assert queries() == few


def test_a_page_ends_where_the_next_begins(staff, shop):
    client = staff("view_alarm")
    for number in range(60):
        factory.static(shop, Alarm.objects.first().metric, name=f"shop-{number:02}")

    first = client.get(reverse("alarms"))
    second = client.get(reverse("alarms") + re.search(r'href="(\?after=[^"]+)"', text(first))[1])

    names = [row["alarm"].name for answer in (first, second) for row in answer.context["rows"]]
    assert len(names) == len(set(names)) == 61
    assert "?after=" not in text(second)


def test_the_permission_alone_makes_nobody_staff(staff, client, shop, dan):
    staff("view_alarm", "change_alarm", "apply_alarmset")
    dan.is_staff = False
    dan.save()

    assert {client.get(page).status_code for page in pages(shop)} == {404}
    assert {client.post(act).status_code for act in acts(shop)} == {404}
