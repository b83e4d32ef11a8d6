"""Two sessions want the same row in the same moment: one gets it, and the other sees that.

Only PostgreSQL lets them come that close: SQLite has one writer, who sees what the one before him wrote.
"""

import threading
from contextlib import contextmanager

import pytest
from django.db import connection, transaction

from labels import tasks
from labels.bundles import building
from labels.bundles.building import join_build
from labels.labelling import attempts
from labels.models import BundleChunk, BundlePart, Photo
from tests import factory
from tests.live.processes import wait_for
from tests.races.beside import somebody_waits

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql]


@contextmanager
def _meanwhile(work):
    """Do the work in another session, which must come to wait for the rows that the block has changed."""
    troubles = []

    def run():
        try:
            work()
        except Exception as error:  # noqa: BLE001 (shown below)
            troubles.append(error)
        finally:
            connection.close()

    other = threading.Thread(target=run)
    with transaction.atomic():
        yield
        other.start()
        wait_for(lambda: somebody_waits(connection), "the other session waits")
    other.join(30)
    assert not other.is_alive()
    assert troubles == []


@pytest.fixture
def part(dan):
    factory.photo(dan)
    return BundlePart.objects.create(
        bundle=factory.held_bundle(dan), number=1, first=0, stop=1, file_name="photos.zip", size=1000
    )


def test_a_helper_never_takes_the_chunk_that_the_leader_has_just_taken(part):
    BundleChunk.objects.create(part=part, number=0, start=0, end=1000)

    with _meanwhile(lambda: join_build(part.bundle_id)):
        chunk = part.chunks.claim_next("the leader")

    assert BundleChunk.objects.held(chunk).exists()


def test_a_sum_is_worked_out_by_the_first_who_wants_it(dan):
    factory.photo(dan)
    bundle = factory.held_bundle(dan)
    building.build(bundle)
    part = bundle.parts.get()
    BundlePart.objects.update(sha256="", lease_until=None)

    with _meanwhile(lambda: tasks.add_sum(part.pk)):
        assert BundlePart.objects.claim_sum(part.pk)

    part.refresh_from_db()
    assert part.sha256 == ""


def test_a_photo_that_a_worker_has_just_taken_is_not_made_to_wait_again(dan):
    photo = factory.photo(dan)
    attempts.label_again(Photo.objects.all())
    joined = Photo.objects.filter(owner__username="dan")

    with _meanwhile(lambda: attempts.label_again(joined)):
        held = Photo.objects.claim(photo.pk, "a worker")

    assert Photo.objects.held(held).exists()
