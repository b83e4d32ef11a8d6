"""The admin: every model is there, its actions work, and what an edit would break cannot be edited."""

import re
from datetime import timedelta

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from labels.bundles import building
from labels.bundles.request import request_bundle
from labels.models import (
    Announcement,
    Budget,
    Bundle,
    BundleChunk,
    BundlePart,
    Change,
    DetectionRun,
    DirectUpload,
    LabelAlias,
    LabelCount,
    LabelRule,
    Notice,
    Phone,
    PhoneCode,
    Photo,
    PhotoLabel,
    RegionQuota,
    Renaming,
    Residency,
    RuleRun,
    SavedSelection,
    Spending,
    SweepFailure,
    TextCount,
    TextMessage,
    Verdict,
)
from labels.selection.predicate import Selection
from tests import factory
from tests.conftest import stored
from tests.factory import BLUE, MAGENTA, RED

pytestmark = pytest.mark.django_db

MODELS = sorted(apps.get_app_config("labels").get_models(), key=lambda model: model.__name__)
NAMES = pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
# What may be done by hand: these are added, these are opened to be edited, these are never deleted.
ADDED = {"Residency", "LabelRule"}
EDITED = {
    "Label": {"parents", "parents_fixed"},
    "LabelRule": {*LabelRule.KEPT},
    "Photo": set(),
    "Bundle": set(),
}
EDITED |= {"Budget": {"daily", "monthly"}}
EDITED |= {"RegionQuota": {"group", "quota", "price_micros", "enabled"}, "Residency": {"owner", "group"}}
KEPT = {"DetectionRun", "Label", "LabelCount", "PhotoLabel", "PhotoSummary", "LibraryVersion"}
KEPT |= {"LabelAlias", "PolicyVersion", "Change", "Verdict", "Renaming"}
KEPT |= {"TextCount", "BundlePart", "BundlePhoto", "BundleChunk", "RegionQuota", "Spending"}
KEPT |= {"Budget"}


@pytest.fixture
def staff(client, dan):
    dan.is_staff = dan.is_superuser = True
    dan.save()
    return client


@pytest.fixture
def rows(dan, eve, commits):
    """At least one row of every model."""
    with commits():
        factory.photo(eve, BLUE, name="sea.jpg")
        factory.photo(eve, MAGENTA, name="odd.jpg")
    building.build(factory.held_bundle(eve))
    # Chunks are gone when their archive is whole; this one is of a build that goes on.
    BundleChunk.objects.create(part=BundlePart.objects.get(), number=1, start=0, end=1)
    DirectUpload.objects.create(owner=eve, key="hers", name="hers.jpg", size=1)
    SavedSelection.objects.create(
        owner=eve, name="The sea", selection=Selection(any=("Blue",)).as_json(), part_bytes=1
    )
    colour, sea = factory.label("Blue"), factory.label("Sea")
    LabelAlias.objects.create(label=colour, name="Azure", key="azure")
    change = Change.objects.create(owner=eve, actor=eve, action="rename", label=colour, target=sea)
    Renaming.objects.create(owner=eve, label=colour, target=sea)
    photo = Photo.objects.get(original_name="sea.jpg")
    Verdict.objects.create(photo=photo, label=sea, is_there=True, by=eve, at=timezone.now(), change=change)
    RuleRun.objects.create()
    Announcement.objects.create(notice=Notice.objects.first(), topic="sea")
    Phone.objects.create(owner=eve, number="+447700900123", verified_at=timezone.now())
    PhoneCode.objects.create(owner=eve, number="+447700900124", created_at=timezone.now())
    TextMessage.objects.create(notice=Notice.objects.first(), sent_to="+44…23")
    TextCount.objects.create(day=timezone.localdate(), owner=eve, sent=1)
    factory.worker_seen("labels")
    Residency.objects.create(owner=eve, group="eu")
    Spending.objects.create(day=timezone.localdate(), calls=2, micros=2000)
    SweepFailure.objects.create(step="bundles_expired", error="OSError: no space left")


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


def test_the_admin_has_our_icon(staff):
    assert '<link rel="icon" href="/static/favicon' in staff.get(reverse("admin:index")).content.decode()


@NAMES
def test_every_model_is_registered_with_columns_and_a_page_for_each_row(staff, rows, model):
    assert model in admin.site._registry, f"{model.__name__} is new: register it in labels/admin"
    row = model.objects.first()

    shown = staff.get(_url(model, "changelist"))
    one = staff.get(_url(model, "change", row.pk))

    assert len(admin.site._registry[model].list_display) > 1
    assert (shown.status_code, one.status_code) == (200, 200)
    assert shown.context["cl"].result_count >= 1


@NAMES
def test_the_index_names_rows_in_english(staff, model):
    plural = str(model._meta.verbose_name_plural)

    assert plural.capitalize() in staff.get(reverse("admin:index")).content.decode()
    # What Django makes of "summary" and "worker seen" by adding an s.
    assert not re.search(r"[^aeiou]ys\b|seens\b", plural)


@NAMES
def test_search_and_filters_work(staff, rows, model):
    answer = staff.get(_url(model, "changelist"), {"q": "sea"})

    assert answer.status_code == 200
    for spec in answer.context["cl"].filter_specs:
        for choice in spec.choices(answer.context["cl"]):
            assert staff.get(_url(model, "changelist") + choice["query_string"]).status_code == 200


@NAMES
def test_only_what_is_born_here_is_added_by_hand(staff, rows, model):
    assert staff.get(_url(model, "add")).status_code == (200 if model.__name__ in ADDED else 403)


@NAMES
def test_only_what_breaks_nothing_can_be_edited(staff, rows, model):
    page = staff.get(_url(model, "change", model.objects.first().pk))

    form = page.context["adminform"]
    assert set(form.form.fields) == EDITED.get(model.__name__, set())
    assert page.context["has_change_permission"] == (model.__name__ in EDITED)


@NAMES
def test_what_counts_and_caches_rest_on_cannot_be_deleted_by_itself(staff, rows, model):
    row = model.objects.first()
    answer = staff.get(_url(model, "delete", row.pk))
    offered = "delete_selected" in staff.get(_url(model, "changelist")).content.decode()

    if model.__name__ in KEPT:
        assert answer.status_code == 403
        assert not offered
    else:
        assert answer.status_code == 200


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


@pytest.mark.parametrize("model", [Phone, PhoneCode, TextMessage], ids=lambda model: model.__name__)
def test_staff_see_no_phone_number_whole(staff, rows, model):
    pages = [
        staff.get(_url(model, "changelist")),
        staff.get(_url(model, "change", model.objects.first().pk)),
        staff.get(_url(model, "delete", model.objects.first().pk)),
    ]

    for page in pages:
        assert "7700900" not in page.content.decode()
    assert model is PhoneCode or "+44…23" in pages[1].content.decode()


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
