"""What can be enqueued: ids, after the commit.

The row is the truth, the queue a hint: what is to be done, how often it was tried and who leases it stands
in our rows. A lost task is enqueued again by the sweep; a second delivery finds nothing to claim.
"""

import logging
import multiprocessing
import os
import time

from django.db import DatabaseError, transaction
from django_q.brokers import get_broker
from django_q.conf import Conf

from labels.workers import heartbeats, lanes
from labels.workers.lanes import BUNDLES, CLUSTERS, LABELS, PHOTOS, TURNS
from photomgr.queue import enqueue, ensure_schedule, queue_errors

# A heartbeat is passed on until every machine took it, at most so often.
_HOPS = 20
# Those of labels/tasks.py that are enqueued for a row, and the queue of each.
QUEUE_OF = {
    "deliver": LABELS,
    "take_direct_upload": TURNS,
    "run_rules": TURNS,
    "apply_change": TURNS,
    "label_next_photo": PHOTOS,
    "build_bundle": BUNDLES,
    "join_build": BUNDLES,
    "add_sum": BUNDLES,
}
# However many tasks a worker does in that time, it writes one sign of life.
_SIGN_SECONDS = 20
_signs = {}
# Workers that did anything: they keep its memory, and are replaced after their next heartbeat.
_worked: set[int] = set()

log = logging.getLogger(__name__)


def enqueue_after_commit(task, pk):
    """Enqueue a task of labels/tasks.py for the row `pk` once the transaction is committed."""
    queue = QUEUE_OF[task]
    transaction.on_commit(lambda: enqueue(f"labels.tasks.{task}", queue, pk))


def waiting_for(cluster):
    """Return how many tasks wait in all queues of the cluster, or None when one is not reachable."""
    counts = [waiting(queue) for queue in lanes.queues()[cluster]]
    return None if None in counts else sum(counts)


def waiting(queue):
    """Return how many tasks are in the queue, or None when it is not reachable."""
    try:
        return get_broker(list_key=queue).queue_size()
    except queue_errors() as error:
        log.warning("the length of the queue is not known: %s", error)
        return None


def ensure_schedules():
    """Make the minute-by-minute schedules: the sweep, and a heartbeat for each cluster."""
    ensure_schedule("sweep", "labels.tasks.sweep", LABELS)
    for cluster in CLUSTERS:
        ensure_schedule(f"heartbeat {cluster}", "labels.tasks.heartbeat", cluster, args=repr((cluster,)))


def welcome(cluster):
    """Have a cluster that starts write a heartbeat, and sweep, now; its schedules run after up to 90 s."""
    transaction.on_commit(lambda: enqueue("labels.tasks.heartbeat", cluster, cluster))
    if cluster == LABELS:
        transaction.on_commit(lambda: enqueue("labels.tasks.sweep", LABELS))


def heartbeat(cluster, hops=_HOPS):
    """Write that a worker of the cluster is alive; the schedule runs it in that worker.

    Machines share the queue, and any of them may have taken this task: it is enqueued again for the others.
    """
    heartbeats.seen(cluster, "worker")
    if hops and heartbeats.others_missing(cluster):
        enqueue("labels.tasks.heartbeat", cluster, cluster, hops - 1)
    if os.getpid() in _worked:
        # django-q2 then replaces this worker, by a fork that shares the memory of its guard again.
        Conf.MAX_RSS = 1


def worker_begins(sender, task, **kwargs):
    """Write a sign of life of the worker: django-q2 sends pre_execute from its process."""
    _sign("worker")
    if multiprocessing.parent_process() and task["func"] != "labels.tasks.heartbeat":
        _worked.add(os.getpid())


def monitor_ends(sender, task, **kwargs):
    """Write a sign of life of the monitor: django-q2 sends post_execute from its process."""
    if task["func"] == "labels.tasks.heartbeat":
        heartbeats.seen(task["args"][0], "monitor")
    else:
        _sign("monitor")


def _sign(role):
    # A command that carries tasks out in its own process is no cluster.
    if multiprocessing.parent_process() is None or time.monotonic() < _signs.get(role, 0):
        return
    _signs[role] = time.monotonic() + _SIGN_SECONDS
    try:
        heartbeats.seen(Conf.CLUSTER_NAME, role)
    except DatabaseError as error:
        # The task itself says what is wrong, and tries again.
        log.warning("a sign of life could not be written: %s", error)
