"""The queue as both apps use it: the only file that enqueues tasks and writes schedules of django-q2."""

import logging

from django_q.models import Schedule
from django_q.tasks import async_task

MINUTES, HOURLY, DAILY = Schedule.MINUTES, Schedule.HOURLY, Schedule.DAILY

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
