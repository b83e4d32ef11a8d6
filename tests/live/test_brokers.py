"""The queue in Redis and in SQS, with real clusters: bells arrive, and lost ones are rung again."""

import socket
import subprocess

import boto3
import pytest
from moto.server import ThreadedMotoServer

from tests import factory, needs
from tests.live.processes import free_port, wait_for

pytestmark = pytest.mark.worker

_LABELLED = "SELECT count(*) FROM labels_photo WHERE status = 'labelled'"


@pytest.fixture
def redis_url(tmp_path):
    """Return the address of a Redis of the test's own, which keeps nothing."""
    redis = needs.program("redis-server", "nobody has seen the queue in Redis")
    port = free_port()
    settings = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)]
    server = subprocess.Popen([redis, *settings], stdout=subprocess.DEVNULL)
    wait_for(lambda: _listens(port), "Redis answers")
    yield f"redis://127.0.0.1:{port}/0"
    server.kill()
    server.wait()


@pytest.fixture
def sqs():
    """Return the variables of an account whose SQS has this application's queues."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    client = boto3.client(
        "sqs",
        region_name="eu-west-1",
        endpoint_url=url,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )
    for name in ("photomgr-labels", "photomgr-bundles"):
        client.create_queue(QueueName=name)
    yield {
        "QUEUE_URL": "sqs://eu-west-1",
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
    }
    server.stop()


def _listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _import(installation, tmp_path, count):
    folder = tmp_path / "camera"
    folder.mkdir()
    for number in range(count):
        (folder / f"{number}.jpg").write_bytes(factory.picture(size=(60 + number, 40)).read())
    assert installation.json("import_photos", str(folder), "--owner", "dan")["imported"] == count


def _labelled(installation, count):
    installation.wait_for(lambda: installation.value(_LABELLED) == count, f"{count} photos are labelled", 60)


def test_two_clusters_share_the_photos_of_one_sqs_queue(install, tmp_path, sqs):
    installation = install(LABELS_DETECTOR="fake", **sqs)
    _import(installation, tmp_path, 6)

    for _ in range(2):
        installation.start_cluster()

    _labelled(installation, 6)
    assert installation.value("SELECT count(*) FROM django_q_ormq") == 0
    assert installation.json("check_counts", codes=(0,))["differences"] == []


def test_bells_in_redis_are_answered(install, tmp_path, redis_url):
    installation = install(LABELS_DETECTOR="fake", QUEUE_URL=redis_url)
    _import(installation, tmp_path, 3)

    installation.start_cluster()

    _labelled(installation, 3)
    assert installation.value("SELECT count(*) FROM django_q_ormq") == 0


def test_photos_imported_while_redis_is_away_are_labelled_after_the_next_sweep(install, tmp_path, redis_url):
    installation = install(LABELS_DETECTOR="fake", QUEUE_URL=f"redis://127.0.0.1:{free_port()}/0")
    _import(installation, tmp_path, 3)
    installation.environment["QUEUE_URL"] = redis_url
    installation.start_cluster()

    swept = installation.json("sweep")

    assert swept["photos_rung"] == 3
    _labelled(installation, 3)
