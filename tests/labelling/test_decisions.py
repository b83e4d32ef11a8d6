"""What people decide survives everything, is exact in every number, and can be undone."""

import html
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from labels import tasks
from labels.labelling import counts, decisions, rule_runs
from labels.maintenance import sweep
from labels.models import (
    Change,
    Label,
    LabelRule,
    Photo,
    Renaming,
    ReplacedVerdict,
    Verdict,
)
from labels.rules import versions
from labels.selection import predicate, summaries
from labels.selection.predicate import Selection
from tests import factory
from tests.detect_labels import answer, label

pytestmark = pytest.mark.django_db

DOG = answer(label("Dog", 90, ("Animal",)), label("Animal", 90), label("Sky", 80), label("Cat", 30))


@pytest.fixture
def library(dan):
    photos = factory.many_photos(dan, 4)
    for number, photo in enumerate(photos):
        factory.label_as(photo, DOG, "rekognition", str(number))
    return photos


def _found(owner, name):
    return set(predicate.photos(owner, Selection(any=(name,))).values_list("pk", flat=True))


def _do(change):
    held = Change.objects.claim(change.pk, f"worker {change.pk}")
    assert decisions.carry_on(held)
    assert counts.differences() == []
    assert summaries.differences() == []
    change.refresh_from_db()
    return change


def _judge(owner, action, name, photos):
    chosen = Photo.objects.filter(pk__in=[photo.pk for photo in photos])
    return _do(decisions.decide(owner, owner, action, name, chosen, "some"))


def _rename(owner, name, new_name):
    return _do(decisions.rename(owner, owner, name, new_name))


def test_a_removed_label_stays_removed_over_every_later_answer(dan, library):
    _judge(dan, "remove", "Sky", library[:2])
    assert _found(dan, "Sky") == {library[2].pk, library[3].pk}

    factory.label_as(library[0], answer(label("Sky", 99)), "rekognition", "4.0")

    assert library[0].pk not in _found(dan, "Sky")
    assert factory.counts(dan)["Sky"] == 2


def test_an_added_label_brings_what_is_above_it(dan, library):
    bare = factory.many_photos(factory.user("fay"), 1)[0]
    _judge(bare.owner, "add", "dog", [bare])

    assert factory.counts(bare.owner) == {"Dog": 1, "Animal": 1}
    row = bare.photo_labels.get(label__name="Animal")
    assert (row.source, row.why) == ("child", "above Dog")


def test_a_confirmed_suggestion_is_found_where_it_was_suggested(dan, library):
    other = factory.many_photos(factory.user("fay"), 1)[0]
    _judge(dan, "confirm", "Cat", [library[0]])
    with pytest.raises(decisions.NotDecided, match="No label is called “Cat”"):
        _judge(other.owner, "confirm", "Cat", [other])

    assert _found(dan, "Cat") == {library[0].pk}
    assert _found(other.owner, "Cat") == set()
    verdict = Verdict.objects.get()
    assert (verdict.confidence, verdict.detector, verdict.added) == (30, "rekognition", False)


def test_the_last_change_is_taken_back_to_what_was_decided_before(dan, library):
    _judge(dan, "add", "Holiday", library[:1])
    before = list(Verdict.objects.values("photo", "label", "is_there", "added", "at"))
    _judge(dan, "remove", "Holiday", library)

    _do(decisions.undo(dan))

    assert list(Verdict.objects.values("photo", "label", "is_there", "added", "at")) == before
    assert _found(dan, "Holiday") == {library[0].pk}
    _do(decisions.undo(dan))
    assert _found(dan, "Holiday") == set()
    assert decisions.undo(dan) is None
    assert Change.objects.count() == 2  # The audit trail keeps both.


def test_taking_back_leaves_what_was_decided_since(dan, library):
    change = _judge(dan, "add", "Holiday", library)
    factory.judge(library[0], "Holiday", is_there=False)
    Verdict.objects.filter(photo=library[0]).update(change=None)

    _do(decisions.undo(dan))

    assert change.label == Verdict.objects.get().label
    assert not Verdict.objects.get().is_there


def test_a_renamed_label_takes_photos_decisions_and_later_answers_along(dan, eve, library):
    hers = factory.many_photos(eve, 1)[0]
    factory.label_as(hers, DOG)
    _judge(dan, "remove", "Sky", library[:1])

    _rename(dan, "Sky", "Himmel")
    factory.label_as(library[3], DOG, "rekognition", "later")

    assert _found(dan, "Himmel") == {photo.pk for photo in library[1:]}
    assert _found(dan, "Sky") == set()
    assert _found(eve, "Sky") == {hers.pk}
    _do(decisions.undo(dan))
    assert _found(dan, "Sky") == {photo.pk for photo in library[1:]}
    assert "Himmel" not in factory.counts(dan)


def test_a_new_name_stands_where_the_old_one_stood(dan, library):
    _rename(dan, "Dog", "Hound")

    assert [parent.name for parent in Label.objects.get(name="Hound").parents.all()] == ["Animal"]
    assert factory.counts(dan)["Animal"] == 4


def test_renaming_onto_a_label_merges_the_two(dan, library):
    factory.label_as(library[0], answer(label("Heaven", 70)), "rekognition", "heaven")

    _rename(dan, "Heaven", "sky")

    assert factory.counts(dan)["Sky"] == 4
    assert library[0].photo_labels.get(label__name="Sky").why == "detected as Heaven"


def test_renaming_back_is_no_circle(dan, library):
    _rename(dan, "Sky", "Himmel")
    _rename(dan, "Himmel", "Sky")

    assert len(_found(dan, "Sky")) == 4
    assert Renaming.objects.count() == 1


def test_a_renaming_for_everyone_holds_in_all_libraries_and_a_persons_own_beats_it(dan, eve, library):
    hers = factory.many_photos(eve, 1)[0]
    factory.label_as(hers, DOG)
    _rename(eve, "Sky", "Hers")

    _do(decisions.rename(None, dan, "Sky", "Himmel"))

    assert len(_found(dan, "Himmel")) == 4
    assert _found(eve, "Hers") == {hers.pk}


def test_staff_see_and_take_back_what_was_renamed_for_everyone(client, dan, eve, library):
    dan.is_staff = True
    dan.save()
    dan.user_permissions.add(Permission.objects.get(codename="change_label"))
    client.post(reverse("labels_rename"), {"label": "Sky", "name": "Himmel", "everyone": "1"})
    assert "Sky shown as Himmel <span" in client.get(reverse("changes")).content.decode()
    stranger = Client()
    stranger.force_login(eve)
    assert "Himmel" not in stranger.get(reverse("changes")).content.decode()
    stranger.post(reverse("changes_undo"), {"everyone": "1"})
    assert len(_found(dan, "Himmel")) == 4

    client.post(reverse("changes_undo"), {"everyone": "1"})

    assert len(_found(dan, "Sky")) == 4
    assert not Renaming.objects.exists()


@pytest.mark.parametrize(
    ("name", "new", "words"),
    [
        ("Nowhere", "X", "No label is called"),
        ("Sky", "sky", "called that already"),
        ("Sky", " ", "1 to 100"),
        ("Sky", "x" * 101, "1 to 100"),
    ],
)
def test_a_name_that_makes_no_sense_is_refused(dan, library, name, new, words):
    with pytest.raises(decisions.NotDecided, match=words):
        decisions.rename(dan, dan, name, new)


@pytest.mark.parametrize("name", ["Hers alone", "Nobody's"])
def test_what_only_others_have_is_as_if_it_did_not_exist(client, dan, eve, library, name):
    hers = factory.many_photos(eve, 1)[0]
    factory.label_as(hers, answer(label("Hers alone", 90)))
    labels = set(Label.objects.values_list("name", flat=True))

    renamed = client.post(reverse("labels_rename"), {"label": name, "name": "X"}, follow=True)
    confirmed = client.post(
        reverse("photo_label", args=[library[0].pk]), {"action": "confirm", "name": name}, follow=True
    )
    target = client.post(reverse("labels_rename"), {"label": "Sky", "name": name}, follow=True)

    assert f"Not renamed: No label is called “{name}”." in html.unescape(renamed.content.decode())
    assert f"Nothing was changed: No label is called “{name}”." in html.unescape(confirmed.content.decode())
    assert f"Sky is shown as {name} now" in html.unescape(target.content.decode())
    assert set(Label.objects.values_list("name", flat=True)) == labels | {name}
    assert _found(dan, name) == {photo.pk for photo in library}


def test_a_large_change_is_carried_out_by_a_worker_and_a_second_delivery_changes_nothing(
    client, dan, library, commits
):
    fields = {"original_name": "x", "format": "JPEG", "size": 1, "crc32": 0, "width": 1, "height": 1}
    Photo.objects.bulk_create(
        Photo(owner=dan, original=f"x/{number}", sha256=f"{number:064}", status="labelled", **fields)
        for number in range(decisions.CHUNK + 1)
    )
    summaries.differences(repair=True)

    with commits():
        page = client.post(
            reverse("labels_decide"), {"everything": "1", "name": "Mine", "action": "add"}, follow=True
        )

    assert "505 photos are being brought in line" in page.content.decode()
    assert factory.counts(dan)["Mine"] == 505
    before = list(Verdict.objects.values())
    tasks.apply_change(Change.objects.get().pk)
    assert list(Verdict.objects.values()) == before


def _verdicts():
    return list(Verdict.objects.order_by("photo").values("photo", "label", "is_there", "added", "by", "at"))


def _claim_again(change):
    """Claim a change whose worker was killed, once its lease has run out."""
    Change.objects.filter(pk=change.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    return Change.objects.claim(change.pk, "the next worker")


class _Killed(BaseException):
    pass


def _die_at(table, number):
    """Stop the process at the `number`th statement that writes the table, as a kill would."""
    seen = []

    def wrapper(execute, sql, params, many, context):
        if sql.startswith(("INSERT", "UPDATE")) and f'"{table}"' in sql.split("(")[0].split("SET")[0]:
            seen.append(sql)
            if len(seen) == number:
                raise _Killed
        return execute(sql, params, many, context)

    return connection.execute_wrapper(wrapper)


@pytest.mark.parametrize("table", ["labels_replacedverdict", "labels_verdict", "labels_photosummary"])
def test_a_change_whose_worker_is_killed_in_the_middle_is_undone_exactly(dan, table):
    photos = factory.many_photos(dan, 6)
    _judge(dan, "add", "Mine", photos[:5])
    before, shown = _verdicts(), factory.counts(dan)
    change = decisions.decide(dan, dan, "remove", "Mine", Photo.objects.all(), "all")
    with pytest.raises(_Killed), _die_at(table, 2):
        decisions.carry_on(Change.objects.claim(change.pk, "the first worker"), size=2)
    assert ReplacedVerdict.objects.count() == 2

    assert decisions.carry_on(_claim_again(change), size=2)

    assert ReplacedVerdict.objects.count() == 5
    assert factory.counts(dan) == {}
    undone = decisions.undo(dan)
    with pytest.raises(_Killed), _die_at("labels_photosummary", 2):
        decisions.carry_on(Change.objects.claim(undone.pk, "the first worker"), size=2)
    assert decisions.carry_on(_claim_again(undone), size=2)
    assert _verdicts() == before
    assert factory.counts(dan) == shown
    assert counts.differences() == summaries.differences() == []


def test_every_chunk_of_a_change_writes_as_little_as_the_first(dan):
    photos = factory.many_photos(dan, 40)
    _judge(dan, "add", "Mine", photos)
    change = decisions.decide(dan, dan, "remove", "Mine", Photo.objects.all(), "all")

    for _ in range(2):
        held = Change.objects.claim(change.pk, "worker")
        chunks = []
        with CaptureQueriesContext(connection) as queries:
            assert decisions.carry_on(held, size=10)
        for query in queries:
            if query["sql"].startswith('UPDATE "labels_change" SET "lease_until"'):
                chunks.append([])
            elif chunks:
                chunks[-1].append(len(query["sql"]))
        *chunks, _nothing_left = chunks
        assert len(chunks) == 4
        assert len(chunks[0]) == len(chunks[-1])
        # Longer numbers, nothing else.
        assert sum(chunks[-1]) == pytest.approx(sum(chunks[0]), rel=0.03)
        change = decisions.undo(dan)


def test_undoing_the_earlier_of_two_changes_puts_back_what_was_before_both(dan, eve):
    """Made at once, the later one may have been carried out first."""
    photos = factory.many_photos(dan, 2)
    first, second = (
        decisions.decide(dan, actor, action, "Mine", Photo.objects.all(), "all")
        for actor, action in ((dan, "add"), (eve, "add"))
    )
    _do(second)
    _do(first)

    assert decisions.undo(dan).pk == second.pk
    _do(second)
    assert {row.by for row in Verdict.objects.all()} == {dan}
    _do(decisions.undo(dan))

    assert not Verdict.objects.exists()
    assert len(photos) == 2


def test_a_change_nobody_was_told_of_is_found_by_the_sweep(dan, library, commits):
    decisions.decide(dan, dan, "add", "Mine", Photo.objects.filter(owner=dan))

    with commits():
        assert sweep.sweep()["changes_enqueued"] == 1

    assert factory.counts(dan)["Mine"] == 4


def test_the_photos_page_says_why_and_takes_decisions(client, dan, library):
    LabelRule.objects.create(name="No sky", action="hide", patterns="Sky")
    versions.put_in_force(None)
    tasks.run_rules(rule_runs.start().pk)
    url = reverse("photo_label", args=[library[0].pk])

    page = client.get(library[0].get_absolute_url()).content.decode()
    assert "80.0% sure, hidden, rule “No sky”" in page
    assert page.count("Answered by rekognition 0") >= 1

    page = client.post(url, {"action": "add", "name": "Sky"}, follow=True).content.decode()
    assert "confirmed by dan" in page
    assert _found(dan, "Sky") == {library[0].pk}
    page = client.post(url, {"action": "remove", "name": "Dog"}, follow=True).content.decode()
    assert "rejected by dan" in page
    page = client.post(url, {"action": "nothing", "name": "Dog"}, follow=True).content.decode()
    assert "A label can be added, confirmed or removed." in page
    assert "Sky confirmed" not in client.get(reverse("changes")).content.decode()
    assert "Dog removed on IMG_0000.JPG" in client.post(reverse("changes_undo"), follow=True).content.decode()


def test_the_review_queue_asks_what_is_worth_most_and_goes_on(client, dan, library):
    factory.label_as(library[0], answer(label("Bomb", 60), label("Cat", 50)), "rekognition", "b")

    first = client.get(reverse("review")).context["item"]
    assert (first.label.name, first.status) == ("Bomb", "review")
    client.post(reverse("review"), {"row": first.pk, "answer": "reject"})
    second = client.get(reverse("review")).context["item"]
    assert (second.label.name, second.confidence) == ("Cat", 50)
    client.post(reverse("review"), {"row": second.pk, "answer": "confirm"})
    third = client.get(reverse("review")).context["item"]
    client.post(reverse("review"), {"row": third.pk, "answer": "skip"})

    assert client.get(reverse("review")).context["item"] not in (first, second, third)
    assert _found(dan, "Bomb") == set()
    assert _found(dan, "Cat") == {library[0].pk}
    tables = {table["name"]: table for table in client.get(reverse("review_precision")).context["tables"]}
    assert (tables["Cat"]["bands"][0].right, tables["Cat"]["missing"]) == (1, 29)


def test_nobody_decides_about_another_persons_photos(client, eve):
    hers = factory.many_photos(eve, 1)[0]
    factory.label_as(hers, DOG)
    row = hers.photo_labels.get(label__name="Cat")

    assert client.post(reverse("review"), {"row": row.pk, "answer": "confirm"}).status_code == 404
    assert not Verdict.objects.exists()


def test_parents_set_in_the_admin_reach_the_photos(client, dan, library, commits):
    dan.is_staff = dan.is_superuser = True
    dan.save()
    sky, nature = Label.objects.get(name="Sky"), factory.label("Nature")
    url = reverse("admin:labels_label_change", args=[sky.pk])

    with commits():
        client.post(url, {"name": "Sky", "parents": [nature.pk], "parents_fixed": "on"})
    assert factory.counts(dan)["Nature"] == 4

    with commits():
        client.post(url, {"name": "Sky", "parents_fixed": "on"})
    assert "Nature" not in factory.counts(dan)
    assert counts.differences() == []
