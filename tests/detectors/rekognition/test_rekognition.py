"""Photos labelled by Rekognition: the real client against a fake at the wire."""

import base64
import io
import logging

import pytest
from django.db import connection
from django.utils import timezone
from PIL import Image

from labels import tasks
from labels.detectors.rekognition.regions import permits, throttling
from labels.labelling import attempts
from labels.models import DetectionRun, Photo, RegionQuota, Residency, Spending
from photomgr import aws
from tests import factory
from tests.detectors.rekognition.conftest import EAST, WEST

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

AWAY = ["unavailable", "internal", "bad gateway", "garbage", "cut short", "empty", "no labels", "reset"]
AWAY += ["labels of none", "no list", "another shape", "not UTF-8"]
SILENT = ["hang", "stall"]
REFUSALS = ["denied", "bad token", "expired"]


def _label(photo):
    Photo.objects.filter(pk=photo.pk).update(next_attempt_at=timezone.now())
    tasks.label_photo(photo.pk)
    photo.refresh_from_db()
    return photo


def _photo(dan, number=0, **options):
    return factory.photo(dan, size=(100 + number, 90), **options)


def _row(region, operation="DetectLabels"):
    return RegionQuota.objects.get(region=region, operation=operation)


def _sent(request):
    return Image.open(io.BytesIO(base64.b64decode(request["Image"]["Bytes"])))


def test_a_photo_is_labelled_by_its_rendition_and_the_response_kept_with_its_region(dan, rekognition):
    photo = _label(factory.photo(dan, size=(2000, 1000)))

    assert photo.status == Photo.Status.LABELLED
    assert factory.counts(dan) == {"Nature": 1, "Sky": 1, "Cloud": 1}
    [(region, operation, request)] = rekognition.calls
    assert (region, operation) == (EAST, "DetectLabels")
    assert set(request) == {"Image", "MinConfidence"}
    assert (set(request["Image"]), request["MinConfidence"]) == ({"Bytes"}, 40)
    assert _sent(request).size == (1280, 640)
    run = DetectionRun.objects.get()
    assert (run.detector, run.version, run.params) == ("rekognition", "3.0", {"MinConfidence": 40.0})
    assert [label["Name"] for label in run.answer["Labels"]] == ["Nature", "Sky", "Cloud", "Weather"]
    assert run.answer["ResponseMetadata"]["Region"] == EAST


def test_the_same_content_is_paid_for_once_whoever_owns_it(dan, eve, rekognition):
    _label(_photo(dan))
    again = _label(_photo(eve))
    attempts.label_again(Photo.objects.all())
    _label(again)

    assert len(rekognition.calls) == 1
    assert factory.counts(eve) == {"Nature": 1, "Sky": 1, "Cloud": 1}


@pytest.mark.django_db(transaction=True)
def test_the_response_about_a_photo_that_is_deleted_meanwhile_is_kept_for_its_content(dan, rekognition):
    def delete():
        # In the thread of the fake service, which has a connection of its own.
        Photo.objects.get().delete()
        connection.close()

    rekognition.script(EAST, delete)

    # Labelled at once: here the queue answers after each commit.
    _photo(dan)
    assert not Photo.objects.exists()
    again = _photo(dan)

    again.refresh_from_db()
    assert again.status == Photo.Status.LABELLED
    assert len(rekognition.calls) == 1
    assert DetectionRun.objects.get().photo is None


@pytest.mark.parametrize("size", [(64, 48), (400, 30), (79, 80)], ids=str)
def test_a_side_below_80_px_gets_margins(dan, rekognition, size):
    assert _label(factory.photo(dan, size=size)).status == Photo.Status.LABELLED
    assert min(_sent(rekognition.calls[0][2]).size) == 80


@pytest.mark.parametrize("outcome", ["throttle", "slow down"])
def test_a_throttled_photo_goes_to_the_next_region_and_the_first_one_slows_down(dan, rekognition, outcome):
    rekognition.script(EAST, outcome)

    photo = _label(_photo(dan))

    assert photo.status == Photo.Status.LABELLED
    assert rekognition.regions_called() == [EAST, WEST]
    assert (_row(EAST).throttles, _row(WEST).throttles) == (1, 0)
    assert _row(EAST).factor == pytest.approx(throttling.DECREASE)


@pytest.mark.parametrize("outcome", AWAY)
def test_a_region_that_is_away_costs_the_photo_nothing(dan, rekognition, outcome):
    rekognition.script(EAST, outcome)

    photo = _label(_photo(dan))

    assert photo.status == Photo.Status.LABELLED
    assert rekognition.regions_called() == [EAST, WEST]
    assert (_row(EAST).failures, _row(EAST).throttles) == (1, 0)
    assert _row(EAST).last_error


@pytest.mark.parametrize("outcome", SILENT)
def test_a_region_that_hangs_is_left_after_the_time_that_is_set(dan, rekognition, settings, outcome):
    settings.REKOGNITION_TIMEOUT = 0.3
    rekognition.script(EAST, outcome)

    photo = _label(_photo(dan))

    assert photo.status == Photo.Status.LABELLED
    assert rekognition.regions_called() == [EAST, WEST]
    assert _row(EAST).failures == 1
    assert "ReadTimeoutError" in _row(EAST).last_error
    # Nobody knows whether Amazon did the work: both calls count.
    held = sum(len(lease.permits) for lease in permits.leases.values())
    assert Spending.objects.get().calls - held == 2


@pytest.mark.parametrize("outcome", SILENT)
def test_a_photo_waits_when_every_region_hangs(dan, rekognition, settings, outcome):
    settings.REKOGNITION_TIMEOUT = 0.2
    for region in (EAST, WEST):
        rekognition.regions[region].always = outcome

    photo = _label(_photo(dan))

    assert (photo.status, photo.attempts, photo.failure_code) == (Photo.Status.PENDING, 0, "regions_busy")
    assert len(rekognition.calls) == 2


def test_a_slow_response_is_a_response(dan, rekognition, settings):
    settings.REKOGNITION_TIMEOUT = 10
    rekognition.regions[EAST].latency = 0.3

    photo = _label(_photo(dan))

    assert photo.status == Photo.Status.LABELLED
    assert rekognition.regions_called() == [EAST]
    assert (_row(EAST).failures, _row(EAST).last_error) == (0, "")
    assert DetectionRun.objects.get().latency_ms >= 300


def test_a_region_that_nobody_listens_in_is_away(dan, rekognition, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_REKOGNITION", "http://127.0.0.1:9")
    aws._client.cache_clear()

    photo = _label(_photo(dan))

    assert (photo.status, photo.attempts, photo.failure_code) == (Photo.Status.PENDING, 0, "regions_busy")
    assert "EndpointConnectionError" in _row(EAST).last_error
    # What never arrived is not billed.
    held = sum(len(lease.permits) for lease in permits.leases.values())
    assert Spending.objects.get().calls == held


def test_labels_that_are_malformed_are_left_out_and_the_response_is_kept(dan, rekognition):
    rekognition.script(EAST, "odd labels")

    photo = _label(_photo(dan))

    assert photo.status == Photo.Status.LABELLED
    assert factory.counts(dan) == {"Nature": 1, "Sky": 1}
    assert len(DetectionRun.objects.get().answer["Labels"]) == 6


@pytest.mark.parametrize("outcome", REFUSALS)
def test_a_region_that_refuses_us_rests_and_the_log_says_so_once(dan, rekognition, caplog, outcome):
    rekognition.regions[EAST].always = outcome

    with caplog.at_level(logging.ERROR):
        for number in range(3):
            assert _label(_photo(dan, number)).status == Photo.Status.LABELLED
            # As if its minute were over: it is probed again.
            RegionQuota.objects.update(open_until=0)

    assert rekognition.regions_called() == [EAST, WEST] * 3
    assert _row(EAST).refused
    assert [record.getMessage()[:50] for record in caplog.records] == [
        "Amazon Rekognition refuses DetectLabels in us-east"
    ]


def test_a_region_that_lets_us_in_again_is_no_longer_refused(dan, rekognition):
    rekognition.script(EAST, "denied")
    _label(_photo(dan))
    RegionQuota.objects.update(open_until=0)

    _label(_photo(dan, 1))

    assert rekognition.regions_called() == [EAST, WEST, EAST]
    assert (_row(EAST).refused, _row(EAST).failures) == ("", 0)


def test_a_region_that_few_photos_need_is_not_called_refused_for_ever(dan, rekognition):
    rekognition.script(EAST, "denied")
    rekognition.script(WEST, "denied")
    _label(_photo(dan))
    RegionQuota.objects.update(open_until=0)

    for number in (1, 2):
        _label(_photo(dan, number))

    assert sorted(rekognition.regions_called()[2:]) == [EAST, WEST]
    assert [_row(EAST).refused, _row(WEST).refused] == ["", ""]


@pytest.mark.parametrize("outcome", ["throttle", *AWAY, *REFUSALS])
def test_a_photo_waits_as_long_as_every_region_fails_and_never_fails_itself(dan, rekognition, outcome):
    for region in (EAST, WEST):
        rekognition.regions[region].always = outcome
    photo = _photo(dan)

    for _ in range(8):
        RegionQuota.objects.update(open_until=0)
        _label(photo)

    assert (photo.status, photo.attempts) == (Photo.Status.PENDING, 0)
    assert photo.failure_code in ("regions_busy", "regions_refused")
    assert "Amazon Rekognition" in photo.failure_reason
    assert photo.next_attempt_at > timezone.now()
    assert not DetectionRun.objects.exists()


def test_without_credentials_photos_wait(dan, rekognition, monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

    photo = _label(_photo(dan))

    assert (photo.status, photo.attempts, photo.failure_code) == (
        Photo.Status.PENDING,
        0,
        "regions_refused",
    )
    assert "NoCredentialsError" in _row(EAST).refused
    assert rekognition.calls == []


@pytest.mark.parametrize("outcome", ["bad format", "too large"])
def test_bytes_that_amazon_cannot_read_are_made_anew_once(dan, rekognition, outcome):
    rekognition.script(EAST, outcome)

    photo = _label(factory.photo(dan, size=(2000, 1000)))

    assert photo.status == Photo.Status.LABELLED
    first, second = (_sent(request) for _, _, request in rekognition.calls)
    assert (first.size, second.size) == ((1280, 640), (1024, 512))


@pytest.mark.parametrize(
    ("outcome", "calls", "code"),
    [
        ("bad format", 2, "InvalidImageFormatException"),
        ("too large", 2, "ImageTooLargeException"),
        ("bad parameter", 1, "InvalidParameterException"),
    ],
)
def test_a_photo_that_amazon_never_takes_failed_with_the_reason(dan, rekognition, outcome, calls, code):
    rekognition.regions[EAST].always = rekognition.regions[WEST].always = outcome

    photo = _label(_photo(dan))

    assert (photo.status, photo.failure_code) == (Photo.Status.FAILED, code)
    assert photo.failure_reason.startswith("Amazon Rekognition")
    assert len(rekognition.calls) == calls
    assert (_row(EAST).failures, _row(EAST).refused) == (0, "")


def test_three_failures_open_the_breaker_and_a_probe_closes_it(dan, rekognition):
    rekognition.script(EAST, "internal", "internal", "internal")
    for number in range(3):
        _label(_photo(dan, number))
    RegionQuota.objects.filter(region=EAST).update(open_until=permits.database_now() + 1000)
    before = len(rekognition.calls)

    _label(_photo(dan, 3))
    assert rekognition.regions_called()[before:] == [WEST]

    RegionQuota.objects.filter(region=EAST).update(open_until=0)
    permits.leases.clear()
    _label(_photo(dan, 4))
    assert rekognition.regions_called()[before:] == [WEST, EAST]
    assert (_row(EAST).failures, _row(EAST).last_error) == (0, "")


def test_no_call_is_made_while_all_rest(dan, rekognition):
    RegionQuota.objects.update(failures=3, open_until=permits.database_now() + 1000)

    photo = _label(_photo(dan))

    assert (photo.status, photo.attempts, photo.failure_code) == (Photo.Status.PENDING, 0, "regions_busy")
    assert rekognition.calls == []


def test_a_region_that_is_switched_off_is_not_called(dan, rekognition):
    RegionQuota.objects.filter(region=EAST).update(enabled=False)

    _label(_photo(dan))

    assert rekognition.regions_called() == [WEST]


def test_photos_go_only_where_their_owner_allows(dan, eve, rekognition, settings):
    settings.REKOGNITION_REGIONS = {EAST: 10_000.0, "eu-west-1": 10.0}
    Residency.objects.create(owner=eve, group="eu")

    _label(_photo(eve))
    _label(_photo(dan, 1))

    assert rekognition.regions_called() == ["eu-west-1", EAST]


def test_where_no_region_is_allowed_the_photo_waits_and_says_why(dan, rekognition, settings):
    settings.REKOGNITION_RESIDENCY = "ap"

    photo = _label(_photo(dan))

    assert (photo.status, photo.attempts, photo.failure_code) == (Photo.Status.PENDING, 0, "no_region")
    assert photo.failure_reason.startswith("No Region in the group 'ap' may be called")
    assert rekognition.calls == []


def test_further_operations_have_their_own_permits_and_are_kept_as_well(dan, rekognition, settings):
    settings.REKOGNITION_ALSO = ["DetectModerationLabels", "DetectText", "RecognizeCelebrities"]
    photo = _label(_photo(dan))
    attempts.label_again(Photo.objects.all())

    _label(photo)

    assert [operation for _, operation, _ in rekognition.calls] == [
        "DetectLabels",
        *settings.REKOGNITION_ALSO,
    ]
    assert set(DetectionRun.objects.values_list("detector", "version")) == {
        ("rekognition", "3.0"),
        ("rekognition moderation", "7.0"),
        ("rekognition text", "3.0"),
        ("rekognition celebrities", ""),
    }
    granted = RegionQuota.objects.filter(granted_at__gt=0).values_list("region", "operation")
    assert set(granted) == {(EAST, operation) for _, operation, _ in rekognition.calls}
    assert factory.counts(dan) == {"Nature": 1, "Sky": 1, "Cloud": 1}


def test_a_further_operation_that_must_wait_does_not_repeat_the_first(dan, rekognition, settings):
    settings.REKOGNITION_ALSO = ["DetectText"]
    rekognition.script(EAST, "ok", "internal")
    rekognition.script(WEST, "internal")
    photo = _label(_photo(dan))
    assert (photo.status, photo.attempts) == (Photo.Status.PENDING, 0)

    _label(photo)

    assert photo.status == Photo.Status.LABELLED
    assert len(rekognition.regions_called("DetectLabels")) == 1
