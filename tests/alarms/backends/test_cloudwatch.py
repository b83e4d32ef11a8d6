"""What only CloudWatch has: pages, throttles, kinds that are not ours, and a pace."""

from datetime import UTC, datetime, timedelta

import pytest

from alarms.backends import BackendError, backend_for
from alarms.backends.pacing import Pace
from alarms.models import Metric
from tests.alarms.cloudwatch_wire import Refusal
from tests.alarms.definitions import TOPIC, band, composite, query, static


@pytest.fixture
def backend(wire):
    return backend_for()


def test_every_page_of_every_list_is_read(wire, backend):
    for number in range(230):
        wire.PutMetricAlarm({**static(f"shop-{number:03}")})
        wire.PutCompositeAlarm(composite(f"shop-c{number:03}", rule="TRUE"))
    for number in range(120):
        wire.PutMetricAlarm(band(f"shop-b{number:03}", metric=f"orders{number}"))
    wire.PutMetricAlarm(
        band(
            "shop-math",
            Metrics=[
                query("a"),
                {"Id": "m1", "Expression": "a * 2", "ReturnData": True},
                {"Id": "ad1", "Expression": "ANOMALY_DETECTION_BAND(m1, 2)", "ReturnData": True},
            ],
        )
    )

    assert len(backend.alarms()[0]) == 230 + 230 + 120 + 1
    assert len(backend.detectors()) == 121
    assert wire.calls["DescribeAlarms"] == 6
    assert wire.calls["DescribeAnomalyDetectors"] == 2


def test_history_and_values_are_read_to_the_last_page(wire, backend):
    start = datetime(2026, 11, 1, tzinfo=UTC)
    for minute in range(250):
        data = {"oldState": {"stateValue": "OK"}, "newState": {"stateValue": "ALARM", "stateReason": "low"}}
        wire.note("shop-floor", data, start + timedelta(minutes=minute))
    wire.values["orders"] = [(start + timedelta(minutes=m), float(m)) for m in range(1200)]
    metric = Metric(namespace="Shop", name="orders", stat="Sum", dimensions={"Shop": "Berlin"})

    values = backend.statistics(metric, 60, start, start + timedelta(days=1))

    assert len(backend.transitions(start)) == 250
    assert [value for _, value in values] == list(range(1200))
    assert values[0][0] == start


def test_log_and_promql_alarms_are_named_as_not_ours(wire, backend):
    wire.log_alarms["shop-log"] = {"AlarmName": "shop-log"}
    wire.PutMetricAlarm({"AlarmName": "shop-prom", "EvaluationCriteria": {"PromQLCriteria": {"Query": "up"}}})

    assert backend.alarms()[1] == {"shop-log", "shop-prom"}


def test_a_throttle_is_waited_out(wire, backend):
    wire.refuse["PutMetricAlarm"] = [Refusal("Throttling"), Refusal("InternalServiceFault", status=500)]

    backend.put_alarm(static(AlarmActions=[TOPIC]), {})

    assert wire.calls["PutMetricAlarm"] == 3
    assert wire.alarms["shop-floor"]["AlarmActions"] == [TOPIC]


def test_a_throttle_without_end_is_an_error_with_its_code(wire, backend):
    wire.refuse["PutMetricAlarm"] = [Refusal("Throttling", "Rate exceeded") for _ in range(9)]

    with pytest.raises(BackendError, match=r"Rate exceeded \(Throttling\)"):
        backend.put_alarm(static(), {})

    assert wire.calls["PutMetricAlarm"] == 6


def test_a_refusal_is_not_repeated(wire, backend):
    wire.refuse["PutMetricAlarm"] = [Refusal("AccessDenied", "not you")]

    with pytest.raises(BackendError, match="not you"):
        backend.put_alarm(static(), {})

    assert wire.calls["PutMetricAlarm"] == 1


def test_an_endpoint_that_is_gone_is_an_error_too(aws_environment, settings):
    settings.ALARMS_BACKEND, settings.ALARMS_CALLS_PER_SECOND = "cloudwatch", 100_000
    aws_environment("http://127.0.0.1:9")

    with pytest.raises(BackendError, match="EndpointConnectionError"):
        backend_for().alarms()


def test_the_pace_is_kept_by_waiting_for_ones_turn():
    now, slept = [100.0], []

    def sleep(seconds):
        slept.append(round(seconds, 3))
        now[0] += seconds

    pace = Pace(3, clock=lambda: now[0], sleep=sleep)
    for _ in range(4):
        pace.wait()
    now[0] += 60
    pace.wait()

    assert slept == [0.333, 0.333, 0.333]
