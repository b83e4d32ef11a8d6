"""Rules over the library: the dry run says what applying does; going back brings all of it back."""

from collections import Counter
from datetime import timedelta

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from labels import tasks
from labels.labelling import counts, rule_runs
from labels.maintenance import sweep
from labels.models import DetectionRun, LabelRule, Photo, PhotoLabel, RuleRun, RuleVersion
from labels.rules import versions
from labels.selection import summaries
from tests import detect_labels, factory
from tests.detect_labels import answer, label
from tests.matrix import examples

pytestmark = pytest.mark.django_db


@pytest.fixture
def library(dan):
    photos = factory.many_photos(dan, 6)
    answers = [detect_labels.FLAGS["cuba"], detect_labels.PORTUGAL, detect_labels.UKRAINE]
    answers += [answer(label("Dog", 90, ("Animal",)), label("Animal", 90), label("Sky", 60))] * 3
    for number, (photo, found) in enumerate(zip(photos, answers, strict=True)):
        factory.label_as(photo, found, "rekognition", str(number))
    return photos


@pytest.fixture
def staff(client, dan):
    dan.is_staff = dan.is_superuser = True
    dan.save()
    return client


def _shown():
    return set(PhotoLabel.objects.visible().values_list("photo_id", "label__name"))


def _rows():
    rows = PhotoLabel.objects.order_by("photo", "label")
    return list(rows.values("photo", "label", "status", "source", "confidence", "run", "rule", "why"))


def _raw():
    return list(DetectionRun.objects.order_by("pk").values_list("response", flat=True))


def _in_line():
    assert counts.differences() == []
    assert summaries.differences() == []


def _finish(row):
    held = RuleRun.objects.claim(row.pk, "a worker")
    assert rule_runs.carry_on(held)
    row.refresh_from_db()
    return row


def test_nothing_is_run_while_all_photos_follow_the_rules(library):
    assert rule_runs.start() is None


def test_the_dry_run_says_what_applying_then_does(library):
    LabelRule.objects.create(name="No sky", action="hide", patterns="Sky")
    LabelRule.objects.create(name="Dogs", action="replace", patterns="Dog", target="Flag")
    LabelRule.objects.create(name="Texture", action="review", patterns="Texture")
    LabelRule.objects.filter(name="Weapons wait for a person").delete()
    LabelRule.objects.filter(name="Weapons by name wait for a person").delete()
    before, raw = _shown(), _raw()

    # Flag brings Symbol along, which was learnt to lie above it.
    dry = _finish(rule_runs.start_dry())

    assert _shown() == before  # It changed nothing.
    assert dry.found["counts"] == {"hidden": 3, "replaced": 3, "review": 1, "added": 6 + 4}
    assert dry.found["examples"]["review"] == [library[2].pk]

    versions.put_in_force(None)
    done = _finish(rule_runs.start())

    after = _shown()
    assert len(before - after) == 3 + 3 + 1
    assert len(after - before) == 6 + 4
    assert (done.done, done.total, done.status) == (6, 6, "done")
    assert done.changed == 5  # Cuba's flag stays as it is.
    assert _raw() == raw
    _in_line()


def test_going_back_brings_every_label_back_without_a_call(library):
    before, raw = _rows(), _raw()
    LabelRule.objects.all().delete()
    LabelRule.objects.create(name="Nothing", action="hide", match="glob", patterns="*")
    versions.put_in_force(None)
    _finish(rule_runs.start())
    assert _shown() == set()

    version = versions.go_back(None)
    _finish(rule_runs.start())

    assert version.note == f"Back to rules {RuleVersion.objects.last().pk}"
    assert _rows() == before
    assert _raw() == raw
    assert not versions.is_changed()
    _in_line()


def test_a_second_run_changes_nothing(library):
    LabelRule.objects.create(name="No sky", action="hide", patterns="Sky")
    versions.put_in_force(None)
    row = _finish(rule_runs.start())
    before = _rows()

    tasks.run_rules(row.pk)
    Photo.objects.update(rule_version=None)
    again = _finish(rule_runs.start())

    assert again.changed == 0
    assert _rows() == before


class _Killed(BaseException):
    """What happens to a worker in the middle of a chunk."""


def test_a_run_that_was_killed_goes_on_where_it_was(library):
    LabelRule.objects.create(name="No sky", action="hide", patterns="Sky")
    versions.put_in_force(None)
    row = rule_runs.start()
    writes = Counter()

    def die(execute, sql, *arguments):
        writes["photos"] += sql.startswith('UPDATE "labels_photo" SET "rule_version_id"')
        if writes["photos"] == 3:
            raise _Killed
        return execute(sql, *arguments)

    with pytest.raises(_Killed), connection.execute_wrapper(die):
        rule_runs.carry_on(RuleRun.objects.claim(row.pk, "a worker that dies"), size=2)

    assert rule_runs.stale().count() == 2
    _in_line()

    RuleRun.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    _finish(row)

    assert (row.done, rule_runs.stale().count()) == (6, 0)
    _in_line()


def test_a_run_whose_turn_is_over_waits_for_the_next_one_and_counts_no_attempt(library):
    LabelRule.objects.create(name="No sky", action="hide", patterns="Sky")
    versions.put_in_force(None)
    held = RuleRun.objects.claim(rule_runs.start().pk, "a worker")

    assert not held.carry_on(lambda: True, seconds=0)

    held.refresh_from_db()
    assert (held.status, held.attempts, held.lease_owner) == ("waiting", 0, "")
    assert RuleRun.objects.claim(held.pk, "another worker")


def test_who_lost_the_run_to_another_worker_writes_nothing(library):
    LabelRule.objects.create(name="No sky", action="hide", patterns="Sky")
    versions.put_in_force(None)
    held = RuleRun.objects.claim(rule_runs.start().pk, "a worker")
    RuleRun.objects.update(lease_owner="another")
    before = _rows()

    assert rule_runs.carry_on(held)

    assert _rows() == before
    assert RuleRun.objects.get().status == "running"


def test_a_photo_labelled_by_rules_that_were_replaced_meanwhile_is_found_by_the_sweep(library, commits):
    rules = versions.in_force()
    LabelRule.objects.create(name="No sky", action="hide", patterns="Sky")
    versions.put_in_force(None)
    _finish(rule_runs.start())
    photo = library[5]
    Photo.objects.filter(pk=photo.pk).update(
        status="labelling", lease_owner="slow", rule_version=rules.version
    )
    held = Photo.objects.get(pk=photo.pk)
    factory.record(held, rules.decide(held, held.run), held.run, rules)
    assert (photo.pk, "Sky") in _shown()

    with commits():
        sweep.sweep()

    assert (photo.pk, "Sky") not in _shown()
    _in_line()


def test_what_a_person_said_stays(library):
    factory.judge(library[3], "Sky", is_there=False)
    factory.judge(library[4], "Dog", is_there=True)
    LabelRule.objects.create(name="No dogs", action="hide", patterns="Dog")
    LabelRule.objects.create(name="Sky", action="accept", patterns="Sky", min_confidence=10)
    versions.put_in_force(None)
    _finish(rule_runs.start())

    assert (library[4].pk, "Dog") in _shown()
    assert (library[3].pk, "Sky") not in _shown()
    assert (library[5].pk, "Dog") not in _shown()


def test_staff_see_what_would_change_apply_it_and_go_back(staff, library):
    LabelRule.objects.create(name="No sky", action="hide", patterns="Sky")
    assert "The edited rules are not in force yet." in staff.get(reverse("rules")).content.decode()

    page = staff.post(reverse("rules_try"), follow=True).content.decode()
    assert "On 6 photos they would hide 3." in page
    assert f"/photos/{library[3].pk}/" in page

    page = staff.post(reverse("rules_apply"), follow=True).content.decode()
    assert "6 photos are brought in line." in page
    assert "6 photos looked at, 3 changed." in page
    assert not any(name == "Sky" for _, name in _shown())

    page = staff.post(reverse("rules_undo"), follow=True).content.decode()
    assert sum(name == "Sky" for _, name in _shown()) == 3
    assert not LabelRule.objects.filter(name="No sky").exists()
    assert "All rules below are in force." in page


_ACTIONS = st.sampled_from(["hide", "accept", "review", "roll_up", "drop_children"])
_RULES = st.lists(
    st.tuples(_ACTIONS, st.sampled_from(["Dog", "Animal", "Sky", "Flag", "*"]), st.none() | st.just(80)),
    max_size=3,
)


@examples(6)
@given(_RULES)
def test_any_rules_change_what_the_dry_run_says(library, chosen):
    LabelRule.objects.all().delete()
    for number, (action, pattern, limit) in enumerate(chosen):
        LabelRule.objects.create(
            name=f"{number}", action=action, match="glob", patterns=pattern, min_confidence=limit
        )
    before = _shown()
    found = _finish(rule_runs.start_dry()).found["counts"]
    versions.put_in_force(None)
    if row := rule_runs.start():
        _finish(row)

    after = _shown()
    assert len(after - before) == found.get("added", 0)
    assert len(before - after) == sum(found.values()) - found.get("added", 0)
    _in_line()
