"""Signs of life: of each machine by itself, so that a dead one does not hide behind a living one."""

import os
from datetime import timedelta

import pytest
from django.utils import timezone
from django_q.signals import pre_enqueue

from labels import tasks
from labels.maintenance import sweep
from labels.models import Heartbeat, Photo
from labels.workers import heartbeats, queue
from labels.workers.lanes import BUNDLES, LABELS, PHOTOS
from tests import factory

pytestmark = pytest.mark.django_db


class _Enqueued(list):
    act = staticmethod(lambda: None)


@pytest.fixture
def enqueued():
    """Return the (task, arguments, cluster) of what the queue is asked to do; `act` is called with each."""
    found = _Enqueued()

    def add(sender, task, **kwargs):
        found.append((task["func"], task["args"], task["cluster"]))
        found.act()

    pre_enqueue.connect(add)
    yield found
    pre_enqueue.disconnect(add)


def _hosts():
    return sorted(Heartbeat.objects.filter(cluster=LABELS).values_list("host", flat=True))


def _answers(row):
    Heartbeat.objects.filter(pk=row.pk).update(worker_at=timezone.now(), monitor_at=timezone.now())


@pytest.mark.parametrize(
    ("signs", "alive"),
    [
        pytest.param({}, True, id="both moved"),
        pytest.param({"worker": 10}, False, id="worker wedged"),
        pytest.param({"monitor": 10}, False, id="monitor wedged"),
        pytest.param({"monitor": None}, False, id="no monitor yet"),
        pytest.param({"worker": None, "monitor": None, "started": 0}, False, id="only started"),
        pytest.param({"worker": -10, "monitor": -10}, False, id="a clock that was set back"),
    ],
)
def test_a_cluster_is_alive_while_worker_and_monitor_move(signs, alive):
    factory.worker_seen(LABELS, **signs)

    assert heartbeats.is_alive(LABELS) == alive
    assert not heartbeats.is_alive(BUNDLES)


def test_a_cluster_nobody_has_seen_is_not_alive():
    assert not heartbeats.is_alive(LABELS)
    assert heartbeats.machines() == {LABELS: [], BUNDLES: []}


def test_a_dead_machine_is_seen_beside_a_living_one():
    factory.worker_seen(LABELS, "one")
    factory.worker_seen(LABELS, "two", worker=10)
    factory.worker_seen(LABELS, "three", worker=None, monitor=None, started=1)

    found = {one.host: (one.is_alive, one.is_starting) for one in heartbeats.machines()[LABELS]}

    assert found == {"one": (True, False), "two": (False, False), "three": (False, True)}
    assert heartbeats.is_alive(LABELS)


def test_a_cluster_that_was_started_anew_stands_for_its_machine():
    factory.worker_seen(LABELS, "one", pid=1, worker=10, monitor=10)
    factory.worker_seen(LABELS, "one", pid=2)

    [one] = heartbeats.machines()[LABELS]

    assert one.is_alive


def test_a_machine_that_holds_work_is_alive_without_a_sign(dan):
    factory.worker_seen(LABELS, "one", worker=10)
    factory.worker_seen(LABELS, "two", worker=10)
    Photo.objects.claim(factory.photo(dan).pk, "two:17:0a1b")

    assert {one.host: one.is_alive for one in heartbeats.machines()[LABELS]} == {"one": False, "two": True}
    assert not heartbeats.is_alive(BUNDLES)
    Photo.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert not heartbeats.is_alive(LABELS)


def test_a_machine_that_helps_with_a_build_is_alive_without_a_sign(dan):
    factory.photo(dan)
    bundle = factory.held_bundle(dan, lease_owner="one:17:0a1b")
    factory.worker_seen(BUNDLES, "one", worker=10)

    assert bundle.lease_owner == "one:17:0a1b"
    assert [one.is_alive for one in heartbeats.machines()[BUNDLES]] == [True]


def test_a_started_cluster_is_expected_until_it_is_forgotten():
    factory.worker_seen(LABELS, pid=7, worker=10)

    heartbeats.expect(LABELS, 7)

    row = Heartbeat.objects.get()
    assert (row.seen_at, row.worker_at) == (None, None)
    assert [one.is_starting for one in heartbeats.machines()[LABELS]] == [True]
    heartbeats.forget(LABELS, 7)
    assert not Heartbeat.objects.exists()


@pytest.mark.parametrize(
    ("rows", "left"),
    [
        pytest.param([("one", 1, 90), ("two", 2, 0)], ["two"], id="taken away"),
        pytest.param([("one", 1, 50), ("two", 2, 0)], ["one", "two"], id="silent for less than an hour"),
        pytest.param([("one", 1, 5), ("one", 2, 0)], ["one"], id="started anew"),
        pytest.param([("one", 1, 90), ("two", 2, 80)], ["two"], id="the last one of a cluster is missed"),
        pytest.param([("one", 1, 2), ("one", 2, 0)], ["one", "one"], id="two of one machine"),
    ],
)
def test_the_sweep_forgets_machines_that_are_gone(rows, left):
    for host, pid, ago in rows:
        factory.worker_seen(LABELS, host, pid, worker=ago, monitor=ago, started=1000)

    assert sweep.sweep()["workers_forgotten"] == len(rows) - len(left)
    assert _hosts() == left


def test_a_heartbeat_is_written_by_worker_and_monitor(commits):
    with commits():
        queue.welcome(BUNDLES)

    row = Heartbeat.objects.get()
    assert (row.cluster, row.host, row.pid) == (BUNDLES, heartbeats.host(), os.getpgrp())
    assert heartbeats.is_alive(BUNDLES)
    assert row.monitor_at >= row.worker_at


@pytest.mark.parametrize(
    ("signs", "count"),
    [
        pytest.param({"worker": 0, "monitor": 0}, 0, id="heard just now"),
        pytest.param({"worker": 1, "monitor": 1}, 3, id="not heard in this round"),
        pytest.param({"worker": None, "monitor": None, "started": 0}, 3, id="only started"),
        pytest.param({"worker": 10, "monitor": 10}, 0, id="silent for long"),
        pytest.param({"worker": None, "monitor": None, "started": 10}, 0, id="never began"),
    ],
)
def test_a_heartbeat_goes_on_to_machines_that_it_has_not_reached(enqueued, signs, count):
    factory.worker_seen(LABELS, "elsewhere", **signs)

    queue.heartbeat(LABELS, hops=3)

    assert enqueued == [("labels.tasks.heartbeat", (LABELS, hops), LABELS) for hops in (2, 1, 0)][:count]


def test_a_heartbeat_ends_when_every_machine_was_reached(enqueued):
    row = factory.worker_seen(LABELS, "elsewhere", worker=1)
    enqueued.act = lambda: len(enqueued) == 2 and _answers(row)

    queue.heartbeat(LABELS)

    assert len(enqueued) == 2


def test_every_task_for_a_row_exists():
    assert all(callable(getattr(tasks, name)) for name in queue.QUEUE_OF)


def test_a_task_goes_to_its_cluster_whoever_enqueues_it(enqueued, dan, commits):
    """Left to django-q2, a mail about a download would wait behind the archives of others."""
    with commits():
        queue.enqueue_after_commit("deliver", 0)
        queue.enqueue_after_commit("label_next_photo", 0)
        queue.enqueue_after_commit("build_bundle", 0)

    assert [cluster for _, _, cluster in enqueued] == [LABELS, PHOTOS, BUNDLES]
