"""The queue in Redis and in SQS, with real clusters: tasks arrive, and lost ones are enqueued again."""

import os
import signal

import pytest

from tests.factory import RED
from tests.live import queues
from tests.live.processes import free_port, signal_group
from tests.live.workers import LABELLED, busy_worker, fill, sweep_until
from tests.matrix import first_in_gate

pytestmark = [pytest.mark.worker, pytest.mark.any_database]

_READY = "SELECT count(*) FROM labels_bundle WHERE status = 'ready'"
_SENT = "SELECT count(*) FROM labels_delivery WHERE status = 'sent'"
_SUMMED = "SELECT count(*) FROM labels_bundlepart WHERE sha256 != ''"
_ASK = """
from django.contrib.auth import get_user_model
from labels.bundles.request import request_bundle
from labels.selection.predicate import Selection
request_bundle(get_user_model().objects.get(), Selection(everything=True))
"""


@pytest.fixture
def redis(tmp_path):
    server = queues.RedisServer(tmp_path)
    yield server
    server.kill()


@pytest.fixture
def sqs():
    with queues.sqs() as variables:
        yield variables


@pytest.fixture(params=["Redis", "SQS"])
def queue(request):
    """Return the variables of each queue in turn."""
    if request.param == "SQS":
        return request.getfixturevalue("sqs")
    return {"QUEUE_URL": request.getfixturevalue("redis").url}


def _pictures(count):
    return [(RED, (60 + number, 40)) for number in range(count)]


def _labelled(installation, count):
    installation.wait_for(lambda: installation.value(LABELLED) == count, f"{count} photos are labelled", 60)


def _assert_counted_once(installation, count):
    assert installation.value("SELECT count FROM labels_labelcount ORDER BY count DESC") == count
    assert installation.json("check_counts", codes=(0,))["differences"] == []
    assert installation.value("SELECT count(*) FROM labels_detectionrun") == count
    # Nothing went by the database's own queue.
    assert installation.value("SELECT count(*) FROM django_q_ormq") == 0


def test_two_clusters_share_the_photos_of_one_queue(install, tmp_path, queue):
    installation = install(LABELS_DETECTOR="fake", **queue)
    fill(installation, tmp_path, *_pictures(6))

    for _ in range(2):
        installation.start_cluster()

    _labelled(installation, 6)
    _assert_counted_once(installation, 6)


def test_photos_imported_while_redis_is_away_are_labelled_after_the_next_sweep(install, tmp_path, redis):
    installation = install(LABELS_DETECTOR="fake", QUEUE_URL=f"redis://127.0.0.1:{free_port()}/0")
    fill(installation, tmp_path, *_pictures(3))
    installation.environment["QUEUE_URL"] = redis.url
    installation.start_cluster()

    swept = installation.json("sweep")

    assert swept["photos_enqueued"] == 3
    _labelled(installation, 3)


def test_redis_is_killed_with_bells_in_it_and_everything_is_done_all_the_same(install, gate, tmp_path, redis):
    installation = install(
        LABELS_DETECTOR="fake", FAKE_DETECTOR_GATE=str(gate), QUEUE_URL=redis.url, QUEUE_WORKERS="1"
    )
    fill(installation, tmp_path, *_pictures(6))
    installation.manage("shell", "-c", _ASK)
    installation.start_cluster()
    busy_worker(installation, gate)
    # One photo is in the worker's hands, one waits in its memory, one is on its way there.
    installation.wait_for(lambda: redis.waiting("photos") == 3, "the cluster holds three tasks")
    assert redis.waiting("bundles") == 1

    redis.kill()
    redis.start()
    assert redis.waiting("photos") == redis.waiting("bundles") == 0
    (gate / "open").touch()
    installation.start_cluster("bundles")

    sweep_until(installation, lambda: installation.value(LABELLED) == 6, "all photos were labelled")
    sweep_until(installation, lambda: installation.value(_READY) == 1, "the download was built")
    sweep_until(installation, lambda: installation.value(_SENT) == 1, "the mail was sent")
    sweep_until(installation, lambda: installation.value(_SUMMED) == 1, "the sum is known")
    _assert_counted_once(installation, 6)
    assert len(list((installation.folder / "mail").glob("*.eml"))) == 1


@pytest.mark.parametrize("killed", first_in_gate("whole group", "busy worker"))
def test_a_worker_is_killed_and_the_sweep_brings_back_what_it_had_taken_out(
    install, gate, tmp_path, queue, killed
):
    installation = install(
        LABELS_DETECTOR="fake",
        FAKE_DETECTOR_GATE=str(gate),
        CLAIM_LEASE_SECONDS="2",
        QUEUE_WORKERS="1",
        **queue,
    )
    fill(installation, tmp_path, *_pictures(3))
    cluster = installation.start_cluster()
    pid = busy_worker(installation, gate)

    if killed == "busy worker":
        os.kill(pid, signal.SIGKILL)
    else:
        signal_group(cluster.pid, signal.SIGKILL)
        cluster.wait()
    (gate / "open").touch()
    if killed == "whole group":
        installation.start_cluster()

    sweep_until(installation, lambda: installation.value(LABELLED) == 3, "all photos were labelled")
    _assert_counted_once(installation, 3)
