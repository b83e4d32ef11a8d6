"""The real client against other people's CloudWatch: moto keeps alarms, ministack also notifies."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from alarms.apply.carry_out import apply
from alarms.backends import backend_for
from alarms.cloudwatch.definitions import differences
from alarms.models import Action, Alarm
from tests import needs
from tests.alarms import factory
from tests.alarms.definitions import band, percentile, static
from tests.commands.tools import run

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


@pytest.fixture
def cloudwatch(settings, aws_environment):
    settings.ALARMS_BACKEND, settings.ALARMS_CALLS_PER_SECOND = "cloudwatch", 1000
    return aws_environment


@pytest.fixture
def moto(cloudwatch):
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    url = f"http://127.0.0.1:{server._server.server_port}"
    # What it holds belongs to the process and outlives the server.
    urllib.request.urlopen(urllib.request.Request(f"{url}/moto-api/reset", method="POST"))  # noqa: S310 (an address of ours)
    cloudwatch(url)
    yield
    server.stop()


@pytest.fixture
def ministack(cloudwatch, tmp_path):
    program = Path(sys.prefix) / "ministack" / "bin" / "ministack"
    if not program.exists():
        needs.lacking("ministack is not installed; `make test` does it")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port)}
    process = subprocess.Popen(
        [program], env=environment, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    url = f"http://127.0.0.1:{port}"
    _wait_for(url, process)
    cloudwatch(url)
    yield url
    process.terminate()
    process.wait()


def _wait_for(url, process):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(f"{url}/_ministack/health", timeout=1)  # noqa: S310 (an address of ours)
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("ministack did not start")


def test_alarms_come_back_from_moto_as_they_were_put(moto):
    backend = backend_for()
    for definition in (static(), percentile(), band()):
        backend.put_alarm(definition, {"Owner": "dan"})

    alarms, _ = backend.alarms(tags=True)

    for definition in (static(), percentile(), band()):
        found = alarms[definition["AlarmName"]]
        assert differences(found.definition, definition) == ()
        assert found.tags == {"Owner": "dan"}


def test_static_alarms_are_planned_applied_changed_and_deleted_in_moto(moto):
    shop = factory.alarm_set()
    factory.static(shop, factory.metric(dimensions={"b": "2", "a": "1"}))
    backend_for().put_alarm(static("else-floor"), {})

    assert apply(shop).outcome == "done"
    assert run("alarms_plan", "--detailed-exitcode", "--tags")[0] == 0
    Alarm.objects.update(threshold=5)
    assert run("alarms_plan", "--detailed-exitcode")[0] == 2
    assert run("alarms_apply", "--yes")[0] == 0
    Alarm.objects.update(enabled=False)
    assert run("alarms_apply", "--yes")[0] == 0

    assert set(backend_for().alarms()[0]) == {"else-floor"}


def test_an_alarm_notifies_its_topic_in_ministack(ministack):
    sns, sqs = (boto3.client(name, endpoint_url=ministack) for name in ("sns", "sqs"))
    topic = sns.create_topic(Name="oncall")["TopicArn"]
    queue = sqs.create_queue(QueueName="pager")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    shop = factory.alarm_set()
    shop.default_actions.add(Action.objects.create(name="oncall", arn=topic))
    factory.static(shop, factory.metric())
    Alarm.objects.create(alarm_set=shop, name="shop-any", kind="composite", rule='ALARM("shop-floor")')
    assert run("alarms_apply", "--yes")[0] == 0

    run("alarms_set_state", "shop-floor", "ALARM", "--reason", "trying the pager")

    message = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"][0]
    notified = json.loads(json.loads(message["Body"])["Message"])
    assert (notified["AlarmName"], notified["NewStateValue"]) == ("shop-floor", "ALARM")
    _, history = run("alarms_history", "shop-floor")
    assert "ALARM" in {event["state"] for event in history["events"]}
    assert {"shop-floor", "shop-any"} <= set(backend_for().alarms()[0])
