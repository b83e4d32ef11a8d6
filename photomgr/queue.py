"""The queue as both apps use it: the only file that enqueues tasks and writes schedules of django-q2."""

import logging
from datetime import timedelta

from django.conf import settings
from django_q.models import OrmQ, Schedule
from django_q.tasks import async_task

MINUTES, HOURLY, DAILY = Schedule.MINUTES, Schedule.HOURLY, Schedule.DAILY
_INTERVAL = {MINUTES: timedelta(minutes=1), HOURLY: timedelta(hours=1), DAILY: timedelta(days=1)}
# By how much the clocks of machines differ that are all right.
_SLACK = timedelta(minutes=1)
# django-q2 counts up to the present in steps of the interval, while it holds the database's lock.
_LONG_AGO = timedelta(days=2)

log = logging.getLogger(__name__)


def enqueue(task, queue, *arguments):
    """Enqueue a task now; a queue that is away must not undo the request, and the sweep tries again."""
    try:
        # Named always: left out, the task would go to the cluster that enqueues it.
        async_task(task, *arguments, q_options={"cluster": queue})
    except queue_errors() as error:
        log.warning("the task could not be enqueued, the sweep will do it: %s", error)


def queue_errors():
    """Return what brokers raise; called once something was raised: the imports take half a second."""
    from botocore.exceptions import BotoCoreError, ClientError
    from redis.exceptions import RedisError

    return RedisError, BotoCoreError, ClientError


def ensure_schedule(name, task, cluster, kind=MINUTES, args=""):
    """Make the schedule of this name, or bring the one that exists in line: its row may name an old path."""
    values = {
        "func": task,
        "args": args,
        "cluster": cluster,
        "schedule_type": kind,
        "minutes": 1,
        "repeats": -1,
    }
    Schedule.objects.update_or_create(name=name, defaults=values)


def next_run(planned, interval, now):
    """Return when a schedule is to run next: `now` when `planned` was written by a clock that was wrong."""
    return planned if now - _LONG_AGO <= planned <= now + interval + _SLACK else now


def correct_times(now):
    """Bring back what was put off by a clock that was ahead and was set right; return how many rows.

    django-q2 would wait until the clock is there once more: for the sweep, which nobody would miss.
    """
    corrected = 0
    for row in Schedule.objects.filter(schedule_type__in=_INTERVAL):
        right = next_run(row.next_run, _INTERVAL[row.schedule_type], now)
        if right != row.next_run:
            log.warning("the schedule %r was to run at %s: the clock was wrong", row.name, row.next_run)
            # Not what a cluster has planned anew meanwhile.
            corrected += Schedule.objects.filter(pk=row.pk, next_run=row.next_run).update(next_run=right)
    # A task that was taken is locked for `retry` at most.
    clusters = (settings.Q_CLUSTER, *settings.Q_CLUSTER["ALT_CLUSTERS"].values())
    locked = timedelta(seconds=max(cluster["retry"] for cluster in clusters))
    return corrected + OrmQ.objects.filter(lock__gt=now + locked + _SLACK).update(lock=now)
