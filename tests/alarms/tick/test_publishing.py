"""The application's own metrics: one call a minute, and nothing lost when CloudWatch is away."""

from datetime import UTC, datetime, timedelta

import pytest

from alarms.models import Datapoint, MetricOutbox
from alarms.tick.publishing import publish
from labels.models import Bundle, Photo, RegionQuota, Spending
from tests import factory
from tests.alarms.cloudwatch_wire import Refusal

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def minute(number, seconds=0):
    return NOON + timedelta(minutes=number, seconds=seconds)


def sent(wire, name):
    return [
        (datum["Timestamp"], value)
        for _, datum in wire.data
        if datum["MetricName"] == name
        for value in datum["Values"]
    ]


def values(wire, name):
    return [value for _, value in sent(wire, name)]


def uploads(eve, count, at):
    photos = factory.many_photos(eve, count)
    Photo.objects.filter(pk__in=[photo.pk for photo in photos]).update(uploaded_at=at, labelled_at=at)
    return photos


def test_a_minute_is_measured_when_it_is_over_and_sent_with_one_call(wire, eve):
    uploads(eve, 3, minute(0, 59))

    assert publish(minute(1, 5)) == (1, 7)
    assert publish(minute(1, 40)) == (0, 0)

    assert wire.calls["PutMetricData"] == 1
    assert {namespace for namespace, _ in wire.data} == {"photomgr"}
    assert sent(wire, "PhotosUploaded") == [(NOON.timestamp(), 3)]
    assert values(wire, "PhotosLabelled") == [3]


def test_by_the_clock_of_this_machine_a_minute_is_sent_as_soon_as_it_is_measured(wire, eve):
    assert publish() == (1, 7)


def test_nothing_is_lost_and_nothing_sent_twice_when_cloudwatch_is_away(wire, eve):
    for number in range(5):
        Photo.objects.all().delete()
        uploads(eve, number, minute(number, 30))
        wire.refuse["PutMetricData"] = [Refusal("AccessDenied")] if number < 4 else []
        publish(minute(number + 1))

    assert values(wire, "PhotosUploaded") == [0, 1, 2, 3, 4]
    # Four that were refused, and one for all five minutes.
    assert wire.calls["PutMetricData"] == 5
    assert MetricOutbox.objects.count() == 1


def test_minutes_without_a_worker_are_measured_afterwards(wire, eve):
    publish(minute(1))
    uploads(eve, 2, minute(2, 10))

    publish(minute(5))

    assert values(wire, "PhotosUploaded") == [0, 0, 2, 0, 0]


def test_of_a_counter_the_growth_is_published(wire, settings):
    settings.REKOGNITION_REGIONS = {"eu-west-1": 5}
    region = RegionQuota.objects.get(region="eu-west-1", operation="DetectLabels")
    spending = Spending.objects.create(day=NOON.date(), micros=5_000_000)
    for number, (throttles, micros) in enumerate([(100, 5_000_000), (130, 5_250_000), (10, 5_250_000)]):
        RegionQuota.objects.filter(pk=region.pk).update(throttles=throttles)
        Spending.objects.filter(pk=spending.pk).update(micros=micros)
        publish(minute(number + 1))

    assert values(wire, "Throttles") == [0, 30, 10]
    assert values(wire, "Spend") == [0, 0.25, 0]
    assert {str(d["Dimensions"]) for _, d in wire.data if d["MetricName"] == "Throttles"} == {
        "[{'Name': 'Region', 'Value': 'eu-west-1'}]"
    }


def test_how_things_stand_is_measured(wire, eve):
    photos = uploads(eve, 3, minute(-10))
    Photo.objects.filter(pk=photos[0].pk).update(status=Photo.Status.FAILED)
    Photo.objects.filter(pk=photos[1].pk).update(status=Photo.Status.PENDING)
    for number, status in enumerate([Bundle.Status.READY, Bundle.Status.FAILED]):
        bundle = Bundle.objects.create(
            owner=eve,
            selection={},
            selection_key=str(number),
            part_bytes=1,
            content_sha256="",
            photo_count=1,
            planned_bytes=1,
            status=status,
            finished_at=minute(0, 50),
        )
        Bundle.objects.filter(pk=bundle.pk).update(created_at=minute(0, 20))

    publish(minute(1))

    assert values(wire, "PhotosFailed") == [1]
    assert values(wire, "QueueAge") == [660]
    assert values(wire, "BundlesFailed") == [1]
    assert values(wire, "BundleSeconds") == [30]


def test_what_is_too_old_for_cloudwatch_is_given_up(wire):
    MetricOutbox.objects.create(
        at=minute(0) - timedelta(days=15), data=[{"MetricName": "Old", "Values": [1]}]
    )
    # Nothing to catch up with but a minute.
    MetricOutbox.objects.create(at=minute(0) - timedelta(minutes=2), data=[])

    publish(minute(0))

    assert values(wire, "Old") == []
    assert not MetricOutbox.objects.filter(at__lt=minute(0) - timedelta(days=14)).exists()


def test_the_local_backend_keeps_them(settings, eve):
    settings.ALARMS_BACKEND = "local"
    uploads(eve, 3, minute(0))

    publish(minute(1))

    point = Datapoint.objects.get(series__name="PhotosUploaded")
    assert (point.at, point.sum) == (NOON, 3)
