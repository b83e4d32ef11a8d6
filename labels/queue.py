"""The only file that knows django-q2. It passes ids, after the commit.

The queue is a doorbell: what is to be done, how often it was tried and who holds it stands in our
rows. A lost bell is rung again by `labels.sweep`, a second one finds nothing to claim.
"""

import logging
from datetime import timedelta

from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django_q.brokers import get_broker
from django_q.models import Schedule
from django_q.tasks import async_task
from redis.exceptions import RedisError

from labels.models import Bundle, BundlePart, Photo, WorkerSeen

LABELS, BUNDLES = "labels", "bundles"
CLUSTERS = (LABELS, BUNDLES)
# Schedules run every minute and are looked at every 30 s.
STALE = timedelta(minutes=3)
# What the brokers raise when Redis or SQS cannot be reached or refuse.
AWAY = (RedisError, BotoCoreError, ClientError)

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


def heartbeat(cluster):
    """Write that a worker of the cluster is alive; the schedule runs it in that worker."""
    _seen(cluster, "worker")


def monitor_seen(sender, task, **kwargs):
    """Write that the cluster's monitor is alive: django-q2 sends post_execute from that process."""
    if task["func"] == "labels.queue.heartbeat":
        _seen(task["args"][0], "monitor")


def last_seen(cluster):
    """Return when the cluster was last wholly alive, or None when it never was.

    A wedged cluster keeps its processes; either its worker or its monitor stops moving.
    """
    seen = dict(WorkerSeen.objects.filter(cluster=cluster).values_list("role", "seen_at"))
    return min(seen["worker"], seen["monitor"]) if len(seen) == 2 else None


def is_alive(cluster, since=None):
    """Return whether the cluster gave a sign of life lately; `since` is when it was started.

    A worker that is busy with a long archive cannot run its heartbeat; the lease it renews speaks for it.
    """
    now = timezone.now()
    # A sign of life from the future is a clock that was set back since.
    moments = [moment for moment in (last_seen(cluster), since) if moment and moment < now + STALE]
    if moments and max(moments) > now - STALE:
        return True
    if cluster == BUNDLES and BundlePart.objects.filter(sum_lease_until__gt=now).exists():
        return True
    model = Bundle if cluster == BUNDLES else Photo
    return model.objects.filter(status=model.WORKING, lease_until__gt=now).exists()


def _ring(task, argument, cluster):
    options = {} if cluster == settings.Q_CLUSTER["name"] else {"cluster": cluster}
    transaction.on_commit(lambda: _send(task, argument, options))


def _send(task, argument, options):
    """Ring now; a queue that is away must not undo what was asked for, and the sweep rings again."""
    try:
        async_task(task, argument, q_options=options)
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


def _seen(cluster, role):
    WorkerSeen.objects.update_or_create(cluster=cluster, role=role, defaults={"seen_at": timezone.now()})
