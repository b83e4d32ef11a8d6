"""The admin: every model is there, its actions work, and what an edit would break cannot be edited."""

import re
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from labels.bundles.request import request_bundle
from labels.models import (
    Budget,
    Bundle,
    DetectionRun,
    LabelCount,
    Notice,
    Photo,
    PhotoLabel,
    RegionQuota,
    Residency,
)
from labels.selection.predicate import Selection
from tests import factory
from tests.conftest import stored
from tests.factory import RED
from tests.one_of_each import make_rows

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(client, dan):
    dan.is_staff = dan.is_superuser = True
    dan.save()
    return client


@pytest.fixture
def rows(dan, eve, commits):
    """At least one row of every model."""
    make_rows(eve, commits)


def _url(model, page, *arguments):
    return reverse(f"admin:labels_{model._meta.model_name}_{page}", args=arguments)


def _act(client, model, action, chosen):
    answer = client.post(
        _url(model, "changelist"),
        {"action": action, "_selected_action": [row.pk for row in chosen]},
        follow=True,
    )
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_admin_has_our_icon_and_name(staff):
    page = staff.get(reverse("admin:index")).content.decode()

    assert '<link rel="icon" href="/static/favicon' in page
    assert "photomgr administration" in page
    assert "Django administration" not in page


@pytest.mark.parametrize("name", ["success", "failure", "schedule", "ormq"])
def test_nobody_has_the_queue_call_a_function_of_their_choice(staff, name):
    page = staff.get(reverse(f"admin:django_q_{name}_changelist")).content.decode()

    assert "Resubmit" not in page
    assert staff.get(reverse(f"admin:django_q_{name}_add")).status_code == 403


def test_deleting_a_photo_takes_files_and_counts_along(staff, eve, rows, commits):
    photo = Photo.objects.get(original_name="sea.jpg")

    with commits():
        staff.post(_url(Photo, "delete", photo.pk), {"post": "yes"})

    assert not Photo.objects.filter(pk=photo.pk).exists()
    assert factory.counts(eve) == {}
    assert len(stored("originals")) == 1
    assert DetectionRun.objects.filter(content_sha256=photo.sha256).exists()


def test_deleting_many_photos_at_once_keeps_the_counts_true(staff, eve, commits):
    with commits():
        for width in range(30, 34):
            factory.photo(eve, RED, size=(width, 20))
    chosen = Photo.objects.all()[:3]

    with commits():
        staff.post(
            _url(Photo, "changelist"),
            {"action": "delete_selected", "_selected_action": [p.pk for p in chosen], "post": "yes"},
        )

    assert factory.counts(eve) == {"Colour": 1, "Red": 1, "Dark": 1}
    assert len(stored("originals")) == 1


def test_deleting_a_download_takes_its_archives_along(staff, rows, commits):
    with commits():
        staff.post(_url(Bundle, "delete", Bundle.objects.get().pk), {"post": "yes"})

    assert not Bundle.objects.exists()
    assert stored("bundles") == []


def test_deleting_a_person_takes_everything_along(staff, eve, rows, commits):
    with commits():
        staff.post(reverse("admin:auth_user_delete", args=[eve.pk]), {"post": "yes"})

    assert not Photo.objects.exists()
    assert not LabelCount.objects.exists()
    assert stored("originals") == stored("renditions") == stored("bundles") == []


def test_photos_are_labelled_again(staff, rows, commits):
    PhotoLabel.objects.all().delete()

    with commits():
        page = _act(staff, Photo, "label_again", Photo.objects.all())

    assert "2 photos wait to be labelled." in page
    assert PhotoLabel.objects.filter(photo__original_name="sea.jpg").exists()


def test_only_failed_photos_are_retried(staff, rows):
    page = _act(staff, Photo, "retry_failed", Photo.objects.all())

    assert "1 photos wait to be labelled." in page
    assert Photo.objects.get(original_name="odd.jpg").status == Photo.Status.PENDING
    assert Photo.objects.get(original_name="sea.jpg").status == Photo.Status.LABELLED


def test_unfinished_downloads_are_cancelled(staff, eve, rows):
    waiting = request_bundle(eve, Selection(any=("Blue",)))

    page = _act(staff, Bundle, "cancel_bundles", Bundle.objects.all())

    assert "1 downloads cancelled." in page
    waiting.refresh_from_db()
    assert waiting.status == Bundle.Status.CANCELLED
    assert len(stored("bundles")) == 1


def test_failed_downloads_are_tried_again(staff, rows, commits):
    Bundle.objects.update(status=Bundle.Status.FAILED, next_attempt_at=timezone.now() + timedelta(hours=1))
    Bundle.objects.get().parts.all().delete()

    with commits():
        page = _act(staff, Bundle, "retry_bundles", Bundle.objects.all())

    assert "1 downloads queued again." in page
    assert Bundle.objects.get().status == Bundle.Status.READY
    assert Notice.objects.get().outcome == Notice.Outcome.READY


def test_the_list_of_downloads_reads_the_selection_aloud(staff, eve, rows):
    factory.give_labels(Photo.objects.first(), "Lake")
    request_bundle(eve, Selection(any=("Lake",), none=("Person",)))

    assert "Lake; none of Person" in staff.get(_url(Bundle, "changelist")).content.decode()


def test_a_region_quota_is_edited_and_what_it_has_seen_stays(staff):
    row = RegionQuota.objects.get(region="us-east-1", operation="DetectLabels")
    RegionQuota.objects.filter(pk=row.pk).update(throttles=7)

    staff.post(
        _url(RegionQuota, "change", row.pk),
        {"group": "us", "quota": "80", "price_micros": "900", "enabled": "on"},
    )

    row.refresh_from_db()
    assert (row.quota, row.price_micros, row.throttles) == (80, 900, 7)


@pytest.mark.parametrize(
    ("daily", "monthly", "said", "kept"),
    [
        pytest.param("2.50", "40", "was changed successfully", ("2.50", "40.00"), id="both"),
        pytest.param("0", "", "was changed successfully", ("0.00", None), id="nothing a day"),
        pytest.param("", "", "was changed successfully", (None, None), id="as the settings say"),
        pytest.param(
            "50", "40", "$50.00 is more than the monthly one of $40.00", ("50.00", "40.00"), id="odd"
        ),
        pytest.param(
            "5000", "", "more than the monthly one of $100.00", ("5000.00", None), id="odd by setting"
        ),
        pytest.param("-1", "", "greater than or equal to 0", ("7.00", None), id="negative"),
        pytest.param("", "much", "Enter a number", ("7.00", None), id="no number"),
        pytest.param("0.001", "", "no more than 2 decimal places", ("7.00", None), id="less than a cent"),
    ],
)
def test_the_budget_is_changed_and_who_did_it_is_kept(staff, dan, settings, daily, monthly, said, kept):
    settings.REKOGNITION_MONTHLY_BUDGET = 100
    Budget.objects.filter(pk=Budget.ONLY).update(daily=7)

    page = staff.post(
        _url(Budget, "change", Budget.ONLY), {"daily": daily, "monthly": monthly}, follow=True
    ).content.decode()

    assert said in page
    row = Budget.objects.get()
    assert tuple(None if amount is None else str(amount) for amount in (row.daily, row.monthly)) == kept
    changes = LogEntry.objects.filter(user=dan, object_id=Budget.ONLY).values_list(
        "change_message", flat=True
    )
    assert len(changes) == (kept != ("7.00", None))
    assert all("aily budget" in change for change in changes)


def test_the_budget_says_what_is_in_force(staff, settings):
    settings.REKOGNITION_DAILY_BUDGET, settings.REKOGNITION_MONTHLY_BUDGET = 5, None
    Budget.objects.filter(pk=Budget.ONLY).update(daily=7)

    page = staff.get(_url(Budget, "change", Budget.ONLY)).content.decode()

    assert "$5.00 a day, no limit a month" in page
    assert "$7.00 a day, no limit a month" in page


def test_there_is_one_budget_and_no_negative_one(db):
    for row in (Budget(pk=2), Budget(pk=1, daily=-1), Budget(pk=1, monthly=-1)):
        with pytest.raises(IntegrityError), transaction.atomic():
            row.save()
    assert Budget.objects.count() == 1


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        pytest.param({}, "open", id="open"),
        pytest.param({}, "not in use", id="not in use"),
        pytest.param({"failures": 3}, "away", id="away"),
        pytest.param({"failures": 3, "refused": "AccessDenied"}, "refused", id="refused"),
        pytest.param({"refused": "AccessDenied", "enabled": False}, "switched off", id="switched off"),
    ],
)
def test_the_list_of_regions_says_their_state_and_price(staff, settings, changed, word):
    settings.REKOGNITION_REGIONS = {"us-east-1" if word != "not in use" else "us-west-2": 50.0}
    us = RegionQuota.objects.filter(region="us-east-1", operation="DetectLabels")
    us.update(price_micros=1300, **changed)

    page = staff.get(_url(RegionQuota, "changelist"), {"q": "us-east-1", "operation": "DetectLabels"})

    text = " ".join(re.sub(r"<[^>]+>", " ", page.content.decode()).split())
    assert f"us-east-1 DetectLabels 50.0 {word} 0 $0.0013 us" in text


def test_a_residency_without_any_region_is_refused(staff, dan):
    answer = staff.post(_url(Residency, "add"), {"owner": dan.pk, "group": "EU"})

    assert (
        "There is no Region in &#x27;EU&#x27;; groups are ap, eu, il, sa, us, us-gov."
        in answer.content.decode()
    )
    assert not Residency.objects.exists()
