"""Receivers of five lines at most."""

from django.conf import settings

from photomgr.queue import DAILY, HOURLY, ensure_schedule


def make_schedules(sender, **kwargs):
    name = settings.Q_CLUSTER["name"]
    ensure_schedule("alarms tick", "alarms.tasks.tick", name)
    ensure_schedule("alarms publish", "alarms.tasks.publish", name)
    ensure_schedule("alarms retention", "alarms.tasks.roll_up", name, HOURLY)
    # In the cluster for what takes minutes: of a hundred alarms it reads two weeks each.
    ensure_schedule("alarms doctor", "alarms.tasks.run_doctor", "bundles", DAILY)
