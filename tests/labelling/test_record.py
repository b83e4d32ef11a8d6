"""Labels and counts through the one write path: exact, whatever comes twice or late."""

import threading

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from labels.labelling import attempts, counts
from labels.models import Label, LabelCount, Photo, PhotoLabel, Verdict
from labels.rules.engine import ACTIVE, SUGGESTED, Decision
from labels.selection import summaries
from tests import factory


def _claimed(photo, lease_owner="worker"):
    attempts.label_again(Photo.objects.filter(pk=photo.pk))
    return Photo.objects.claim(photo.pk, lease_owner)


def _record(photo, *decisions):
    """Claim the photo as a worker does and give it these labels: names, or (name, active)."""
    pairs = [decision if isinstance(decision, tuple) else (decision, True) for decision in decisions]
    return factory.record(
        _claimed(photo),
        [Decision(name, 90.0 if shown else 30.0, ACTIVE if shown else SUGGESTED) for name, shown in pairs],
    )


def _counts(owner):
    rows = LabelCount.objects.filter(owner=owner, count__gt=0)
    return {row.label.name: row.count for row in rows.select_related("label")}


@pytest.fixture
def photo(dan):
    [photo] = factory.many_photos(dan, 1, status=Photo.Status.PENDING)
    return photo


@pytest.mark.django_db
def test_labels_are_counted_once_for_each_photo(dan, eve):
    for photo in factory.many_photos(dan, 3) + factory.many_photos(eve, 1):
        _record(photo, "Sky", "Sea")

    assert _counts(dan) == {"Sky": 3, "Sea": 3}
    assert _counts(eve) == {"Sky": 1, "Sea": 1}


@pytest.mark.django_db
def test_a_suggestion_is_kept_and_not_counted(photo, dan):
    _record(photo, "Sky", ("Perhaps", False))

    assert photo.photo_labels.get(label__name="Perhaps").status == PhotoLabel.Status.SUGGESTED
    assert _counts(dan) == {"Sky": 1}


@pytest.mark.django_db
def test_another_answer_replaces_the_labels_and_their_counts(photo, dan):
    _record(photo, "Sky", "Sea", ("Perhaps", False))

    _record(photo, "Sea", "Perhaps", ("Sky", False))
    assert _counts(dan) == {"Sea": 1, "Perhaps": 1}

    _record(photo)
    assert _counts(dan) == {}
    assert not photo.photo_labels.exists()


@pytest.mark.django_db
def test_a_labelled_photo_is_free_and_its_trouble_forgotten(photo):
    Photo.objects.update(failure_code="old", failure_reason="Old trouble.", attempts=2)

    _record(photo, "Sky")

    photo.refresh_from_db()
    assert photo.status == Photo.Status.LABELLED
    assert photo.labelled_at
    assert (photo.attempts, photo.failure_code, photo.failure_reason) == (0, "", "")
    assert (photo.lease_owner, photo.lease_until) == ("", None)


@pytest.mark.django_db
@pytest.mark.parametrize("how", ["another holds it", "it is done", "it is gone"])
def test_a_lost_claim_changes_nothing(photo, dan, how):
    held = _claimed(photo)
    if how == "another holds it":
        Photo.objects.update(lease_owner="another")
    elif how == "it is done":
        factory.record(held, [Decision("Sky", 90.0, ACTIVE)])
    else:
        photo.delete()
    before = list(Photo.objects.values()), _counts(dan)

    recorded = factory.record(held, [Decision("Sea", 90.0, ACTIVE)])
    failed = attempts.fail(held, "code", "Reason.")
    postponed = attempts.postpone(held, "code", "Reason.")

    assert (recorded, failed, postponed) == (False, 0, 0)
    assert (list(Photo.objects.values()), _counts(dan)) == before
    assert not Label.objects.filter(name="Sea").exists()


@pytest.mark.django_db
@pytest.mark.parametrize("answer", [["Sky"], [("Sky", False)], []], ids=["found", "suggested", "not found"])
@pytest.mark.parametrize("decided", [PhotoLabel.Status.CONFIRMED, PhotoLabel.Status.REJECTED])
def test_a_persons_decision_survives_every_later_answer(photo, dan, decided, answer):
    _record(photo, "Sky")
    factory.judge(photo, "Sky", decided == PhotoLabel.Status.CONFIRMED)

    _record(photo, *answer)

    row = photo.photo_labels.get()
    assert (row.status, row.confidence) == (decided, 90.0)
    assert _counts(dan) == ({"Sky": 1} if decided == PhotoLabel.Status.CONFIRMED else {})
    assert counts.differences() == []


@pytest.mark.django_db
def test_a_label_a_person_added_stays_when_the_detector_does_not_see_it(photo, dan):
    _record(photo, "Sky")
    Verdict.objects.create(
        photo=photo, label=factory.label("Holiday"), is_there=True, added=True, at=timezone.now()
    )

    _record(photo, "Sea")

    assert _counts(dan) == {"Sea": 1, "Holiday": 1}


@pytest.mark.django_db
def test_spellings_of_one_name_are_one_label(dan):
    one, two = factory.many_photos(dan, 2)

    _record(one, "Straße")
    _record(two, "STRASSE")

    assert _counts(dan) == {"Straße": 2}


@pytest.mark.django_db
def test_parents_are_learnt_once_and_shown_with_their_child(dan):
    decision = Decision("Dog", 99.0, ACTIVE, parents=("Animal", "Pet", "DOG"))

    for photo in factory.many_photos(dan, 2):
        factory.record(_claimed(photo), [decision])

    dog = Label.objects.get(name="Dog")
    assert sorted(parent.name for parent in dog.parents.all()) == ["Animal", "Pet"]
    assert Label.parents.through.objects.count() == 2
    assert _counts(dan) == {"Dog": 2, "Animal": 2, "Pet": 2}


@pytest.mark.django_db
def test_deleting_a_photo_takes_it_out_of_the_counts(dan):
    one, two = factory.many_photos(dan, 2)
    _record(one, "Sky", "Sea")
    _record(two, "Sky")

    one.delete()

    assert _counts(dan) == {"Sky": 1}
    assert counts.differences() == []


@pytest.mark.django_db
def test_an_account_goes_with_all_that_is_counted_in_as_many_queries_for_a_few_photos_as_for_many():
    asked = []
    for name, number in (("few", 2), ("many", 30)):
        owner = factory.user(name)
        for photo in factory.many_photos(owner, number):
            factory.give_labels(photo, "Sea", "Sky")
        with CaptureQueriesContext(connection) as queries:
            owner.delete()
        asked.append(len(queries))

    assert asked[0] == asked[1]
    assert not (Photo.objects.exists() or PhotoLabel.objects.exists() or LabelCount.objects.exists())
    assert counts.differences() == summaries.differences() == []


@pytest.mark.django_db
def test_differences_are_named_and_mended(photo, dan):
    _record(photo, "Sky", "Sea")
    LabelCount.objects.filter(label__name="Sky").update(count=7)
    LabelCount.objects.filter(label__name="Sea").delete()
    lost = Label.objects.create(name="Lost")
    LabelCount.objects.create(owner=dan, label=lost, count=3)
    sky, sea = Label.objects.get(name="Sky"), Label.objects.get(name="Sea")
    wrong = sorted([(dan.pk, sky.pk, 7, 1), (dan.pk, sea.pk, 0, 1), (dan.pk, lost.pk, 3, 0)])

    assert counts.differences() == wrong
    assert counts.differences(repair=True) == wrong
    assert counts.differences() == []
    assert _counts(dan) == {"Sky": 1, "Sea": 1}


@pytest.mark.django_db
def test_labelling_again_leaves_held_photos_to_their_worker(dan):
    held, done, failed = factory.many_photos(dan, 3)
    _claimed(held)
    Photo.objects.filter(pk=failed.pk).update(
        status=Photo.Status.FAILED, failure_code="x", failure_reason="X.", attempts=5
    )

    ids = attempts.label_again(Photo.objects.all())

    assert sorted(ids) == [done.pk, failed.pk]
    failed.refresh_from_db()
    assert (failed.status, failed.attempts) == (Photo.Status.PENDING, 0)
    assert (failed.failure_code, failed.failure_reason) == ("", "")


_NAMES = st.sampled_from(["Sky", "SKY", "Sea", "Straße", "strasse", "Dog"])
_DECISIONS = st.lists(
    st.builds(
        Decision,
        _NAMES,
        st.floats(0, 100),
        st.sampled_from([ACTIVE, SUGGESTED]),
        st.lists(_NAMES, max_size=2).map(tuple),
    ),
    max_size=5,
)
_STEPS = st.lists(
    st.tuples(
        st.sampled_from(["label", "label", "twice", "late", "fail", "delete", "decide"]),
        st.integers(0, 3),
        _DECISIONS,
    ),
    max_size=12,
)


def _step(what, photo, decisions):
    if what == "delete":
        photo.delete()
        return
    if what == "decide":
        for row in photo.photo_labels.select_related("label"):
            factory.judge(photo, row.label.name, is_there=False)
        return
    held = _claimed(photo)
    if what == "fail":
        attempts.fail(held, "x", "X.")
        return
    if what == "late":
        Photo.objects.filter(pk=photo.pk).update(lease_owner="another", status=Photo.Status.PENDING)
    factory.record(held, decisions)
    if what == "twice":
        factory.record(held, decisions[1:])


@given(steps=_STEPS)
@hypothesis_settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@pytest.mark.django_db
def test_after_any_history_the_counts_are_the_truth(dan, steps):
    Photo.objects.all().delete()
    photos = factory.many_photos(dan, 4)

    for what, number, decisions in steps:
        photo = Photo.objects.filter(pk=photos[number].pk).first()
        if photo:
            _step(what, photo, decisions)
        assert counts.differences() == []

    visible = PhotoLabel.objects.visible().count()
    assert sum(_counts(dan).values()) == visible


@pytest.mark.django_db(transaction=True)
def test_two_workers_with_the_same_new_labels_count_exactly(dan):
    photos = factory.many_photos(dan, 12, status=Photo.Status.PENDING)
    names = ["Sky", "Sea", "Straße", "Dog", "Cat"]
    start, troubles = threading.Barrier(2), []

    def work(mine, order):
        try:
            start.wait(timeout=30)
            for photo in mine:
                held = Photo.objects.claim(photo.pk, f"worker {photo.pk}")
                decisions = [Decision(name, 90.0, ACTIVE, parents=("Thing",)) for name in order]
                assert factory.record(held, decisions)
        except Exception as error:  # noqa: BLE001 (shown below)
            troubles.append(error)
        finally:
            connection.close()

    threads = [
        threading.Thread(target=work, args=(photos[:6], names)),
        threading.Thread(target=work, args=(photos[6:], names[::-1])),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert troubles == []
    assert _counts(dan) == dict.fromkeys([*names, "Thing"], 12)
    assert counts.differences() == []
    assert set(Label.objects.values_list("name", flat=True)) - {"Flag", "Person"} == {*names, "Thing"}
