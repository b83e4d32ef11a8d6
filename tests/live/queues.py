"""A Redis and an SQS of a test's own, for the installations that enqueue tasks there."""

import contextlib
import socket
import subprocess

import boto3
from moto.server import ThreadedMotoServer
from redis import Redis

from tests import needs
from tests.live.processes import free_port, wait_for


class RedisServer:
    """Keeps nothing on a disk: what is in it when it dies is gone, as in a Redis without persistence."""

    def __init__(self, folder):
        self._program = needs.program("redis-server", "nobody has seen the queue in Redis")
        self._folder = folder
        self._port = free_port()
        self._client = Redis(port=self._port)
        self.url = f"redis://127.0.0.1:{self._port}/0"
        self.start()

    def start(self):
        settings = [
            "--port",
            str(self._port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--dir",
            str(self._folder),
        ]
        self._process = subprocess.Popen([self._program, *settings], stdout=subprocess.DEVNULL)
        wait_for(self._listens, "Redis answers")

    def kill(self):
        self._process.kill()
        self._process.wait()

    def waiting(self, cluster):
        """Return how many tasks no cluster has received yet."""
        return self._client.llen(f"django_q:{cluster}:q")

    def _listens(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self._port)) == 0


@contextlib.contextmanager
def sqs():
    """Yield the variables of an account whose SQS has this application's queues."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    account = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
    client = boto3.client(
        "sqs",
        region_name="eu-west-1",
        endpoint_url=f"http://{host}:{port}",
        aws_access_key_id=account["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=account["AWS_SECRET_ACCESS_KEY"],
    )
    for name in ("labels", "turns", "photos", "bundles"):
        client.create_queue(QueueName=f"photomgr-{name}")
    yield {"QUEUE_URL": "sqs://eu-west-1", "AWS_ENDPOINT_URL": f"http://{host}:{port}", **account}
    server.stop()
