"""A plan carried out: recorded, refused when stale, convergent wherever it stopped."""

import threading
from contextlib import contextmanager
from datetime import timedelta
from functools import partial

import pytest
from django.db import connection
from django.utils import timezone

from alarms import tasks
from alarms.apply.carry_out import Invalid, Stale, apply, carry_out
from alarms.apply.prepare import plan_for
from alarms.models import Alarm, Change, Run
from tests.alarms import factory
from tests.alarms.cloudwatch_wire import CHANGES
from tests.alarms.definitions import static
from tests.matrix import first_in_gate

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


@pytest.fixture
def shop():
    """A set with a floor, two bands and a composite over them."""
    shop = factory.alarm_set(owner="dan")
    orders, errors = factory.metric(), factory.metric("errors")
    factory.static(shop, orders)
    factory.band(shop, orders)
    factory.band(shop, errors, name="shop-errors")
    Alarm.objects.create(
        alarm_set=shop, name="shop-any", kind="composite", rule='ALARM("shop-floor") OR ALARM("shop-band")'
    )
    return shop


def test_applied_twice_there_is_nothing_to_do(wire, shop, dan):
    run = apply(shop, user=dan)

    assert run.outcome == Run.Outcome.DONE
    assert set(wire.alarms) == {"shop-floor", "shop-band", "shop-errors"}
    assert set(wire.composites) == {"shop-any"}
    assert len(wire.detectors) == 2
    assert wire.tags[wire.alarms["shop-floor"]["AlarmArn"]] == {"Owner": "dan"}
    assert apply(shop, user=dan) is None
    assert plan_for(shop, tags=True).plan.changes == ()


def test_every_change_is_recorded_with_who_and_when(wire, shop, dan):
    run = apply(shop, user=dan)
    Alarm.objects.filter(name="shop-floor").update(threshold=5)
    second = apply(shop, who="cron")

    assert (run.user, run.who, second.who) == (dan, "dan", "cron")
    assert run.changes.count() == 6
    change = second.changes.get()
    assert (change.verb, change.subject, change.name) == ("update", "alarm", "shop-floor")
    assert change.fields == [["Threshold", 1.0, 5.0]]
    assert change.outcome == Change.Outcome.DONE and change.done_at
    assert (run.cost_before, run.cost_after) == (0, 0.1 + 0.3 + 0.3 + 0.5)


def test_a_stale_plan_is_refused(wire, shop):
    confirmed = plan_for(shop).plan.fingerprint
    wire.PutMetricAlarm(static(Threshold=7.0))

    with pytest.raises(Stale, match="Look at the new plan"):
        apply(shop, fingerprint=confirmed)

    assert not Run.objects.exists()
    assert set(wire.alarms) == {"shop-floor"}


def test_a_set_with_a_problem_is_not_applied_at_all(wire, shop):
    Alarm.objects.filter(name="shop-band").update(datapoints=9)

    with pytest.raises(Invalid, match="DatapointsToAlarm is 9"):
        apply(shop)

    assert wire.calls["PutMetricAlarm"] == 0


@pytest.mark.parametrize("left", first_in_gate(3, 0, 1, 2, 4, 5, count=2))
def test_stopped_after_any_change_it_converges(wire, shop, left):
    wire.changes_left = left
    run = apply(shop)
    assert run.outcome == (Run.Outcome.PARTIAL if left else Run.Outcome.FAILED)
    assert run.changes.filter(outcome="done").count() == left
    wire.changes_left = None
    assert apply(shop).outcome == Run.Outcome.DONE
    assert plan_for(shop).plan.changes == ()


@pytest.mark.parametrize("left", first_in_gate(3, 0, 1, 2, 4, 5, count=2))
def test_deleting_stopped_after_any_change_leaves_no_detector_in_the_end(wire, shop, left):
    apply(shop)
    Alarm.objects.update(enabled=False)
    wire.changes_left = left
    apply(shop)
    wire.changes_left = None
    apply(shop)
    assert (wire.alarms, wire.composites, wire.detectors) == ({}, {}, [])


def test_a_band_that_is_gone_from_the_configuration_takes_its_detector_along(wire, shop):
    apply(shop)
    Alarm.objects.filter(name="shop-errors").delete()
    assert plan_for(shop).plan.unmanaged == ("shop-errors",)

    apply(shop, prune=True)

    assert set(wire.alarms) == {"shop-floor", "shop-band"}
    assert [row["SingleMetricAnomalyDetector"]["MetricName"] for row in wire.detectors] == ["orders"]


def test_nothing_is_deleted_while_something_else_failed(wire, shop):
    apply(shop)
    Alarm.objects.filter(name="shop-errors").update(enabled=False)
    Alarm.objects.filter(name="shop-floor").update(threshold=2)
    wire.changes_left = 0

    run = apply(shop)

    wire.changes_left = None
    assert [change.outcome for change in run.changes.all()] == ["failed", "waiting", "waiting"]
    assert "shop-errors" in wire.alarms


def test_tags_are_compared_when_asked_for(wire, shop):
    apply(shop)
    shop.owner = "eve"
    shop.save()
    assert plan_for(shop).plan.changes == ()

    apply(shop, tags=True)

    assert {tuple(tags.items()) for tags in wire.tags.values()} == {(("Owner", "eve"),)}
    assert wire.calls["PutMetricAlarm"] == 3


def test_the_local_backend_does_the_same(settings, shop):
    settings.ALARMS_BACKEND = "local"

    assert apply(shop).outcome == Run.Outcome.DONE
    assert apply(shop) is None
    Alarm.objects.update(enabled=False)
    apply(shop)

    existing = plan_for(shop).existing
    assert (existing.alarms, existing.detectors) == ({}, {})


@contextmanager
def stopped_at_first_change(wire, work):
    """Carry out the block while `work` stands in its first change in another thread; then let it go on."""
    reached, go_on = threading.Event(), threading.Event()

    def stop(moment):
        if not reached.is_set() and any(wire.calls[operation] for operation in CHANGES):
            reached.set()
            go_on.wait(30)

    def run():
        try:
            work()
        finally:
            connection.close()

    wire.at_call = stop
    worker = threading.Thread(target=run)
    worker.start()
    assert reached.wait(30)
    try:
        yield Run.objects.get()
    finally:
        go_on.set()
        worker.join(30)


@pytest.mark.django_db(transaction=True)
def test_a_second_apply_leaves_a_live_run_alone(wire, shop):
    with stopped_at_first_change(wire, partial(apply, shop)) as first:
        second = apply(shop)
        first.refresh_from_db()
        assert (first.outcome, second.outcome) == (Run.Outcome.RUNNING, Run.Outcome.DONE)

    first.refresh_from_db()
    assert (first.outcome, first.lease_owner) == (Run.Outcome.DONE, "")


@pytest.mark.django_db(transaction=True)
def test_a_second_delivery_leaves_a_live_run_alone(wire, shop, dan):
    asked = Run.objects.open(shop, dan, fingerprint=plan_for(shop).plan.fingerprint)

    with stopped_at_first_change(wire, partial(carry_out, asked.pk)):
        calls = wire.calls.total()
        carry_out(asked.pk)
        assert wire.calls.total() == calls

    carry_out(asked.pk)
    asked.refresh_from_db()
    assert asked.outcome == Run.Outcome.DONE
    assert asked.changes.count() == 6


def test_a_run_whose_task_was_lost_is_enqueued_by_the_tick(wire, shop, dan):
    apply(shop)
    Alarm.objects.filter(name="shop-errors").delete()
    asked = Run.objects.open(shop, dan, fingerprint=plan_for(shop, prune=True).plan.fingerprint, prune=True)
    tasks.tick()
    asked.refresh_from_db()
    assert asked.outcome == Run.Outcome.RUNNING

    Run.objects.filter(pk=asked.pk).update(started_at=timezone.now() - timedelta(minutes=3))
    tasks.tick()

    asked.refresh_from_db()
    assert asked.outcome == Run.Outcome.DONE
    assert "shop-errors" not in wire.alarms


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("end", [apply, lambda shop: tasks.tick()], ids=["the next apply", "the sweep"])
def test_a_run_whose_lease_ran_out_is_ended_and_writes_no_more(wire, shop, end):
    with stopped_at_first_change(wire, partial(apply, shop)) as killed:
        waiting = Run.objects.create(alarm_set=shop, backend="cloudwatch", who="dan")
        Run.objects.filter(pk=killed.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
        end(shop)

    killed.refresh_from_db()
    waiting.refresh_from_db()
    assert killed.outcome == Run.Outcome.PARTIAL and "interrupted" in killed.reason and killed.finished_at
    assert killed.changes.filter(outcome=Change.Outcome.DONE).count() == 1
    assert waiting.outcome == Run.Outcome.RUNNING
