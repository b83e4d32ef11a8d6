"""Anything people, rules and detectors may do, in any order: every number stays the number of files."""

import hashlib
import zipfile
from contextlib import suppress

import pytest
from django.http import QueryDict
from django.urls import reverse
from django.utils.http import urlencode
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from labels import tasks
from labels.bundles import building
from labels.bundles.request import request_bundle
from labels.bundles.totals import totals
from labels.labelling import counts, decisions, rule_runs
from labels.models import (
    Change,
    DetectionRun,
    LabelCount,
    LabelRule,
    Photo,
    PhotoLabel,
    Renaming,
    RuleRun,
    RuleVersion,
    Verdict,
)
from labels.rules import versions
from labels.selection import predicate, summaries
from labels.selection.predicate import Selection
from tests import factory
from tests.detect_labels import answer, label

pytestmark = pytest.mark.django_db


def _do(change):
    held = Change.objects.claim(change.pk, f"worker {change.pk}")
    assert decisions.carry_on(held)
    assert counts.differences() == []
    assert summaries.differences() == []


def _found(owner, name):
    return set(predicate.photos(owner, Selection(any=(name,))).values_list("pk", flat=True))


def _judge(owner, action, name, photos):
    chosen = Photo.objects.filter(pk__in=[photo.pk for photo in photos])
    _do(decisions.decide(owner, owner, action, name, chosen, "some"))


_NAMES = st.sampled_from(["Dog", "Animal", "Sky", "Cat", "Bomb", "Mine"])
_PHOTO = st.integers(0, 4)
_ANSWERS = st.lists(
    st.builds(
        lambda name, confidence: label(name, confidence, ("Animal",) if name in ("Dog", "Cat") else ()),
        _NAMES,
        st.sampled_from([30, 60, 90]),
    ),
    max_size=4,
)


class Library(RuleBasedStateMachine):
    """Anything people, rules and detectors may do, in any order."""

    @initialize()
    def begin(self):
        for model in (Verdict, Change, Renaming, RuleRun, PhotoLabel, LabelCount, Photo, DetectionRun):
            model.objects.all().delete()
        LabelRule.objects.all().delete()
        RuleVersion.objects.all().delete()
        versions.put_in_force(None)
        self.photos = [factory.photo(self.owner, size=(40 + number, 30)) for number in range(5)]
        self.said = {}

    def _photo(self, number):
        return Photo.objects.filter(pk=self.photos[number].pk).first()

    @rule(number=_PHOTO, labels=_ANSWERS)
    def label(self, number, labels):
        if photo := self._photo(number):
            factory.label_as(photo, answer(*labels))

    @rule(action=st.sampled_from(["hide", "review", "accept", "roll_up"]), name=_NAMES)
    def change_rules(self, action, name):
        LabelRule.objects.update_or_create(name=name, defaults={"action": action, "patterns": name})
        versions.put_in_force(None)
        if row := rule_runs.start():
            tasks.run_rules(row.pk)

    @rule()
    def take_rules_back(self):
        versions.go_back(None)
        if row := rule_runs.start():
            tasks.run_rules(row.pk)

    @rule(name=_NAMES, new=_NAMES)
    def rename(self, name, new):
        if name == new:
            return
        # Of a label that is not in the library nothing is done.
        with suppress(decisions.NotDecided):
            _do(decisions.rename(self.owner, self.owner, name, new))
            self.said.clear()  # What was said is said of the other label now.

    @rule(numbers=st.sets(_PHOTO), name=_NAMES, action=st.sampled_from(["add", "remove"]))
    def decide(self, numbers, name, action):
        photos = [photo for number in numbers if (photo := self._photo(number))]
        try:
            _judge(self.owner, action, name, photos)
        except decisions.NotDecided:
            assert action == "remove", "any label can be added"
            return
        if not Renaming.objects.exists():
            self.said.update({(photo.pk, name): action == "add" for photo in photos})

    @rule()
    def take_back(self):
        if change := decisions.undo(self.owner):
            _do(change)
            self.said.clear()

    @rule(number=_PHOTO)
    def delete(self, number):
        if photo := self._photo(number):
            photo.delete()

    @rule(
        ticked=_NAMES,
        one_more=_NAMES,
        excluded=st.sets(_NAMES, max_size=1),
        match=st.sampled_from(["any", "all"]),
    )
    def download(self, ticked, one_more, excluded, match):
        fields = [("match", match), ("label", ticked), *(("none", name) for name in excluded)]
        page = self.client.get(f"{reverse('labels')}?{urlencode(fields)}")
        promised = {row["name"]: row["count"] for row in page.context["rows"]}.get(one_more, 0)
        if one_more in excluded or not promised:
            return
        chosen = Selection.from_query(QueryDict(urlencode([*fields, ("label", one_more)])))
        bundle = request_bundle(self.owner, chosen, lease_owner="a worker")
        building.build(bundle)
        assert len(_files(bundle)) == promised
        assert _files(bundle) == set(predicate.photos(self.owner, chosen).values_list("sha256", flat=True))

    @invariant()
    def every_number_is_the_number_of_files(self):
        if not hasattr(self, "photos"):
            return
        assert counts.differences() == []
        assert summaries.differences() == []
        for name, count in factory.counts(self.owner).items():
            chosen = Selection(any=(name,))
            assert predicate.photos(self.owner, chosen).count() == count
            assert totals(predicate.Overview(self.owner, chosen), 10**9).photos == count

    @invariant()
    def what_a_person_said_is_so(self):
        for (photo_id, name), is_there in getattr(self, "said", {}).items():
            if Photo.objects.filter(pk=photo_id).exists():
                assert (photo_id in _found(self.owner, name)) == is_there


def _files(bundle):
    """Return the SHA-256 of every photo in the archives; no content is there twice."""
    digests = []
    for part in bundle.parts.all():
        with part.file.open() as file, zipfile.ZipFile(file) as archive:
            digests += [hashlib.sha256(archive.read(name)).hexdigest() for name in archive.namelist()[:-2]]
    assert len(digests) == len(set(digests))
    return set(digests)


def test_after_any_history_the_number_beside_the_box_is_the_number_of_files(client, dan):
    browser = client

    class Mine(Library):
        owner = dan
        client = browser

    run_state_machine_as_test(
        Mine,
        settings=settings(
            max_examples=12,
            stateful_step_count=10,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
