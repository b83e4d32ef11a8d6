"""The chart and the doctor's page, as staff see them."""

from datetime import timedelta

import numpy as np
import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse
from django.utils import timezone

from alarms.doctor import fixes, rules, runner
from alarms.doctor.reports import RegionSnapshot
from alarms.experiments import series
from alarms.models import Alarm, AlarmSet, Detector, ExcludedRange, Finding
from tests.alarms import factory
from tests.alarms.readings.test_readings import publish_many

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


@pytest.fixture
def staff(client, dan):
    dan.is_staff = True
    dan.save()
    dan.user_permissions.set(Permission.objects.filter(content_type__app_label="alarms"))
    return client


@pytest.fixture
def band():
    """A band on a fortnight of orders up to this minute, with half an hour of half as many yesterday."""
    now = timezone.now().replace(second=0, microsecond=0)
    orders = series.orders(np.random.default_rng(4), 2 * series.WEEK)
    orders[-720:-690] //= 2
    publish_many(orders, end=now)
    return factory.band(factory.alarm_set(), factory.metric(natural_min=0.0))


def chart(alarm, **asked):
    return reverse("alarm_chart", args=[alarm.pk], query=asked)


def test_the_chart_shows_band_alarm_table_and_what_ifs(staff, band):
    factory.static(band.alarm_set, band.metric, role="floor")

    page = staff.get(chart(band, span="1d")).content.decode()

    for kind in ("chart-line", "chart-band", "chart-alarm", "chart-floor"):
        assert f'class="{kind}"' in page
    assert "Exclude from training" in page
    assert "?span=1d&amp;k=3.5&amp;m=3&amp;n=5" in page
    assert "alarms a week" in page
    assert "style=" not in page and "<script>" not in page


def test_two_weeks_by_the_minute_are_drawn_with_few_queries(staff, band, django_assert_max_num_queries):
    for number in range(5):
        factory.static(band.alarm_set, band.metric, name=f"shop-{number}")

    with django_assert_max_num_queries(25):
        page = staff.get(chart(band, span="2w"))

    assert page.context["period"] == 60
    assert len(page.content) < 200_000


def test_another_width_is_another_page(staff, band):
    narrow = staff.get(chart(band, k=1.5)).context["own"]
    wide = staff.get(chart(band, k=6)).context["own"]
    patient = staff.get(chart(band, k=1.5, m=8, n=10)).context["own"]

    assert narrow.false_alarms_per_week > patient.false_alarms_per_week > wide.false_alarms_per_week
    assert (patient.m, patient.n) == (8, 10)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"k": "wide"}, "Enter a number"),
        ({"k": "nan"}, "Enter a number"),
        ({"m": "6"}, "M is 6 and N is 5"),
        ({"n": "0"}, "greater than or equal to 1"),
        ({"span": "5y"}, "Select a valid choice"),
    ],
)
def test_what_cannot_be_drawn_is_said(staff, band, asked, said):
    page = staff.get(chart(band, **asked))

    assert page.status_code == 400
    assert said in page.content.decode()


def test_an_alarm_without_data_has_an_empty_chart(staff):
    alarm = factory.static(factory.alarm_set(), factory.metric())

    assert "No data" in staff.get(chart(alarm)).content.decode()


def test_a_past_alarm_is_excluded_from_training_in_one_click(staff, band):
    past = staff.get(chart(band)).context["past_alarms"][0]
    answer = staff.post(
        reverse("alarm_exclude", args=[band.pk]),
        {"start": past["from"].isoformat(), "end": past["end"].isoformat()},
    )

    assert answer.status_code == 302
    row = ExcludedRange.objects.get()
    assert (row.starts_at, row.ends_at) == (past["from"], past["end"])
    assert row.detector.metric == band.metric
    again = staff.post(
        reverse("alarm_exclude", args=[band.pk]),
        {"start": past["from"].isoformat(), "end": past["end"].isoformat()},
        follow=True,
    )
    assert "It is excluded already" in again.content.decode()
    assert ExcludedRange.objects.count() == 1


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [("", "", "is not a time"), ("2026-01-02", "2026-01-01", "ends before it begins")],
)
def test_what_cannot_be_excluded_is_said(staff, band, start, end, said):
    answer = staff.post(reverse("alarm_exclude", args=[band.pk]), {"start": start, "end": end}, follow=True)

    assert said in answer.content.decode()
    assert not ExcludedRange.objects.exists()


def test_cloudwatch_takes_ten_excluded_ranges(staff, band):
    for day in range(11):
        staff.post(
            reverse("alarm_exclude", args=[band.pk]),
            {"start": f"2026-01-{day + 1:02}T00:00", "end": f"2026-01-{day + 1:02}T01:00"},
        )

    assert ExcludedRange.objects.count() == 10


def examined(*alarms):
    for alarm in Alarm.objects.judged_by_data():
        runner.examine_alarm(alarm, RegionSnapshot("", [alarm]), timezone.now())


def test_the_doctors_page_shows_the_gravest_first_and_mends_with_one_click(staff, band):
    examined()
    page = staff.get(reverse("alarm_doctor"))
    assert "Doctor" in page.content.decode()
    finding = Finding.objects.get(code="A01")

    staff.post(reverse("alarm_finding_fix", args=[finding.pk]))

    floor = Alarm.objects.get(role="floor")
    assert (floor.name, floor.threshold, floor.operator, floor.missing) == (
        "shop-floor",
        1.0,
        "LessThanThreshold",
        "breaching",
    )
    assert not Finding.objects.filter(code="A01").exists()
    staff.post(reverse("alarm_finding_fix", args=[Finding.objects.get(code="A02").pk]))
    assert Alarm.objects.get(role="ceiling").threshold_rule == "1.3 x max over 30 d"


def test_a_narrow_band_is_widened_and_then_found_healthy(staff, band):
    # The half hour of half as many is one alarm whatever the width.
    AlarmSet.objects.update(false_alarms_per_week=3)
    Alarm.objects.update(k=1.5)
    examined()
    finding = Finding.objects.get(code="A05")

    staff.post(reverse("alarm_finding_fix", args=[finding.pk]))

    band.refresh_from_db()
    assert band.k == finding.fix["values"]["k"] > 1.5
    assert not Finding.objects.filter(code="A05").exists()


@pytest.mark.parametrize(
    ("fix", "check"),
    [
        (
            {"do": "change_detector", "values": {"periodic_spikes": True}},
            lambda: Detector.objects.get().periodic_spikes,
        ),
        ({"do": "exclude", "values": {"places": [0, 600]}}, lambda: ExcludedRange.objects.count() == 1),
        (
            {"do": "change_alarm", "values": {"threshold": 7.0}},
            lambda: (Alarm.objects.get().threshold, Alarm.objects.get().threshold_at is None) == (7.0, False),
        ),
        (
            {"do": "end_mute", "values": {}},
            lambda: Alarm.objects.get().mutes.get().ends_at is not None,
        ),
    ],
    ids=lambda value: value.get("do") if isinstance(value, dict) else "",
)
def test_every_kind_of_fix(staff, fix, check):
    band = factory.band(factory.alarm_set(), factory.metric())
    band.alarm_set.mutes.create(name="shop-m", schedule="cron(0 0 * * *)", minutes=1440).alarms.add(band)
    finding = Finding.objects.create(
        alarm=band,
        code="A99",
        severity="note",
        rank=0,
        message="",
        fix={"label": "x", **fix},
        found_at=timezone.now(),
    )

    staff.post(reverse("alarm_finding_fix", args=[finding.pk]))

    assert check()


def test_of_two_who_click_at_once_one_makes_the_change(band):
    examined()
    finding = Finding.objects.get(code="A01")
    fixes.carry_out(Finding.objects.get(pk=finding.pk))

    with pytest.raises(fixes.CannotFix, match="It is done already"):
        fixes.carry_out(finding)

    assert Alarm.objects.get(role="floor").name == "shop-floor"


def test_of_an_alarm_that_was_deleted_meanwhile_nothing_is_kept(band):
    Alarm.objects.filter(pk=band.pk).delete()

    assert runner.store_findings([rules.unreadable("no data")], timezone.now(), alarm=band) == []


def test_a_companion_that_is_there_already_is_said(staff, band):
    factory.static(band.alarm_set, band.metric, enabled=False)
    examined()

    answer = staff.post(reverse("alarm_finding_fix", args=[Finding.objects.get(code="A01").pk]), follow=True)

    assert "There is an alarm shop-floor already" in answer.content.decode()


def test_findings_are_paged_with_a_constant_number_of_queries(staff, django_assert_max_num_queries):
    alarms = [
        factory.static(factory.alarm_set(f"s{n}"), factory.metric(f"m{n}"), name=f"s{n}-floor")
        for n in range(60)
    ]
    for alarm in alarms:
        Finding.objects.create(
            alarm=alarm, code="A11", severity="warning", rank=1, message=alarm.name, found_at=timezone.now()
        )

    with django_assert_max_num_queries(14):
        page = staff.get(reverse("alarm_doctor"))

    assert len(page.context["rows"]) == 50
    assert len(staff.get(reverse("alarm_doctor", query={"page": 2})).context["rows"]) == 10


def test_looking_again_replaces_what_was_found(staff, band):
    Finding.objects.create(
        alarm=band,
        code="A99",
        severity="note",
        rank=0,
        message="",
        found_at=timezone.now() - timedelta(days=9),
    )

    staff.post(reverse("alarm_examine", args=[band.pk]))

    assert "A99" not in set(Finding.objects.values_list("code", flat=True))


@pytest.mark.parametrize("name", ["alarm_chart", "alarm_doctor"])
def test_others_find_nothing_here(client, name):
    alarm = factory.static(factory.alarm_set(), factory.metric())
    address = reverse(name, args=[alarm.pk] if name == "alarm_chart" else [])

    assert client.get(address).status_code == 404
    assert client.post(reverse("alarm_exclude", args=[alarm.pk])).status_code == 404
    assert client.post(reverse("alarm_examine", args=[alarm.pk])).status_code == 404
