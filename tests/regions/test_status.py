"""What staff and machines see of the Regions."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from labels import regions, sweep, tasks
from labels.models import Photo, RegionQuota, Spending, WorkerSeen
from labels.regions import permits
from tests import factory
from tests.regions.conftest import EAST, WEST

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(client, dan):
    dan.is_staff = dan.is_superuser = True
    dan.save()
    return client


def _row(region, **changed):
    RegionQuota.objects.filter(region=region, operation="DetectLabels").update(**changed)
    return RegionQuota.objects.get(region=region, operation="DetectLabels")


def _soon():
    return permits.database_now() + 100


@pytest.mark.parametrize(
    ("changed", "tone", "words"),
    [
        pytest.param({}, "good", "open", id="open"),
        pytest.param({"enabled": False}, "cancelled", "switched off", id="switched off"),
        pytest.param({"failures": 3, "trouble": "503: away"}, "bad", "away: 503: away", id="away"),
        pytest.param({"failures": 3, "refused": "No"}, "bad", "refused: No", id="refused"),
        pytest.param({"factor": 0.5}, "warn", "slowed to 50% after throttles", id="slowed"),
    ],
)
def test_every_region_in_use_says_its_state_in_words(staff, rekognition, changed, tone, words):
    if "factor" in changed:
        changed["factor_at"] = permits.database_now() + 0.5
    _row(EAST, **changed)

    page = staff.get(reverse("status"))

    east, west = page.context["regions"]["rows"]
    assert (east.region, east.tone, east.words) == (EAST, tone, words)
    assert (west.region, west.words, west.quota) == (WEST, "open", 5000)
    assert words in page.content.decode()


def test_a_resting_region_is_tried_again_by_a_button(staff, rekognition):
    _row(EAST, failures=5, open_until=_soon())
    assert "Try resting Regions now" in staff.get(reverse("status")).content.decode()

    page = staff.post(reverse("regions_retry"), follow=True).content.decode()

    assert "1 resting Region is tried again with the next photo." in page
    assert "Try resting Regions now" not in page


def test_the_page_shows_what_was_spent_beside_the_budgets(staff, rekognition, settings):
    settings.REKOGNITION_DAILY_BUDGET = 5
    today = timezone.localdate()
    Spending.objects.create(day=today, calls=1234, micros=1_234_000)

    page = staff.get(reverse("status")).content.decode()

    assert "$1.23 of $5.00" in page


def test_another_detector_shows_no_regions(staff):
    page = staff.get(reverse("status"))

    assert page.context["regions"] is None
    assert "Spending" not in page.content.decode()


def test_a_refusal_is_a_banner_for_staff_on_every_page(staff, dan, rekognition):
    rekognition.regions[EAST].always = "denied"
    tasks.label_photo(factory.photo(dan, size=(90, 90)).pk)
    sentence = "Amazon Rekognition refuses DetectLabels in us-east-1: AccessDeniedException"

    assert sentence in staff.get(reverse("photos")).content.decode()
    dan.is_staff = dan.is_superuser = False
    dan.save()
    assert "AccessDenied" not in staff.get(reverse("photos")).content.decode()


def test_readyz_says_that_calls_are_refused_and_gives_nothing_away(client, rekognition):
    for cluster in ("labels", "bundles"):
        for role in ("worker", "monitor"):
            WorkerSeen.objects.create(cluster=cluster, role=role, seen_at=timezone.now())
    assert client.get("/readyz").json()["detector"] == "ok"
    _row(EAST, refused="AccessDeniedException: arn:aws:iam::1:user/x", failures=3)

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["detector"] == "calls are refused in some Regions; the status page says why"


def test_the_sweep_rings_for_a_minute_of_rekognition(
    dan, rekognition, settings, django_capture_on_commit_callbacks
):
    settings.REKOGNITION_REGIONS = {EAST: 11.0}
    factory.many_photos(dan, 700, status=Photo.Status.PENDING)

    with django_capture_on_commit_callbacks() as bells:
        swept = sweep.sweep()

    assert swept["photos_rung"] == len(bells) == 660


def test_the_later_change_counts_of_setting_and_admin(rekognition, settings):
    settings.REKOGNITION_REGIONS = {EAST: 20.0}
    regions.follow_settings()
    assert _row(EAST).quota == 20
    _row(EAST, quota=35)
    regions.follow_settings()
    assert _row(EAST).quota == 35
    settings.REKOGNITION_REGIONS = {EAST: 40.0}
    regions.follow_settings()

    assert _row(EAST).quota == 40


def test_a_region_without_a_rate_keeps_the_published_quota(rekognition, settings):
    settings.REKOGNITION_REGIONS = {"eu-central-1": None}
    regions.follow_settings()

    assert (_row("eu-central-1").quota, _row("eu-central-1").group) == (5, "eu")


def test_a_region_amazon_has_not_published_is_made_from_the_setting(rekognition, settings):
    settings.REKOGNITION_REGIONS = {"eu-north-9": 7.0}

    assert regions.follow_settings() == 4
    assert regions.follow_settings() == 0
    assert (_row("eu-north-9").quota, _row("eu-north-9").group) == (7, "eu")


def test_the_status_page_asks_as_often_for_many_regions_as_for_two(
    staff, rekognition, settings, django_assert_num_queries, django_assert_max_num_queries
):
    with django_assert_max_num_queries(60) as few:
        staff.get(reverse("status"))
    settings.REKOGNITION_REGIONS = dict.fromkeys(RegionQuota.objects.values_list("region", flat=True), 5.0)
    RegionQuota.objects.update(throttles=3, throttled_at=timezone.now() - timedelta(hours=1))

    with django_assert_num_queries(len(few)):
        page = staff.get(reverse("status"))

    assert len(page.context["regions"]["rows"]) == 18
