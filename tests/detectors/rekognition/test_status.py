"""What staff and machines see of the Regions."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import strip_tags

from labels import tasks
from labels.detectors.rekognition.regions import permits
from labels.detectors.rekognition.regions.quotas import follow_settings
from labels.detectors.rekognition.regions.report import refusals
from labels.maintenance import sweep
from labels.models import Budget, DetectionRun, Photo, RegionQuota, Spending
from tests import factory
from tests.detectors.rekognition.conftest import EAST, WEST

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
        pytest.param({"failures": 3, "last_error": "503: away"}, "bad", "away: 503: away", id="away"),
        pytest.param({"failures": 3, "refused": "No"}, "bad", "refused: No", id="refused"),
        pytest.param({"factor": 0.5}, "warn", "slowed to 50% after throttles", id="slowed"),
    ],
)
def test_every_region_in_use_says_its_state_in_words(staff, rekognition, changed, tone, words):
    if "factor" in changed:
        changed["factor_at"] = permits.database_now() + 0.5
    _row(EAST, **changed)

    page = staff.get(reverse("status"))

    east, west = page.context["regions"]["states"]
    assert (east["row"].region, east["tone"], east["words"]) == (EAST, tone, words)
    assert (west["row"].region, west["words"], west["row"].quota) == (WEST, "open", 5000)
    assert words in page.content.decode()


def test_a_resting_region_is_tried_again_by_a_button(staff, rekognition):
    _row(EAST, failures=5, open_until=_soon())
    assert "Try resting Regions now" in staff.get(reverse("status")).content.decode()

    page = staff.post(reverse("regions_retry"), follow=True).content.decode()

    assert "1 resting Region is tried again with the next photo." in page
    assert "Try resting Regions now" not in page


@pytest.mark.parametrize(
    ("by_setting", "by_admin", "words"),
    [
        pytest.param(None, None, ["$1.24, no limit"], id="no limit"),
        pytest.param(5, None, ["$1.24 of $5.00,", "$3.76 left", "from the settings"], id="by setting"),
        pytest.param(
            5, "2000.00", ["$1.24 of $2,000.00,", "$1,998.76 left", "set in the admin"], id="by admin"
        ),
        pytest.param(1, None, ["$1.24 of $1.00", "spent"], id="spent"),
    ],
)
def test_the_page_shows_what_was_spent_and_what_is_left(
    staff, rekognition, settings, by_setting, by_admin, words
):
    settings.REKOGNITION_DAILY_BUDGET = by_setting
    Budget.objects.update(daily=by_admin)
    Spending.objects.create(day=timezone.localdate(), calls=1234, micros=1_234_000)

    page = strip_tags(staff.get(reverse("status")).content.decode())
    today = " ".join(page[page.index("Today") : page.index("This month")].split())

    assert [word for word in words if word not in today] == []
    assert ("left" in today) == (words[-1] != "spent" and by_setting is not None)


def test_a_spent_budget_is_no_reason_to_be_unready(staff, rekognition, settings):
    settings.REKOGNITION_DAILY_BUDGET = 0
    factory.ready()
    tasks.label_photo(factory.photo(factory.user("fay"), size=(90, 90)).pk)

    answer = staff.get("/readyz")
    page = strip_tags(staff.get(reverse("status")).content.decode())

    assert (answer.status_code, answer.json()["detector"]) == (200, "ok")
    assert "waiting photos go on within a minute after it is raised" in page


def test_another_detector_shows_no_regions(staff):
    page = staff.get(reverse("status"))

    assert page.context["regions"] is None
    assert "Spending" not in page.content.decode()


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        ("denied", "AccessDeniedException: User: arn:aws:iam::1:user/x is not authorized"),
        ("expired", "ExpiredTokenException: The security token included in the request is expired"),
        ("bad token", "UnrecognizedClientException: The security token in the request is invalid."),
    ],
)
def test_what_an_operator_must_fix_is_a_banner_a_detail_and_a_line_and_ends_by_itself(
    staff, dan, rekognition, caplog, outcome, words
):
    factory.ready()
    for region in (EAST, WEST):
        rekognition.regions[region].always = outcome
    photo = factory.photo(dan, size=(90, 90))
    assert staff.get("/readyz").json()["detector"] == "ok"

    for _ in range(3):
        Photo.objects.update(next_attempt_at=timezone.now())
        RegionQuota.objects.update(open_until=0)
        tasks.label_photo(photo.pk)

    # On every page of those who can fix it, once in the log, and in /readyz without a detail of the account.
    page = staff.get(reverse("photos")).content.decode()
    for region in (EAST, WEST):
        assert f"Amazon Rekognition refuses DetectLabels in {region}: {words}" in page
    answer = staff.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["detector"] == "calls are refused in some Regions; the status page says why"
    lines = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert sorted(line.partition(":")[0] for line in lines if "refuses" in line) == [
        f"Amazon Rekognition refuses DetectLabels in {region}" for region in (EAST, WEST)
    ]
    photo.refresh_from_db()
    assert (photo.status, photo.attempts) == (Photo.Status.PENDING, 0)

    # Fixed: nobody has to press anything.
    for region in (EAST, WEST):
        rekognition.regions[region].always = "ok"
    for _ in range(2):
        RegionQuota.objects.update(open_until=0)
        Photo.objects.update(status=Photo.Status.PENDING, next_attempt_at=timezone.now())
        DetectionRun.objects.all().delete()
        tasks.label_photo(photo.pk)
    assert staff.get("/readyz").status_code == (200 if not refusals() else 503)
    assert EAST not in "".join(refusals())


def test_others_do_not_see_what_an_operator_must_fix(client, dan, rekognition):
    rekognition.regions[EAST].always = "denied"
    tasks.label_photo(factory.photo(dan, size=(90, 90)).pk)

    assert refusals()
    assert "AccessDenied" not in client.get(reverse("photos")).content.decode()


def test_the_sweep_enqueues_a_minute_of_rekognition(
    dan, rekognition, settings, django_capture_on_commit_callbacks
):
    settings.REKOGNITION_REGIONS = {EAST: 11.0}
    factory.many_photos(dan, 700, status=Photo.Status.PENDING)

    with django_capture_on_commit_callbacks() as enqueued:
        swept = sweep.sweep()

    assert swept["photos_enqueued"] == len(enqueued) == 660


def test_the_later_change_counts_of_setting_and_admin(rekognition, settings):
    settings.REKOGNITION_REGIONS = {EAST: 20.0}
    follow_settings()
    assert _row(EAST).quota == 20
    _row(EAST, quota=35)
    follow_settings()
    assert _row(EAST).quota == 35
    settings.REKOGNITION_REGIONS = {EAST: 40.0}
    follow_settings()

    assert _row(EAST).quota == 40


def test_a_region_without_a_rate_keeps_the_published_quota(rekognition, settings):
    settings.REKOGNITION_REGIONS = {"eu-central-1": None}
    follow_settings()

    assert (_row("eu-central-1").quota, _row("eu-central-1").group) == (5, "eu")


def test_a_region_amazon_has_not_published_is_made_from_the_setting(rekognition, settings):
    settings.REKOGNITION_REGIONS = {"eu-north-9": 7.0}

    assert follow_settings() == 4
    assert follow_settings() == 0
    assert (_row("eu-north-9").quota, _row("eu-north-9").group) == (7, "eu")


def test_the_status_page_queries_as_often_for_many_regions_as_for_two(
    staff, rekognition, settings, django_assert_num_queries, django_assert_max_num_queries
):
    with django_assert_max_num_queries(60) as few:
        staff.get(reverse("status"))
    settings.REKOGNITION_REGIONS = dict.fromkeys(RegionQuota.objects.values_list("region", flat=True), 5.0)
    RegionQuota.objects.update(throttles=3, throttled_at=timezone.now() - timedelta(hours=1))

    with django_assert_num_queries(len(few)):
        page = staff.get(reverse("status"))

    assert len(page.context["regions"]["states"]) == 18
