"""Whatever is done to one library at the same moment: nothing stops over it, and the numbers stay true.

Each piece of work is done once with pieces of all kinds beside it, one more after each of its statements
(tests.beside). PostgreSQL lets them come that close; on SQLite they would take turns.
"""

import json
import random
from contextlib import suppress
from itertools import count

import pytest
from django.db import connection
from django.test import Client

from labels.bundles import building, lifecycle
from labels.bundles.request import RequestRefused, request_bundle
from labels.labelling import attempts, counts, decisions, rule_runs
from labels.maintenance.sweep import sweep
from labels.models import Bundle, Change, DetectionRun, Photo, RuleRun
from labels.rules import versions
from labels.selection import summaries
from labels.selection.predicate import Selection
from tests import factory
from tests.detect_labels import answer, label
from tests.races.beside import Beside

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql]

_DOG = answer(label("Dog", 90, ("Animal",)), label("Animal", 90), label("Sky", 80))
# More than most pieces of work have statements; the rest of a longer one goes undisturbed.
_BESIDE = 40


class Library:
    """One person's photos, and what may be done to them; a piece of work that is refused is done, too."""

    def __init__(self, owner, seed):
        self.owner = owner
        self._numbers = count(1)
        self._chance = random.Random(seed)
        for photo in factory.many_photos(owner, 16):
            factory.label_as(photo, _DOG)
        for _ in range(4):
            self.upload()
        versions.put_in_force(owner)

    def upload(self):
        number = next(self._numbers)
        # Labelled at once: here the queue answers after each commit.
        factory.photo(self.owner, factory.RED, (100 + number, 60), f"new {number}.jpg")

    def label_one(self):
        photo, number = self._any(), next(self._numbers)
        found = answer(label("Sky", 80), label(f"Thing {number % 5}", 70, (f"Kind {number % 3}",)))
        run = DetectionRun.objects.create(
            content_sha256=photo.sha256,
            detector="factory",
            version=f"at once {number}",
            response=json.dumps(found),
        )
        attempts.label_again(Photo.objects.filter(pk=photo.pk))
        # None: deleted meanwhile, or in another's hands.
        if held := Photo.objects.claim(photo.pk, self._name()):
            rules = versions.in_force()
            factory.record(held, rules.decide(held, run), run, rules)

    def label_all_again(self):
        attempts.label_again(Photo.objects.filter(owner__username=self.owner.username))

    def delete_one(self):
        # Two workers may delete the same.
        with suppress(Photo.DoesNotExist, ValueError):
            self._any().delete()

    def judge(self):
        action = self._chance.choice(("add", "remove", "confirm"))
        photos = Photo.objects.filter(owner=self.owner)
        with suppress(decisions.NotDecided):
            _carry_out(decisions.decide(self.owner, self.owner, action, "Sky", photos, "all"))

    def rename(self):
        with suppress(decisions.NotDecided):
            name = f"Hound {next(self._numbers) % 3}"
            _carry_out(decisions.rename(self.owner, self.owner, "Dog", name))

    def take_back(self):
        with suppress(decisions.NotDecided):
            if change := decisions.undo(self.owner):
                _carry_out(change)

    def run_rules(self):
        versions.put_in_force(self.owner)
        begun = rule_runs.start()
        if held := begun and RuleRun.objects.claim(begun.pk, self._name()):
            rule_runs.carry_on(held, size=5)

    def ask(self):
        with suppress(RequestRefused):
            request_bundle(self.owner, Selection(any=("Sky",)))

    def build(self):
        with suppress(RequestRefused):
            building.build(request_bundle(self.owner, Selection(everything=True), lease_owner=self._name()))

    def cancel(self):
        for bundle in Bundle.objects.all():
            lifecycle.cancel(bundle)

    def retry(self):
        for bundle in Bundle.objects.all():
            with suppress(RequestRefused):
                lifecycle.retry(bundle)

    def look(self):
        client = Client()
        client.force_login(self.owner)
        for url in ("/", "/labels/?label=Sky", "/bundles/"):
            assert client.get(url).status_code == 200

    def sweep(self):
        sweep()

    def check(self):
        counts.differences(repair=True)
        summaries.differences(repair=True)

    def some(self, number):
        """Return so many pieces of work of all kinds, with few deletions: something has to be left."""
        kinds = [getattr(self, name) for name in WORK if name != "delete_one"]
        works = self._chance.choices(kinds, k=number)
        works[:: number // 4] = [self.delete_one] * len(works[:: number // 4])
        return works

    def _any(self):
        return self._chance.choice(Photo.objects.order_by("pk"))

    def _name(self):
        return f"worker {next(self._numbers)}"


WORK = [name for name in vars(Library) if not name.startswith("_") and name != "some"]


def _carry_out(change):
    if held := Change.objects.claim(change.pk, f"worker {change.pk}"):
        decisions.carry_on(held)


@pytest.mark.parametrize("work", WORK)
def test_all_that_is_done_at_the_same_moment_succeeds_and_the_numbers_stay_true(dan, work):
    library = Library(dan, seed=work)

    beside = Beside(library.some(_BESIDE))
    with connection.execute_wrapper(beside):
        getattr(library, work)()
    beside.join()

    assert counts.differences() == []
    assert summaries.differences() == []
    assert Photo.objects.exists()
