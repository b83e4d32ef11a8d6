"""One contract, two backends: CloudWatch through the real client, and our own database."""

from datetime import UTC, datetime, timedelta

import pytest

from alarms.backends import BackendError, backend_for
from alarms.cloudwatch.definitions import detector_key, detector_of, differences
from alarms.models import Metric
from tests.alarms.definitions import band, composite, math, percentile, static

pytestmark = pytest.mark.django_db

ALL = [static(), percentile(), math(), band(), composite()]


@pytest.fixture(params=["cloudwatch", "local"])
def backend(request, settings):
    if request.param == "cloudwatch":
        request.getfixturevalue("wire")
    else:
        settings.ALARMS_BACKEND = "local"
    return backend_for("us-east-1")


@pytest.mark.parametrize("definition", ALL, ids=lambda d: d["AlarmName"])
def test_what_was_put_is_read_back_meaning_the_same(backend, definition):
    for needed in (static(), band()):
        backend.put_alarm(needed, {})
    backend.put_alarm(definition, {"Owner": "dan"})

    alarms, foreign = backend.alarms(tags=True)

    found = alarms[definition["AlarmName"]]
    assert differences(found.definition, definition) == ()
    assert (found.state, foreign) == ("INSUFFICIENT_DATA", frozenset())
    assert found.arn.endswith(f":alarm:{definition['AlarmName']}")


def test_tags_are_set_at_the_start_and_later_only_by_name(backend):
    backend.put_alarm(static(), {"Owner": "dan", "Team": "shop"})
    backend.put_alarm(static(Threshold=2.0), {"Owner": "eve"})
    assert backend.alarms(tags=True)[0]["shop-floor"].tags == {"Owner": "dan", "Team": "shop"}

    backend.retag_alarm("shop-floor", {"Owner": "eve"})

    assert backend.alarms(tags=True)[0]["shop-floor"].tags == {"Owner": "eve"}
    assert backend.alarms()[0]["shop-floor"].tags is None


def test_an_update_replaces_the_whole_definition_and_keeps_the_state(backend):
    backend.put_alarm(static(AlarmDescription="Nobody buys"), {})
    backend.set_state("shop-floor", "ALARM", "trying")

    backend.put_alarm(static(), {})

    found = backend.alarms()[0]["shop-floor"]
    assert "AlarmDescription" not in found.definition
    assert found.state == "ALARM"


def test_a_band_makes_its_detector_and_leaves_it_behind(backend):
    key = detector_key(detector_of(band()))
    backend.put_alarm(band(), {})
    assert set(backend.detectors()) == set(backend.detector_states()) == {key}

    backend.delete_alarm("shop-band")
    assert set(backend.detectors()) == {key}

    backend.delete_detector(detector_of(band()))
    assert backend.detectors() == {}


def test_settings_of_a_detector_are_replaced(backend):
    detector = detector_of(band())
    ranges = [{"StartTime": "2026-11-01T00:00:00+00:00", "EndTime": "2026-11-02T00:00:00+00:00"}]
    configuration = {"MetricTimezone": "Europe/Berlin", "ExcludedTimeRanges": ranges}
    backend.put_detector(
        {**detector, "Configuration": configuration, "MetricCharacteristics": {"PeriodicSpikes": True}}
    )
    (found,) = backend.detectors().values()
    assert found["Configuration"] == configuration
    assert found["MetricCharacteristics"] == {"PeriodicSpikes": True}

    backend.put_detector({**detector, "Configuration": {"MetricTimezone": "UTC"}})

    (found,) = backend.detectors().values()
    assert found["Configuration"] == {"MetricTimezone": "UTC"}


def test_what_is_gone_is_deleted_quietly(backend):
    backend.delete_alarm("shop-none")
    backend.delete_detector(detector_of(band()))
    backend.delete_mute("shop-none")


def test_a_name_holds_one_kind_of_alarm(backend):
    backend.put_alarm(static("shop-x"), {})

    with pytest.raises(BackendError):
        backend.put_alarm(composite("shop-x", rule="TRUE"), {})


def test_a_state_set_by_hand_stands_in_the_history(backend):
    before = datetime.now(UTC) - timedelta(minutes=1)
    for definition in (static(), static("shop-other")):
        backend.put_alarm(definition, {})
        backend.set_state(definition["AlarmName"], "ALARM", "trying the pager")

    (found,) = backend.transitions(before, "shop-floor")

    assert (found.alarm_name, found.old, found.new) == ("shop-floor", "INSUFFICIENT_DATA", "ALARM")
    assert len(backend.transitions(before)) == 2
    assert backend.transitions(datetime.now(UTC) + timedelta(minutes=1)) == []


def test_the_state_of_no_alarm_cannot_be_set(backend):
    with pytest.raises(BackendError, match="ResourceNotFound"):
        backend.set_state("shop-none", "ALARM", "trying")


def test_data_are_taken_a_thousand_at_a_time(backend):
    at = datetime(2026, 11, 21, 4, 30, tzinfo=UTC)
    data = [{"MetricName": "orders", "Timestamp": at, "Value": n, "Unit": "Count"} for n in range(1000)]

    backend.put_data("Shop", data)

    metric = Metric(namespace="Shop", name="orders", stat="Sum")
    if backend.name == "local":
        assert backend.statistics(metric, 60, at, at + timedelta(minutes=1)) == [(at, 499_500)]


def test_a_metric_nobody_publishes_has_no_values(backend):
    now = datetime.now(UTC)

    assert backend.statistics(Metric(namespace="Shop", name="nothing", stat="Sum"), 60, now, now) == []
