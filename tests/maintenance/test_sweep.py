"""The sweep's steps stand alone: one that fails is recorded, and the others run."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from labels.bundles import building
from labels.maintenance.metrics import measure
from labels.maintenance.sweep import STEPS, sweep
from labels.models import Bundle, BundleChunk, BundlePart, Change, PhoneCode, Photo, RuleRun, SweepFailure
from labels.workers import heartbeats
from tests import factory


@pytest.fixture
def broken_table(transactional_db):
    """Take away the table that one step needs, and give it back."""
    table = PhoneCode._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO elsewhere")
        yield "phone_codes_cleared"
        cursor.execute(f"ALTER TABLE elsewhere RENAME TO {table}")


def test_a_step_that_fails_is_recorded_and_the_steps_after_it_run(broken_table):
    dan = factory.user("dan")
    factory.many_photos(dan, 1)
    building.build(factory.held_bundle(dan))
    Bundle.objects.update(expires_at=timezone.now())

    swept = sweep()

    assert swept["steps_failed"] == 1
    assert swept[broken_table] == 0
    assert list(STEPS).index(broken_table) < list(STEPS).index("bundles_expired")
    assert swept["bundles_expired"] == 1
    [failure] = SweepFailure.objects.all()
    assert failure.step == broken_table
    assert PhoneCode._meta.db_table in failure.error


@pytest.mark.django_db
def test_failed_steps_are_a_metric_of_their_minute():
    now = timezone.now()
    for seconds in (0, 30, 60):
        SweepFailure.objects.create(step="a", error="b", at=now + timedelta(seconds=seconds))

    found = measure(None, start=now, end=now + timedelta(minutes=1))

    assert [one.values for one in found if one.name == "SweepStepsFailed"] == [(2,)]


@pytest.mark.django_db
def test_failures_are_forgotten_after_two_weeks():
    for days in (13, 15):
        SweepFailure.objects.create(step="a", error="b", at=timezone.now() - timedelta(days=days))

    assert not any(sweep().values())
    assert not heartbeats.last_sweep()[1]
    assert SweepFailure.objects.count() == 1


@pytest.mark.django_db
def test_leases_of_a_clock_that_was_ahead_end_as_those_of_a_worker_that_died(dan):
    """Nobody could have such a row until the clock is there once more."""
    ahead = timezone.now() + timedelta(hours=9)
    held = {"lease_owner": "gone:1:a", "lease_until": ahead}
    factory.many_photos(dan, 1, status=Photo.WORKING)
    bundle = factory.held_bundle(dan)
    part = BundlePart.objects.create(bundle=bundle, number=1, first=0, stop=1, file="x", size=1)
    BundleChunk.objects.create(part=part, number=1, start=0, end=1)
    RuleRun.objects.create(status=RuleRun.WORKING)
    label = factory.label("Sea")
    Change.objects.create(owner=dan, actor=dan, action="rename", label=label, status=Change.WORKING)
    models = (Photo, type(bundle), BundlePart, BundleChunk, RuleRun, Change)
    for model in models:
        model.objects.update(**held)

    sweep()

    left = {model.__name__: model.objects.filter(lease_until__gte=ahead).count() for model in models}
    assert not any(left.values()), left
