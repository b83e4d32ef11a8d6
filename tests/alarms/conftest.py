import pytest

from photomgr import aws
from tests.alarms.cloudwatch_wire import CloudWatchWire


@pytest.fixture
def aws_environment(monkeypatch):
    """Return how a test points boto3 to an endpoint; clients of other endpoints are forgotten."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    aws._client.cache_clear()
    yield lambda url: monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    aws._client.cache_clear()


@pytest.fixture
def wire(settings, aws_environment):
    """CloudWatch at the wire, and the application set up to use it."""
    with CloudWatchWire() as wire:
        aws_environment(wire.url)
        settings.ALARMS_BACKEND = "cloudwatch"
        settings.ALARMS_CALLS_PER_SECOND = 100_000
        yield wire
