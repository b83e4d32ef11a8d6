"""The only file of alarms that knows django-q2: what its worker does by the clock."""

from django.conf import settings
from django.utils import timezone
from django_q.models import Schedule

from alarms import retention
from alarms.tick import tick as evaluate


def ensure_schedules():
    """Make the schedules: a tick every minute, retention every hour."""
    _schedule("alarms tick", "alarms.queue.tick", Schedule.MINUTES)
    _schedule("alarms retention", "alarms.queue.roll_up", Schedule.HOURLY)


def tick():
    """Evaluate the alarms that live here; CloudWatch evaluates its own."""
    if settings.ALARMS_BACKEND == "local":
        evaluate()


def roll_up():
    retention.roll_up(timezone.now())


def _schedule(name, function, kind):
    Schedule.objects.get_or_create(
        name=name,
        defaults={
            "func": function,
            "cluster": settings.Q_CLUSTER["name"],
            "schedule_type": kind,
            "minutes": 1,
            "repeats": -1,
        },
    )
