"""The admin of every model: its list, search and filters, its row, and what may be done to it by hand."""

import re

import pytest
from django.apps import apps
from django.contrib import admin
from django.test import TestCase
from django.urls import reverse

from labels.models import Delivery, LabelRule, Phone, PhoneCode
from tests import factory
from tests.one_of_each import make_rows

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
KEPT |= {"LabelAlias", "RuleVersion", "Change", "Verdict", "ReplacedVerdict", "Renaming"}
KEPT |= {"SmsCount", "BundlePart", "BundlePhoto", "BundleChunk", "RegionQuota", "Spending"}
KEPT |= {"Budget", "BundleContent", "Share"}


@pytest.fixture
def staff(client, dan):
    dan.is_staff = dan.is_superuser = True
    dan.save()
    return client


@pytest.fixture(scope="module")
def one_of_each(module_database):
    """A row of every model, for tests that only look; their files are gone after the first test."""
    make_rows(factory.user("eve"), lambda: TestCase.captureOnCommitCallbacks(execute=True))


def _url(model, page, *arguments):
    return reverse(f"admin:labels_{model._meta.model_name}_{page}", args=arguments)


@NAMES
def test_every_model_is_registered_with_columns_and_a_page_for_each_row(staff, one_of_each, model):
    assert model in admin.site._registry, f"{model.__name__} is new: register it in labels/admin"
    row = model.objects.first()

    shown = staff.get(_url(model, "changelist"))
    one = staff.get(_url(model, "change", row.pk))

    assert len(admin.site._registry[model].list_display) > 1
    assert (shown.status_code, one.status_code) == (200, 200)
    assert shown.context["cl"].result_count >= 1


@NAMES
def test_the_index_names_rows_in_english(staff, one_of_each, model):
    plural = str(model._meta.verbose_name_plural)

    assert plural.capitalize() in staff.get(reverse("admin:index")).content.decode()
    # What Django makes of "summary" and "worker seen" by adding an s.
    assert not re.search(r"[^aeiou]ys\b|seens\b", plural)


@NAMES
def test_search_and_filters_work(staff, one_of_each, model):
    answer = staff.get(_url(model, "changelist"), {"q": "sea"})

    assert answer.status_code == 200
    for spec in answer.context["cl"].filter_specs:
        for choice in spec.choices(answer.context["cl"]):
            assert staff.get(_url(model, "changelist") + choice["query_string"]).status_code == 200


@NAMES
def test_only_what_is_born_here_is_added_by_hand(staff, one_of_each, model):
    assert staff.get(_url(model, "add")).status_code == (200 if model.__name__ in ADDED else 403)


@NAMES
def test_only_what_breaks_nothing_can_be_edited(staff, one_of_each, model):
    page = staff.get(_url(model, "change", model.objects.first().pk))

    form = page.context["adminform"]
    assert set(form.form.fields) == EDITED.get(model.__name__, set())
    assert page.context["has_change_permission"] == (model.__name__ in EDITED)


@NAMES
def test_what_counts_and_caches_rest_on_cannot_be_deleted_by_itself(staff, one_of_each, model):
    row = model.objects.first()
    answer = staff.get(_url(model, "delete", row.pk))
    offered = "delete_selected" in staff.get(_url(model, "changelist")).content.decode()

    if model.__name__ in KEPT:
        assert answer.status_code == 403
        assert not offered
    else:
        assert answer.status_code == 200


@pytest.mark.parametrize("model", [Phone, Delivery, PhoneCode], ids=lambda model: model.__name__)
def test_staff_see_no_phone_number_whole(staff, one_of_each, model):
    pages = [
        staff.get(_url(model, "changelist")),
        staff.get(_url(model, "change", model.objects.first().pk)),
        staff.get(_url(model, "delete", model.objects.first().pk)),
    ]

    for page in pages:
        assert "7700900" not in page.content.decode()
    assert model is PhoneCode or "+44…23" in pages[1].content.decode()
