"""The review of doubtful labels: one after the other, with undo, or all of one label at once."""

import pytest
from django.urls import reverse

from labels.labelling import counts
from labels.models import Change, PhotoLabel, Verdict
from labels.selection import summaries
from tests import factory
from tests.detect_labels import answer, label

pytestmark = pytest.mark.django_db

# Between the threshold of suggestions and the one from which labels are shown.
_UNSURE = 50


@pytest.fixture
def photos(dan):
    photos = factory.many_photos(dan, 3)
    for number, photo in enumerate(photos):
        dog = answer(label("Dog", _UNSURE - number, ("Animal",)), label("Animal", _UNSURE - number))
        factory.label_as(photo, dog, "rekognition", str(number))
    return photos


def _waiting():
    rows = PhotoLabel.objects.filter(status__in=("review", "suggested"))
    return sorted(rows.values_list("photo", "label__name"))


def _answer(client, name, what):
    row = PhotoLabel.objects.filter(label__name=name, status="suggested").order_by("photo")[0]
    return client.post(reverse("review"), {"row": row.pk, "answer": what}, follow=True)


def _undo(client):
    return client.post(reverse("review"), {"answer": "undo"}, follow=True).content.decode()


def test_no_to_a_parent_is_no_to_what_waits_below_it(client, dan, photos):
    before = _waiting()

    _answer(client, "Animal", "reject")

    first = photos[0].pk
    assert _waiting() == [row for row in before if row[0] != first]
    assert sorted(Verdict.objects.values_list("photo", "label__name", "is_there")) == [
        (first, "Animal", False),
        (first, "Dog", False),
    ]
    assert 'answer" value="undo"' in client.get(reverse("review")).content.decode()
    _undo(client)
    assert _waiting() == before
    assert not Verdict.objects.exists()
    assert counts.differences() == summaries.differences() == []


def test_no_to_a_child_leaves_its_parent(client, dan, photos):
    _answer(client, "Dog", "reject")

    assert (photos[0].pk, "Animal") in _waiting()


def test_undo_goes_back_over_answers_and_skips_and_then_says_that_there_is_nothing(client, dan, photos):
    before = _waiting()
    _answer(client, "Dog", "confirm")
    _answer(client, "Animal", "skip")
    page = client.get(reverse("review"))
    assert page.context["skipped"] == 1

    _undo(client)
    assert client.get(reverse("review")).context["skipped"] == 0
    _undo(client)
    assert _waiting() == before
    assert "There is nothing to undo." in _undo(client)


def test_an_answer_is_not_undone_over_a_later_change(client, dan, photos):
    _answer(client, "Dog", "confirm")
    client.post(reverse("photo_label", args=[photos[1].pk]), {"action": "add", "name": "Mine"})

    assert "Undo that first, in the label history." in _undo(client)
    assert Change.objects.filter(undone_at=None).count() == 2


def test_all_of_one_label_are_reviewed_at_once(client, dan, eve, photos):
    hers = factory.many_photos(eve, 1)[0]
    factory.label_as(hers, answer(label("Dog", _UNSURE)))
    url = reverse("review_grid", query={"label": "dog"})
    page = client.get(url).content.decode()
    assert "Is this Dog?" in page
    assert page.count('name="wrong"') == 3
    before = _waiting()

    shown = [photo.pk for photo in (*photos[:2], hers)]
    answered = client.post(url, {"label": "Dog", "photo": shown, "wrong": [photos[1].pk, hers.pk, "x"]})

    assert answered.status_code == 302
    assert sorted(Verdict.objects.values_list("photo", "label__name", "is_there")) == [
        (photos[0].pk, "Dog", True),
        (photos[1].pk, "Dog", False),
    ]
    assert (hers.pk, "Dog") in _waiting()
    assert (photos[2].pk, "Dog") in _waiting()
    assert counts.differences() == summaries.differences() == []
    _undo(client)
    assert _waiting() == before


def test_the_same_grid_sent_twice_changes_nothing_more(client, dan, photos):
    form = {"label": "Dog", "photo": [photos[0].pk], "wrong": []}
    client.post(reverse("review_grid"), form)
    client.post(reverse("review_grid"), form)

    assert Change.objects.count() == 1


@pytest.mark.parametrize("name", ["", "Unicorn"])
def test_a_grid_of_no_label_is_not_found(client, dan, name):
    assert client.get(reverse("review_grid"), {"label": name}).status_code == 404
