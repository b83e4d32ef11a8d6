"""The only file that knows django-q2. It passes ids, after the commit.

The queue is a doorbell: what is to be done, how often it was tried and who holds it stands in our
rows. A lost bell is rung again by `labels.sweep`, a second one finds nothing to claim.
"""

import logging
import multiprocessing
import time

from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.db import DatabaseError, transaction
from django_q.brokers import get_broker
from django_q.conf import Conf
from django_q.models import Schedule
from django_q.tasks import async_task
from redis.exceptions import RedisError

from labels import workers
from labels.workers import BUNDLES, CLUSTERS, LABELS

# What the brokers raise when Redis or SQS cannot be reached or refuse.
AWAY = (RedisError, BotoCoreError, ClientError)
# A heartbeat is passed on until every machine took it, at most so often.
_HOPS = 20
# A worker that does a hundred tasks in a second says once that it lives.
_SIGN_SECONDS = 20
_signs = {}

log = logging.getLogger(__name__)


def label_photo(photo_id):
    _ring("labels.tasks.label_photo", photo_id, LABELS)


def take_incoming(incoming_id):
    _ring("labels.tasks.take_incoming", incoming_id, LABELS)


def build_bundle(bundle_id):
    _ring("labels.tasks.build_bundle", bundle_id, BUNDLES)


def help_build(bundle_id):
    """Call other workers to a build, of this machine and of others."""
    # Its own cluster answers or keeps in memory up to so many; one more is heard on another machine.
    for _ in range(2 * settings.BUNDLE_WORKERS + 1):
        _ring("labels.tasks.help_build", bundle_id, BUNDLES)


def add_sum(part_id):
    _ring("labels.tasks.add_sum", part_id, BUNDLES)


def send_notice(notice_id):
    _ring("labels.tasks.send_notice", notice_id, LABELS)


def tell_topic(announcement_id):
    _ring("labels.tasks.tell_topic", announcement_id, LABELS)


def send_text(message_id):
    _ring("labels.tasks.send_text", message_id, LABELS)


def replay_rules(replay_id):
    _ring("labels.tasks.replay_rules", replay_id, LABELS)


def carry_out(change_id):
    _ring("labels.tasks.carry_out", change_id, LABELS)


def waiting(cluster):
    """Return how many bells the cluster has not answered yet, or None when the queue is not reachable."""
    try:
        return get_broker(list_key=cluster).queue_size()
    except AWAY as error:
        log.warning("the length of the queue is not known: %s", error)
        return None


def ensure_schedules():
    """Make the minute-by-minute schedules: the sweep, and a heartbeat for each cluster."""
    _schedule("sweep", "labels.sweep.sweep", LABELS)
    for cluster in CLUSTERS:
        _schedule(f"heartbeat {cluster}", "labels.queue.heartbeat", cluster, args=repr((cluster,)))


def ask_for_heartbeat(cluster):
    """Have a cluster that is starting say so now; its schedule first speaks after up to 90 s."""
    _ring("labels.queue.heartbeat", cluster, cluster)


def heartbeat(cluster, hops=_HOPS):
    """Write that a worker of the cluster is alive; the schedule runs it in that worker.

    Machines share the queue, and any of them may have taken this bell: it is rung again for the others.
    """
    workers.seen(cluster, "worker")
    if hops and workers.others_missing(cluster):
        _send("labels.queue.heartbeat", cluster, cluster, hops - 1)


def worker_begins(sender, **kwargs):
    """Have a cluster's worker say that it lives; django-q2 sends pre_execute from that process."""
    _sign("worker")


def monitor_ends(sender, task, **kwargs):
    """Have the cluster's monitor say that it lives: django-q2 sends post_execute from that process."""
    if task["func"] == "labels.queue.heartbeat":
        workers.seen(task["args"][0], "monitor")
    else:
        _sign("monitor")


def _sign(role):
    # A command that carries tasks out in its own process is no cluster.
    if multiprocessing.parent_process() is None or time.monotonic() < _signs.get(role, 0):
        return
    _signs[role] = time.monotonic() + _SIGN_SECONDS
    try:
        workers.seen(Conf.CLUSTER_NAME, role)
    except DatabaseError as error:
        # The task itself says what is wrong, and tries again.
        log.warning("a sign of life could not be written: %s", error)


def _ring(task, argument, cluster):
    transaction.on_commit(lambda: _send(task, cluster, argument))


def _send(task, cluster, *arguments):
    """Ring now; a queue that is away must not undo what was asked for, and the sweep rings again."""
    try:
        # Named always: left out, the bell would go to the cluster that rings it.
        async_task(task, *arguments, q_options={"cluster": cluster})
    except AWAY as error:
        log.warning("the queue could not be rung, the sweep will: %s", error)


def _schedule(name, function, cluster, args=""):
    Schedule.objects.get_or_create(
        name=name,
        defaults={
            "func": function,
            "args": args,
            "cluster": cluster,
            "schedule_type": Schedule.MINUTES,
            "minutes": 1,
            "repeats": -1,
        },
    )
