"""Schedules are rows that name a function: an upgrade must bring those that exist in line."""

from importlib import import_module

import pytest
from django.core.management import call_command
from django_q.models import Schedule

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
