"""The admin of alarms: every model, wrong alarms refused beside their field, rows of steps read-only."""

from datetime import timedelta

import pytest
from django.apps import apps
from django.contrib import admin
from django.urls import reverse
from django.utils import timezone

from alarms.apply.carry_out import apply
from alarms.apply.prepare import plan_for
from alarms.models import (
    Action,
    Alarm,
    AlarmAction,
    AlarmSet,
    Detector,
    ExcludedRange,
    Finding,
    Guard,
    MetricOutbox,
    Mute,
    StateChange,
)
from alarms.readings.store import add_data
from tests.alarms import factory

pytestmark = pytest.mark.django_db

# Part of another's page.
INLINE = {"AlarmAction", "ExcludedRange"}
MODELS = [m for m in apps.get_app_config("alarms").get_models() if m.__name__ not in INLINE]
EDITED = {"Action", "Alarm", "AlarmSet", "Detector", "Guard", "Metric", "Mute"}
NAMES = pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)


@pytest.fixture
def staff(client, dan):
    dan.is_staff = dan.is_superuser = True
    dan.save()
    return client


@pytest.fixture
def rows():
    shop, orders = factory.alarm_set(), factory.metric()
    guard = Guard.objects.create(alarm_set=shop, metric=orders, name="orders")
    floor = factory.static(shop, orders, guard=guard, role="floor")
    factory.band(shop, orders)
    topic = Action.objects.create(name="oncall", arn="arn:aws:sns:us-east-1:123456789012:oncall")
    AlarmAction.objects.create(alarm=floor, action=topic)
    detector = Detector.objects.create(alarm_set=shop, metric=orders, identity="x")
    now = timezone.now()
    ExcludedRange.objects.create(detector=detector, starts_at=now, ends_at=now + timedelta(hours=1))
    mute = Mute.objects.create(alarm_set=shop, name="shop-mute", schedule="at(2026-11-21T22:00)", minutes=5)
    mute.alarms.add(floor)
    change = StateChange.objects.create(alarm_name="shop-floor", at=now, old="OK", new="ALARM")
    change.deliveries.create(channel="mail", target="oncall@example.com")
    add_data("Shop", [{"MetricName": "orders", "Value": 1}])
    Finding.objects.create(
        alarm=floor, code="A13", severity="warning", rank=1, message="orders", found_at=now
    )
    MetricOutbox.objects.create(at=now, data=[])
    apply(shop)
    return shop


def _url(model, page, *arguments):
    return reverse(f"admin:alarms_{model._meta.model_name}_{page}", args=arguments)


@NAMES
def test_every_model_is_registered_with_columns_and_a_page_for_each_row(staff, rows, model):
    assert model in admin.site._registry, f"{model.__name__} is new: register it in alarms/admin.py"
    assert staff.get(_url(model, "changelist"), {"q": "orders"}).status_code == 200
    assert staff.get(_url(model, "change", model.objects.first().pk)).status_code == 200
    assert len(admin.site._registry[model].list_display) > 1


@NAMES
def test_only_the_configuration_is_edited_by_hand(staff, rows, model):
    page = staff.get(_url(model, "change", model.objects.first().pk))

    assert page.context["has_change_permission"] == (model.__name__ in EDITED)
    assert staff.get(_url(model, "add")).status_code == (200 if model.__name__ in EDITED else 403)


def _posted(staff, alarm, **changed):
    """Post the alarm's own form with some values changed; return the errors, or None when it was saved."""
    form = staff.get(_url(Alarm, "change", alarm.pk)).context["adminform"].form
    data = {name: form[name].value() for name in form.fields}
    data |= {name: "on" for name, value in data.items() if value is True}
    data |= {"alarm_actions-TOTAL_FORMS": "0", "alarm_actions-INITIAL_FORMS": "0"}
    data |= changed
    data = {name: value for name, value in data.items() if value not in (None, False)}
    answer = staff.post(_url(Alarm, "change", alarm.pk), data)
    return answer.context["adminform"].form.errors if answer.status_code == 200 else None


@pytest.mark.parametrize(
    ("changed", "field", "words"),
    [
        ({"period": 45}, "period", "Period is 45; 10, 20, 30 or a multiple of 60"),
        ({"datapoints": 7}, "datapoints", "DatapointsToAlarm is 7; it must be 1 to EvaluationPeriods"),
        ({"evaluation_periods": 2000}, "evaluation_periods", "at most 86400 s"),
        ({"threshold": ""}, "threshold", "Threshold is missing"),
        ({"operator": ""}, "operator", "ComparisonOperator is missing"),
        ({"name": "else-floor"}, "name", "it must begin with the prefix"),
        ({"low_samples": "ignore"}, "low_samples", "only with a percentile"),
        ({"metric": ""}, "metric", "MetricName is missing"),
        ({"threshold_rule": "twice the usual"}, "threshold_rule", "write it like 1.3 x max over 30 d"),
        ({"kind": "composite", "rule": "ALARM("}, "rule", "AlarmRule is"),
        ({"kind": "band", "k": "-1"}, "k", "k must be above 0"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_wrong_alarm_is_refused_beside_its_field(staff, rows, changed, field, words):
    errors = _posted(staff, Alarm.objects.get(name="shop-floor"), **changed)

    assert words in str(errors[field])


def test_a_right_alarm_is_saved(staff, rows):
    alarm = Alarm.objects.get(name="shop-floor")

    assert _posted(staff, alarm, threshold=3) is None
    assert _posted(staff, alarm, threshold="", threshold_rule="1.3 x max over 30 d") is None

    alarm.refresh_from_db()
    assert (alarm.threshold, alarm.threshold_rule) == (None, "1.3 x max over 30 d")


def test_a_prefix_that_overlaps_is_refused(staff, rows):
    answer = staff.post(
        reverse("admin:alarms_alarmset_add"),
        {"name": "more", "prefix": "shop-more-", "false_alarms_per_week": 1},
    )

    assert "names would belong to both" in str(answer.context["adminform"].form.errors["prefix"])


def test_alarms_are_switched_off_together(staff, rows):
    chosen = list(Alarm.objects.values_list("pk", flat=True))

    staff.post(_url(Alarm, "changelist"), {"action": "switch_off", "_selected_action": chosen})

    assert not Alarm.objects.filter(enabled=True).exists()


def _new_guard(staff, **changed):
    shop = AlarmSet.objects.get()
    metric = factory.metric("visits")
    values = {"alarm_set": shop.pk, "metric": metric.pk, "name": "visits", "period": 60, "k": 3}
    values |= {"floor": 1, "floor_reason": "Nobody comes.", "ceiling": 500, "ceiling_reason": "Too many."}
    answer = staff.post(_url(Guard, "add"), {**values, **changed})
    return answer.context["adminform"].form.errors if answer.status_code == 200 else None


def test_a_guard_is_made_with_floor_ceiling_and_band(staff, rows):
    assert _new_guard(staff, ceiling_rule="1.3 x max over 30 d") is None

    alarms = Guard.objects.get(name="visits").alarms
    assert set(alarms.values_list("name", "kind", "operator", "threshold", "threshold_rule", "reason")) == {
        ("shop-visits-floor", "static", "LessThanThreshold", 1, "", "Nobody comes."),
        ("shop-visits-ceiling", "static", "GreaterThanThreshold", 500, "1.3 x max over 30 d", "Too many."),
        ("shop-visits-band", "band", "", None, "", "The pattern of the day and of the week changed."),
    }
    assert plan_for(rows).problems == []
    assert plan_for(rows).plan.count("create") == 4


def test_what_is_left_empty_of_a_guard_is_there_and_switched_off(staff, rows):
    assert _new_guard(staff, ceiling="", ceiling_reason="", k="") is None

    alarms = Guard.objects.get(name="visits").alarms
    assert set(alarms.values_list("role", "enabled")) == {
        ("floor", True),
        ("ceiling", False),
        ("band", False),
    }
    assert plan_for(rows).problems == []


@pytest.mark.parametrize(
    ("changed", "field", "words"),
    [
        ({"floor": "", "ceiling": ""}, "__all__", "never stands alone"),
        ({"ceiling": "", "ceiling_rule": "1.3 x max over 30 d"}, "ceiling", "needs a number"),
        ({"ceiling_rule": "a lot"}, "ceiling_rule", "a lot"),
        ({"name": "orders", "k": 0}, "k", "greater than or equal"),
        ({"period": 45}, "period", "45"),
    ],
)
def test_a_wrong_guard_is_refused_beside_its_field(staff, rows, changed, field, words):
    assert words in str(_new_guard(staff, **changed)[field])
    assert Guard.objects.count() == 1


def test_a_guard_takes_no_name_that_an_alarm_has(staff, rows):
    factory.static(rows, Alarm.objects.first().metric, name="shop-visits-band")

    assert "shop-visits-band already" in str(_new_guard(staff)["name"])


@pytest.mark.parametrize("dimensions", ["7", "[1]", '{"Queue": 1}'])
def test_dimensions_are_an_object_of_texts(staff, dimensions):
    metric = factory.metric()
    url = reverse("admin:alarms_metric_change", args=[metric.pk])

    answer = staff.post(url, {"namespace": "Shop", "name": "orders", "stat": "Sum", "dimensions": dimensions})

    assert "Give an object with a text by each name" in str(answer.context["errors"])
