"""What a cluster's queues give first: what people wait for, then files and changes in turn with photos."""

import pytest
from django_q.models import OrmQ

from labels.workers import lanes, queue
from labels.workers.brokers.database import DatabaseBroker
from labels.workers.lanes import BUNDLES, LABELS, PHOTOS, TURNS


@pytest.mark.parametrize(
    ("cluster", "number", "order"),
    [
        (LABELS, 0, (LABELS, TURNS, PHOTOS)),
        (LABELS, 1, (LABELS, PHOTOS, TURNS)),
        (LABELS, 2, (LABELS, TURNS, PHOTOS)),
        (BUNDLES, 0, (BUNDLES,)),
        (BUNDLES, 7, (BUNDLES,)),
        # A queue that stands behind another cluster's own.
        (PHOTOS, 0, (PHOTOS,)),
    ],
)
def test_a_cluster_asks_its_own_queue_first_and_the_others_in_turn(cluster, number, order):
    assert lanes.in_order(cluster, number) == order


def test_every_task_goes_to_a_queue_that_a_cluster_takes_from():
    taken_from = {name for names in lanes.queues().values() for name in names}

    assert set(queue.QUEUE_OF.values()) <= taken_from
    assert queue.QUEUE_OF["deliver"] == LABELS
    assert queue.QUEUE_OF["label_next_photo"] == PHOTOS


@pytest.mark.django_db
def test_a_mail_passes_all_photos_and_a_change_every_other(monkeypatch):
    monkeypatch.setattr(DatabaseBroker, "_looks", iter(range(100)))
    broker = DatabaseBroker(LABELS)
    for name, count in ((PHOTOS, 4), (TURNS, 2), (LABELS, 2)):
        for number in range(count):
            DatabaseBroker(name).enqueue(f"{name} {number}")

    given = []
    while OrmQ.objects.exists():
        [(task_id, payload)] = broker.dequeue()
        broker.acknowledge(task_id)
        given.append(payload)

    assert given[:2] == ["labels 0", "labels 1"]
    assert given[2:] == ["turns 0", "photos 0", "turns 1", "photos 1", "photos 2", "photos 3"]


@pytest.mark.django_db
def test_what_waits_for_a_cluster_stands_in_all_its_queues():
    for name in (PHOTOS, PHOTOS, TURNS, LABELS, BUNDLES):
        DatabaseBroker(name).enqueue("a task")

    assert {cluster: queue.waiting_for(cluster) for cluster in lanes.CLUSTERS} == {LABELS: 4, BUNDLES: 1}
