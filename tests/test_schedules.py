"""Schedules are rows that name a function: an upgrade must bring those that exist in line."""

from datetime import UTC, datetime, timedelta
from importlib import import_module

import pytest
from django.core.management import call_command
from django.utils import timezone
from django_q.models import OrmQ, Schedule

from photomgr.queue import correct_times, next_run

pytestmark = pytest.mark.django_db


def test_every_schedule_names_a_function_of_a_tasks_module():
    paths = Schedule.objects.values_list("func", flat=True)

    assert len(paths) == 7
    for path in paths:
        module, name = path.rsplit(".", 1)
        assert module in ("labels.tasks", "alarms.tasks")
        assert callable(getattr(import_module(module), name))


def test_an_upgrade_repairs_schedules_that_name_an_old_path():
    before = {row["name"]: row for row in Schedule.objects.values("name", "func", "args", "cluster")}
    Schedule.objects.filter(name="sweep").update(func="labels.sweep.sweep")
    Schedule.objects.filter(name="alarms tick").update(func="alarms.queue.tick", cluster="elsewhere")
    Schedule.objects.filter(name="heartbeat labels").delete()

    call_command("migrate", verbosity=0)

    after = {row["name"]: row for row in Schedule.objects.values("name", "func", "args", "cluster")}
    assert after == before


NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("ahead", "interval", "is_wrong"),
    [
        pytest.param(MINUTE, MINUTE, False, id="as planned"),
        pytest.param(-HOUR, MINUTE, False, id="due, after an hour in which nothing ran"),
        pytest.param(MINUTE * 1.5, MINUTE, False, id="by a machine that is 30 s ahead"),
        pytest.param(MINUTE * 2 + MINUTE / 60, MINUTE, True, id="too far ahead"),
        pytest.param(365 * DAY, MINUTE, True, id="a year ahead"),
        pytest.param(DAY, DAY, False, id="tomorrow"),
        pytest.param(2 * DAY, DAY, True, id="the day after tomorrow"),
        pytest.param(-365 * DAY, MINUTE, True, id="a year behind"),
    ],
)
def test_a_schedule_that_a_wrong_clock_planned_runs_now(ahead, interval, is_wrong):
    assert next_run(NOW + ahead, interval, NOW) == (NOW if is_wrong else NOW + ahead)


def test_rows_of_a_clock_that_was_ahead_are_brought_back():
    now = timezone.now()
    Schedule.objects.update(next_run=now + MINUTE)
    Schedule.objects.filter(name__in=["sweep", "alarms doctor"]).update(next_run=now + 9 * HOUR)
    mine = Schedule.objects.create(func="a.b", schedule_type=Schedule.YEARLY, next_run=now + 300 * DAY)
    taken = OrmQ.objects.create(key="bundles", payload="", lock=now + 4 * HOUR)
    lost = OrmQ.objects.create(key="labels", payload="", lock=now + 9 * HOUR)

    assert correct_times(now) == 2
    assert Schedule.objects.get(name="sweep").next_run == now
    # A daily one may be due in nine hours.
    assert Schedule.objects.get(name="alarms doctor").next_run == now + 9 * HOUR
    assert Schedule.objects.get(pk=mine.pk).next_run == now + 300 * DAY
    assert [OrmQ.objects.get(pk=row.pk).lock for row in (taken, lost)] == [now + 4 * HOUR, now]
    assert correct_times(now) == 0
