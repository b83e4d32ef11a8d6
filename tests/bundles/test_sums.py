"""The SHA-256 of an archive comes after the archive, whatever happens in between."""

import hashlib
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from labels import tasks
from labels.bundles import building, lifecycle, sums
from labels.maintenance.sweep import sweep
from labels.models import Bundle, BundlePart
from labels.workers import heartbeats
from labels.workers.lanes import BUNDLES
from photomgr.claim import new_lease_owner
from tests import factory
from tests.bundles import archives

pytestmark = pytest.mark.django_db


@pytest.fixture
def part(dan):
    """A finished archive nobody has hashed."""
    factory.photo(dan)
    bundle = factory.held_bundle(dan)
    building.build(bundle)
    return bundle.parts.get()


def _known(part):
    return BundlePart.objects.get(pk=part.pk).sha256


def _true(part):
    return hashlib.sha256(archives.content(part)).hexdigest()


def test_an_archive_can_be_fetched_before_its_sum_is_known_and_the_page_polls_on(client, part):
    page = client.get(part.bundle.get_absolute_url()).content.decode()

    assert part.sha256 == ""
    assert "is being worked out; you can download already" in page
    assert f'hx-get="{reverse("bundle_state", args=[part.bundle_id])}" hx-trigger="every 2s"' in page
    assert hashlib.sha256(b"".join(client.get(part.get_absolute_url()))).hexdigest() == _true(part)


def test_the_end_of_a_build_enqueues_the_sums_of_all_its_archives(dan, commits):
    for number in range(3):
        factory.photo(dan, (60 * number, 0, 0), name=f"{number}.jpg")
    bundle = factory.held_bundle(dan, part_bytes=1)

    with commits():
        building.build(bundle)

    assert [part.sha256 for part in bundle.parts.all()] == [_true(part) for part in bundle.parts.all()]
    assert bundle.parts.count() == 3


def test_a_sum_that_is_known_is_not_worked_out_again(part):
    BundlePart.objects.update(sha256="0" * 64)

    tasks.add_sum(part.pk)

    assert _known(part) == "0" * 64


def test_a_second_worker_leaves_a_sum_to_the_first_until_its_lease_is_over(part, settings):
    now = timezone.now()
    BundlePart.objects.update(lease_until=now + timedelta(seconds=5))
    tasks.add_sum(part.pk)
    assert _known(part) == ""

    BundlePart.objects.update(lease_until=now - timedelta(seconds=5))
    tasks.add_sum(part.pk)

    assert _known(part) == _true(part)
    assert BundlePart.objects.get(pk=part.pk).lease_until is None


def test_the_sweep_enqueues_a_sum_whose_task_was_lost(part, commits):
    with commits():
        assert sweep()["sums_enqueued"] == 1
    assert _known(part) == _true(part)

    with commits():
        assert sweep()["sums_enqueued"] == 0


@pytest.mark.parametrize("status", [Bundle.Status.BUILDING, Bundle.Status.FAILED, Bundle.Status.EXPIRED])
def test_an_archive_that_nobody_may_fetch_is_not_hashed(part, status):
    Bundle.objects.update(status=status)

    tasks.add_sum(part.pk)

    assert _known(part) == ""


def test_an_archive_that_is_gone_has_no_sum_and_is_no_fault(part, commits):
    Bundle.objects.update(expires_at=timezone.now())
    with commits():
        lifecycle.expire(timezone.now())

    assert sums.work_out(part) == ""
    tasks.add_sum(part.pk)


def test_the_sum_of_a_file_is_not_kept_with_the_row_of_another(part):
    true = _true(part)
    BundlePart.objects.update(file=f"{part.bundle_id}/another.zip")

    assert sums.work_out(part) == true
    assert _known(part) == ""


def test_a_worker_that_hashes_is_alive_without_a_heartbeat(part):
    assert not heartbeats.is_alive(BUNDLES)

    BundlePart.objects.lease(new_lease_owner())

    assert heartbeats.is_alive(BUNDLES)
