"""Two people, or a person and a worker, at the same label in the same moment."""

import threading

import pytest
from django.db import connection

from labels.labelling import counts, decisions
from labels.models import Change, Photo, Verdict
from labels.selection import predicate, summaries
from labels.selection.predicate import Selection
from tests import factory
from tests.detect_labels import answer, label

pytestmark = pytest.mark.django_db(transaction=True)

DOG = answer(label("Dog", 90, ("Animal",)), label("Animal", 90), label("Sky", 80))


def _do(change):
    held = Change.objects.claim(change.pk, f"worker {change.pk}")
    assert decisions.carry_on(held)
    assert counts.differences() == []
    assert summaries.differences() == []


def _found(owner, name):
    return set(predicate.photos(owner, Selection(any=(name,))).values_list("pk", flat=True))


def _at_once(*works):
    """Do the works at the same moment, each in a thread with a database connection of its own."""
    start, troubles = threading.Barrier(len(works)), []

    def run(work):
        try:
            start.wait(timeout=30)
            work()
        except Exception as error:  # noqa: BLE001 (shown below)
            troubles.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert troubles == []


def _judging(owner, actor, action, name):
    photos = Photo.objects.filter(owner=owner)
    change = decisions.decide(owner, actor, action, name, photos, "all")
    held = Change.objects.claim(change.pk, f"worker {change.pk}")
    return lambda: decisions.carry_on(held)


def test_of_two_people_who_judge_one_label_at_once_neither_is_lost(dan, eve):
    for number, photo in enumerate(factory.many_photos(dan, 6)):
        factory.label_as(photo, DOG, "rekognition", str(number))
    for _ in range(3):
        _at_once(_judging(dan, dan, "remove", "Sky"), _judging(dan, eve, "add", "Sky"))

        verdicts = Verdict.objects.values_list("photo", "is_there")
        assert len(verdicts) == 6
        assert _found(dan, "Sky") == {photo for photo, is_there in verdicts if is_there}
        assert counts.differences() == []
        assert summaries.differences() == []

    assert set(Change.objects.values_list("status", flat=True)) == {"done"}
    # Whoever came first, taking all of it back leads to where it began.
    while change := decisions.undo(dan):
        _do(change)
    assert not Verdict.objects.exists()
    assert factory.counts(dan)["Sky"] == 6


def test_a_person_and_a_worker_who_label_one_photo_at_once_are_both_heard(dan):
    photos = factory.many_photos(dan, 6)
    for number, photo in enumerate(photos):
        factory.label_as(photo, DOG, "rekognition", str(number))

    def relabel():
        for number, photo in enumerate(photos):
            factory.label_as(
                photo, answer(label("Sky", 99), label("Sea", 99)), "rekognition", f"new {number}"
            )

    _at_once(relabel, _judging(dan, dan, "remove", "Sky"), _judging(dan, dan, "add", "Mine"))

    assert factory.counts(dan) == {"Sea": 6, "Mine": 6}
    assert counts.differences() == []
    assert summaries.differences() == []
