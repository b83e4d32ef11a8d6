"""What can be enqueued: ids, after the commit.

The row is the truth, the queue a hint: what is to be done, how often it was tried and who leases it stands
in our rows. A lost task is enqueued again by the sweep; a second delivery finds nothing to claim.
"""

import logging
import multiprocessing
import time

from django.conf import settings
from django.db import DatabaseError, transaction
from django_q.brokers import get_broker
from django_q.conf import Conf

from labels.workers import heartbeats
from labels.workers.heartbeats import BUNDLES, CLUSTERS, LABELS
from photomgr.queue import enqueue, ensure_schedule, queue_errors

# A heartbeat is passed on until every machine took it, at most so often.
_HOPS = 20
# However many tasks a worker does in that time, it writes one sign of life.
_SIGN_SECONDS = 20
_signs = {}

log = logging.getLogger(__name__)


def label_photo(photo_id):
    _after_commit("labels.tasks.label_photo", photo_id, LABELS)


def take_direct_upload(upload_id):
    _after_commit("labels.tasks.take_direct_upload", upload_id, LABELS)


def build_bundle(bundle_id):
    _after_commit("labels.tasks.build_bundle", bundle_id, BUNDLES)


def join_build(bundle_id):
    """Ask other workers to join a build, of this machine and of others."""
    # This machine's cluster takes or prefetches up to so many; one more reaches another machine.
    for _ in range(2 * settings.BUNDLE_WORKERS + 1):
        _after_commit("labels.tasks.join_build", bundle_id, BUNDLES)


def add_sum(part_id):
    _after_commit("labels.tasks.add_sum", part_id, BUNDLES)


def deliver(delivery_id):
    _after_commit("labels.tasks.deliver", delivery_id, LABELS)


def run_rules(run_id):
    _after_commit("labels.tasks.run_rules", run_id, LABELS)


def apply_change(change_id):
    _after_commit("labels.tasks.apply_change", change_id, LABELS)


def waiting(cluster):
    """Return how many tasks of the cluster wait, or None when the queue is not reachable."""
    try:
        return get_broker(list_key=cluster).queue_size()
    except queue_errors() as error:
        log.warning("the length of the queue is not known: %s", error)
        return None


def ensure_schedules():
    """Make the minute-by-minute schedules: the sweep, and a heartbeat for each cluster."""
    ensure_schedule("sweep", "labels.tasks.sweep", LABELS)
    for cluster in CLUSTERS:
        ensure_schedule(f"heartbeat {cluster}", "labels.tasks.heartbeat", cluster, args=repr((cluster,)))


def ask_for_heartbeat(cluster):
    """Have a cluster that is starting write its first heartbeat now; its schedule runs after up to 90 s."""
    _after_commit("labels.tasks.heartbeat", cluster, cluster)


def heartbeat(cluster, hops=_HOPS):
    """Write that a worker of the cluster is alive; the schedule runs it in that worker.

    Machines share the queue, and any of them may have taken this task: it is enqueued again for the others.
    """
    heartbeats.seen(cluster, "worker")
    if hops and heartbeats.others_missing(cluster):
        enqueue("labels.tasks.heartbeat", cluster, cluster, hops - 1)


def worker_begins(sender, **kwargs):
    """Write a sign of life of the worker: django-q2 sends pre_execute from its process."""
    _sign("worker")


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


def _after_commit(task, argument, cluster):
    transaction.on_commit(lambda: enqueue(task, cluster, argument))
