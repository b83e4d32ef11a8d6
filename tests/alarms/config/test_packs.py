"""Packs: guards that are right as they are, complete, and made only once."""

import csv
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management.base import CommandError
from django.urls import reverse
from django.utils import timezone

from alarms.apply.prepare import plan_for
from alarms.models import Alarm, AlarmSet, Guard, LocalAlarm
from alarms.tick.evaluate import tick
from alarms.tick.publishing import MINUTE, publish
from labels.models import SweepFailure
from tests.alarms import factory
from tests.commands.tools import run

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

PACKS = (["photomgr"], ["s3", "photos"], ["sqs", "orders"], ["rds", "shop"])
# Every alarm of the four packs for the Regions us-east-1 and eu-west-1, with what is known of its metric.
EXPECTED = Path(__file__).with_name("packs.csv")


def test_packs_make_these_alarms_field_by_field(settings):
    settings.REKOGNITION_REGIONS = {"us-east-1": 50, "eu-west-1": 5}
    for arguments in PACKS:
        run("alarms_pack", *arguments)
    with EXPECTED.open() as file:
        expected = list(csv.DictReader(file))

    rows = Alarm.objects.order_by("pk").values_list(*expected[0])

    assert [dict(zip(expected[0], map(_as_text, row), strict=True)) for row in rows] == expected


def _as_text(value):
    # PostgreSQL has an order of its own for the keys of JSON.
    return str(dict(sorted(value.items())) if isinstance(value, dict) else value)


@pytest.mark.parametrize("arguments", PACKS, ids=str)
def test_a_pack_makes_guards_that_can_be_applied_as_they_are(settings, wire, arguments):
    settings.REKOGNITION_REGIONS = {"us-east-1": 50, "eu-west-1": 5}

    _, document = run("alarms_pack", *arguments)

    alarm_set = AlarmSet.objects.get()
    assert len(document["guards"]) == Guard.objects.count() >= 4
    assert Alarm.objects.count() == 3 * Guard.objects.count()
    assert not Alarm.objects.filter(reason="").exists()
    assert plan_for(alarm_set).problems == []
    assert run("alarms_apply", "--yes")[0] == 0
    assert set(wire.alarms) == set(document["alarms"])
    assert run("alarms_plan", "--detailed-exitcode")[0] == 0


def test_no_band_of_a_pack_stands_alone(settings):
    for arguments in PACKS:
        run("alarms_pack", *arguments)

    for guard in Guard.objects.prefetch_related("alarms"):
        on = {alarm.role for alarm in guard.alarms.all() if alarm.enabled}
        assert on != {"band"} and on


def test_a_step_of_the_sweep_that_keeps_failing_is_an_alarm(settings, wire):
    settings.ALARMS_BACKEND = "local"
    run("alarms_pack", "photomgr")
    assert run("alarms_apply", "--yes")[0] == 0
    start = timezone.now().replace(second=0, microsecond=0) - timedelta(minutes=10)
    for number in range(6):
        SweepFailure.objects.create(step="bundles_expired", error="OSError", at=start + number * MINUTE)
        publish(start + (number + 1) * MINUTE)

    tick(start + 6 * MINUTE)

    states = dict(LocalAlarm.objects.values_list("name", "state"))
    assert states["photomgr-failed-sweep-steps-ceiling"] == "ALARM"


def test_made_again_a_pack_leaves_peoples_changes_alone():
    run("alarms_pack", "photomgr")
    Alarm.objects.filter(name="photomgr-queue-age-ceiling").update(threshold=60)
    Alarm.objects.filter(name="photomgr-spend-band").delete()

    run("alarms_pack", "photomgr")

    assert Alarm.objects.get(name="photomgr-queue-age-ceiling").threshold == 60
    assert Alarm.objects.filter(name="photomgr-spend-band").exists()


def test_a_pack_of_a_resource_needs_its_name():
    with pytest.raises(CommandError, match="Name the bucket"):
        run("alarms_pack", "s3")
    with pytest.raises(CommandError, match="needs no name"):
        run("alarms_pack", "photomgr", "x")


def test_the_admin_makes_the_own_guards_too(client, dan):
    dan.is_staff = dan.is_superuser = True
    dan.save()
    alarm_set = factory.alarm_set()

    client.post(
        reverse("admin:alarms_alarmset_changelist"),
        {"action": "make_own_guards", "_selected_action": [alarm_set.pk]},
    )

    assert alarm_set.guards.filter(name="queue-age").exists()
