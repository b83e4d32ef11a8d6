"""The budget: estimated before, counted with each call, never overspent; what is over waits."""

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from labels import tasks
from labels.detectors.base import RetryLater
from labels.detectors.rekognition.regions import permits
from labels.maintenance import sweep
from labels.models import Budget, Photo, RegionQuota, Spending
from tests import factory
from tests.commands.tools import run
from tests.detectors.rekognition.conftest import EAST, WEST

BUDGETS = pytest.mark.parametrize(
    ("setting", "code"),
    [("REKOGNITION_DAILY_BUDGET", "budget_day"), ("REKOGNITION_MONTHLY_BUDGET", "budget_month")],
)


def _photos(owner, count):
    return [factory.photo(owner, size=(100 + number, 90)) for number in range(count)]


def _label(photos):
    for photo in photos:
        Photo.objects.filter(pk=photo.pk).update(next_attempt_at=timezone.now())
        tasks.label_photo(photo.pk)


@pytest.mark.django_db
@BUDGETS
def test_photos_beyond_the_budget_wait_and_say_why(dan, rekognition, settings, setting, code):
    setattr(settings, setting, 0.003)
    photos = _photos(dan, 5)

    _label(photos)

    assert len(rekognition.calls) == 3
    states = Photo.objects.order_by("pk").values_list("status", "failure_code", "attempts")
    assert list(states) == [("labelled", "", 0)] * 3 + [("pending", code, 0)] * 2
    assert "The budget of $0.00 for" in Photo.objects.last().failure_reason
    assert Photo.objects.last().next_attempt_at > timezone.now() + timedelta(seconds=1)


@pytest.mark.django_db
@BUDGETS
def test_they_are_labelled_when_the_budget_is_raised(dan, rekognition, settings, setting, code):
    setattr(settings, setting, 0)
    photos = _photos(dan, 2)
    _label(photos)
    setattr(settings, setting, 1)

    _label(photos)

    assert set(Photo.objects.values_list("status", flat=True)) == {Photo.Status.LABELLED}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("field", "setting", "code"),
    [
        ("daily", "REKOGNITION_DAILY_BUDGET", "budget_day"),
        ("monthly", "REKOGNITION_MONTHLY_BUDGET", "budget_month"),
    ],
)
@pytest.mark.parametrize(
    ("by_setting", "by_admin", "labelled"),
    [
        pytest.param(None, "0.00", 0, id="a limit where the settings have none"),
        pytest.param(1, "0.00", 0, id="lower than the setting"),
        pytest.param(0, "1.00", 2, id="higher than the setting"),
        pytest.param(0, None, 0, id="empty: the setting"),
    ],
)
def test_an_amount_in_the_admin_goes_before_the_setting(
    dan, rekognition, settings, field, setting, code, by_setting, by_admin, labelled
):
    setattr(settings, setting, by_setting)
    Budget.objects.update(**{field: by_admin})
    _label(_photos(dan, 2))

    assert Photo.objects.filter(status=Photo.Status.LABELLED).count() == labelled
    assert Photo.objects.filter(status=Photo.Status.PENDING, failure_code=code).count() == 2 - labelled


@pytest.mark.django_db
@BUDGETS
def test_photos_that_waited_go_on_with_the_next_sweep_after_a_budget_was_raised(
    dan, rekognition, settings, setting, code, commits
):
    setattr(settings, setting, 0.001)
    _label(_photos(dan, 4))
    with commits():
        assert sweep.sweep()["photos_afforded"] == 0
    assert Photo.objects.filter(failure_code=code).count() == 3

    # Raised without a restart, and enough for two of the three.
    setattr(settings, setting, 0.003)
    with commits():
        swept = sweep.sweep()

    assert (swept["photos_afforded"], swept["photos_enqueued"]) == (2, 2)
    assert Photo.objects.filter(status=Photo.Status.LABELLED).count() == len(rekognition.calls) == 3


@pytest.mark.django_db
@pytest.mark.parametrize("change", ["no budget", "another detector"])
def test_photos_that_waited_go_on_when_nothing_limits_them(dan, rekognition, settings, change, commits):
    settings.REKOGNITION_DAILY_BUDGET = 0
    _label(_photos(dan, 2))
    other = factory.photo(dan, size=(90, 90))
    Photo.objects.filter(pk=other.pk).update(
        failure_code="storage", next_attempt_at=timezone.now() + timedelta(minutes=5)
    )
    if change == "no budget":
        settings.REKOGNITION_DAILY_BUDGET = None
    else:
        settings.LABELS_DETECTOR = "fake"

    with commits():
        assert sweep.sweep()["photos_afforded"] == 2

    assert Photo.objects.filter(status=Photo.Status.LABELLED).count() == 2
    # What waits for something else goes on waiting.
    assert Photo.objects.get(status=Photo.Status.PENDING) == other


@pytest.mark.django_db
def test_yesterday_counts_for_the_month_and_not_for_the_day(dan, rekognition, settings):
    today = timezone.localdate()
    other = today + timedelta(days=1 if today.day == 1 else -1)
    Spending.objects.create(day=other, calls=5, micros=5000)
    settings.REKOGNITION_DAILY_BUDGET = 0.001
    [photo] = _photos(dan, 1)

    _label([photo])

    photo.refresh_from_db()
    assert photo.status == Photo.Status.LABELLED
    if other < today:
        settings.REKOGNITION_MONTHLY_BUDGET = 0.006
        [late] = [factory.photo(dan, size=(300, 200))]
        settings.REKOGNITION_DAILY_BUDGET = None
        _label([late])
        late.refresh_from_db()
        assert late.failure_code == "budget_month"


@pytest.mark.django_db
def test_only_what_amazon_bills_is_counted(dan, rekognition):
    rekognition.script(EAST, "ok", "throttle", "internal", "denied", "bad format")
    photos = _photos(dan, 5)

    _label(photos)

    # The permits of a lease that are left are counted until they lapse.
    held = sum(len(lease.permits) for lease in permits.leases.values())
    spending = Spending.objects.get()
    assert spending.calls - held == rekognition.outcomes[EAST, "ok"] + rekognition.outcomes[WEST, "ok"] == 5
    assert spending.micros == spending.calls * 1000


@pytest.mark.django_db
def test_a_call_costs_what_its_region_charges(dan, rekognition):
    RegionQuota.objects.filter(region=EAST).update(price_micros=1300)

    _label(_photos(dan, 1))

    assert Spending.objects.get().micros == 1300


@pytest.mark.django_db(transaction=True)
def test_workers_side_by_side_neither_overspend_nor_exceed_the_quota(rekognition, settings):
    settings.REKOGNITION_REGIONS = {EAST: 2000.0}
    settings.REKOGNITION_DAILY_BUDGET = 0.1
    RegionQuota.objects.filter(region=EAST).update(quota=2000)
    began = permits.database_now()
    taken, refused = [], []

    def work():
        try:
            for _ in range(20):
                taken.append(permits.acquire("DetectLabels"))
        except RetryLater as spent:
            refused.append(spent.code)
        finally:
            permits.leases.clear()
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)

    spending, row = Spending.objects.get(), RegionQuota.objects.get(region=EAST, operation="DetectLabels")
    assert spending.calls == 100
    assert len(taken) <= 100
    assert "budget_day" in refused
    # No grant was lost to another one made at the same time.
    assert row.next_at >= began + 100 / 2000


@pytest.mark.django_db
def test_the_dry_run_prints_calls_and_cost_net_of_the_cache(dan, eve, rekognition):
    first, *_ = _photos(dan, 3)
    _label([first])
    # The same content as one that is labelled, and as one that is not.
    _photos(eve, 2)
    before = Photo.objects.count(), len(rekognition.calls), list(Spending.objects.values())

    found = run("label_photos", "--status", "all", "--dry-run")

    assert found == (0, {"photos": 5, "contents": 3, "calls": 2, "cost_usd": 0.002})
    assert (Photo.objects.count(), len(rekognition.calls), list(Spending.objects.values())) == before


@pytest.mark.django_db
def test_the_dry_run_counts_further_operations(dan, rekognition, settings):
    settings.REKOGNITION_ALSO = ["DetectText"]
    RegionQuota.objects.filter(region=WEST, operation="DetectText").update(price_micros=1500)
    _photos(dan, 2)

    assert run("label_photos", "--dry-run")[1] == {
        "photos": 2,
        "contents": 2,
        "calls": 4,
        "cost_usd": 0.005,
    }


@pytest.mark.django_db
def test_the_dry_run_of_another_detector_costs_nothing(dan):
    _photos(dan, 2)

    assert run("label_photos", "--dry-run")[1] == {"photos": 2, "contents": 2, "calls": 2, "cost_usd": 0.0}


@pytest.mark.django_db
def test_photos_that_wait_for_the_budget_are_no_failures_of_the_command(dan, rekognition, settings):
    settings.REKOGNITION_DAILY_BUDGET = 0.001
    _photos(dan, 3)

    assert run("label_photos", "--now") == (2, {"labelled": 1, "failed": 0, "waiting": 2})
