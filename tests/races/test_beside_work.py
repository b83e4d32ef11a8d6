"""What is done beside workers: it sees no halves of their work, spoils none, and deadlocks with nobody.

Only PostgreSQL lets others commit between two statements of a transaction, and lock what we want next: on
SQLite the first who writes shuts the others out.
"""

from contextlib import suppress
from functools import partial

import pytest
from django.contrib import admin
from django.db import connection, transaction
from django.utils import timezone

from alarms.doctor import rules, runner
from alarms.models import Finding
from labels.admin.photo import PhotoAdmin
from labels.bundles import chunks, lifecycle
from labels.bundles.part_content import PartContent
from labels.bundles.request import request_bundle
from labels.labelling import attempts, counts, decisions, rule_runs
from labels.models import Bundle, BundleChunk, BundlePart, Change, LabelCount, Photo, Renaming, RuleRun
from labels.rules import versions
from labels.rules.engine import ACTIVE, Decision
from labels.selection import summaries
from labels.selection.predicate import Selection
from tests import factory
from tests.alarms import factory as alarms_factory
from tests.detect_labels import answer, label
from tests.races.beside import Beside

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql]

_DOG = answer(label("Dog", 90))


@pytest.fixture
def photos(dan):
    photos = factory.many_photos(dan, 30)
    for photo in photos[:2]:
        factory.label_as(photo, _DOG)
    return photos


def _labelling(photos):
    return [partial(_label, photo) for photo in photos]


def _label(photo):
    # It may be deleted meanwhile.
    attempts.label_again(Photo.objects.filter(pk=photo.pk))
    if held := Photo.objects.claim(photo.pk, "a worker"):
        factory.record(held, [Decision("Dog", 90.0, ACTIVE)])


@pytest.mark.parametrize("repair", [False, True])
@pytest.mark.parametrize("differences", [counts.differences, summaries.differences])
def test_what_is_labelled_meanwhile_is_no_difference(dan, photos, differences, repair):
    beside = Beside(_labelling(photos[2:]))

    with connection.execute_wrapper(beside):
        found = differences(repair=repair)
    beside.join()

    assert found == []
    assert counts.differences() == summaries.differences() == []
    assert 2 < LabelCount.objects.get(owner=dan).count <= 30


@pytest.mark.parametrize("work", ["decision", "rule run"])
def test_work_that_waited_for_a_photo_resolves_the_answer_it_has_by_then(dan, work):
    photo = factory.photo(dan)
    factory.label_as(photo, _DOG)
    if work == "decision":
        change = decisions.decide(dan, dan, "add", "Mine", Photo.objects.all())
        held, module = Change.objects.claim(change.pk, "a worker"), decisions
    else:
        versions.put_in_force(dan)
        held, module = RuleRun.objects.claim(rule_runs.start().pk, "a worker"), rule_runs

    with transaction.atomic():
        Photo.objects.lock()
        beside = Beside([partial(module.carry_on, held)])
        with connection.execute_wrapper(beside):
            factory.label_as(photo, answer(label("Sea", 90)))
        if work == "rule run":
            # As if the worker had read the rules just before the new ones were in force.
            Photo.objects.update(rule_version=None)
    beside.join()

    assert factory.counts(dan) == {"Sea": 1, "Mine": 1} if work == "decision" else {"Sea": 1}
    assert not rule_runs.stale().exists()
    assert counts.differences() == summaries.differences() == []


def test_a_photo_is_deleted_while_others_of_its_owner_are_labelled(dan, photos):
    beside = Beside(_labelling(photos[2:]))

    with connection.execute_wrapper(beside):
        photos[0].delete()
    beside.join()

    assert counts.differences() == summaries.differences() == []
    assert LabelCount.objects.get(owner=dan).count > 2


def test_photos_are_deleted_in_the_admin_while_others_and_they_are_labelled(dan, photos):
    beside = Beside(_labelling([*photos[2:], *photos[:2]]))
    chosen = Photo.objects.filter(pk__in=[photo.pk for photo in photos[:12]])

    with connection.execute_wrapper(beside):
        PhotoAdmin(Photo, admin.site).delete_queryset(None, chosen)
    beside.join()

    assert counts.differences() == summaries.differences() == []
    assert Photo.objects.count() == 18


def test_a_download_is_cancelled_while_a_chunk_of_it_is_recorded(dan):
    factory.photo(dan)
    part = BundlePart.objects.create(
        bundle=factory.held_bundle(dan), number=1, first=0, stop=1, file_name="photos.zip", size=1000
    )
    for number in range(10):
        BundleChunk.objects.create(part=part, number=number, start=100 * number, end=100 * number + 100)
    layout, held = PartContent(part), [part.chunks.claim_next("a helper") for _ in range(10)]

    def record(chunk):
        with suppress(chunks.LeaseLost):
            chunks.record(chunk, layout, [], "")

    beside = Beside([partial(record, chunk) for chunk in held])
    with connection.execute_wrapper(beside):
        lifecycle.cancel(part.bundle)
    beside.join()

    assert Bundle.objects.get().status == Bundle.Status.CANCELLED
    assert not BundleChunk.objects.exists()


def test_a_download_is_asked_for_while_photos_of_it_are_deleted_and_labels_are_learnt(dan, photos):
    new = answer(label("Wolf", 90))
    works = [
        photos[2].delete,
        partial(factory.label_as, photos[3], new),
        photos[4].delete,
        *_labelling(photos[5:9]),
        photos[9].delete,
    ]

    beside = Beside(works)
    with connection.execute_wrapper(beside):
        bundle = request_bundle(dan, Selection(everything=True))
    beside.join()

    assert Photo.objects.count() == 27
    assert 27 <= bundle.photo_count == bundle.photos.count() <= 30


def test_two_who_rename_a_label_at_once_do_it_one_after_the_other(dan, photos):
    def rename(name):
        with suppress(decisions.NotDecided):
            decisions.rename(dan, dan, "Dog", name)

    beside = Beside([partial(rename, f"Dog {number}") for number in range(15)])
    with connection.execute_wrapper(beside):
        decisions.rename(dan, dan, "Dog", "Hound")
    beside.join()

    assert Renaming.objects.get().label.name == "Dog"


def test_an_alarm_that_several_examine_at_once_has_each_finding_once():
    alarm = alarms_factory.band(alarms_factory.alarm_set(), alarms_factory.metric())
    keep = partial(runner.store_findings, [rules.unreadable("no data")], timezone.now(), alarm=alarm)

    beside = Beside([keep] * 5)
    with connection.execute_wrapper(beside):
        keep()
    beside.join()

    assert Finding.objects.count() == 1
