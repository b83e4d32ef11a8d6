"""The only file of alarms that knows django-q2: what its worker does by the clock."""

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django_q.models import Schedule
from django_q.tasks import async_task

from alarms import retention
from alarms.apply import ask
from alarms.examination import examine_all
from alarms.tick import tick as evaluate


def ensure_schedules():
    """Make the schedules: a tick every minute, retention every hour, the doctor every day."""
    _schedule("alarms tick", "alarms.queue.tick", Schedule.MINUTES)
    _schedule("alarms publish", "alarms.publishing.publish", Schedule.MINUTES)
    _schedule("alarms retention", "alarms.queue.roll_up", Schedule.HOURLY)
    # In the cluster for what takes minutes: of a hundred alarms it reads two weeks each.
    _schedule("alarms doctor", "alarms.queue.examine", Schedule.DAILY, "bundles")


def tick():
    """Evaluate the alarms that live here; CloudWatch evaluates its own."""
    if settings.ALARMS_BACKEND == "local":
        evaluate()


def examine():
    """Have the doctor look at all alarms; what it finds stands on its page."""
    examine_all(timezone.now())


def roll_up():
    retention.roll_up(timezone.now())


def apply(alarm_set, user, fingerprint, prune):
    """Have a worker carry out the plan with this fingerprint; return its Run.

    Many changes take minutes at CloudWatch's pace, which no page should wait for.
    """
    run = ask(alarm_set, user, fingerprint)
    # The cluster for what takes minutes: the other one ends a task after two.
    options = {"cluster": "bundles"}
    transaction.on_commit(lambda: async_task("alarms.apply.carry_out", run.pk, prune, q_options=options))
    return run


def _schedule(name, function, kind, cluster=None):
    Schedule.objects.get_or_create(
        name=name,
        defaults={
            "func": function,
            "cluster": cluster or settings.Q_CLUSTER["name"],
            "schedule_type": kind,
            "minutes": 1,
            "repeats": -1,
        },
    )
