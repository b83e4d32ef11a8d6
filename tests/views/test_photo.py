"""One photo: its labels and why, its neighbours in the selection it was opened from, its deletion."""

from datetime import UTC, datetime

import pytest
from django.db import transaction
from django.urls import reverse

from labels.models import Photo, PhotoLabel
from tests import factory
from tests.conftest import stored
from tests.factory import BLUE, CYAN, GREEN, MAGENTA, RED

pytestmark = pytest.mark.django_db


def test_previous_and_next_stay_within_the_selection(client, dan):
    moment = datetime(2024, 5, 12, tzinfo=UTC)
    photos = factory.many_photos(dan, 5, taken_at=moment)
    for photo in (photos[0], photos[2], photos[4]):
        factory.give_labels(photo, "Lake")

    middle = client.get(photos[2].get_absolute_url(), {"label": "Lake"}).context
    newest = client.get(photos[4].get_absolute_url(), {"label": "Lake"}).context
    whole = client.get(photos[2].get_absolute_url()).context

    assert middle["previous_url"] == f"{photos[4].get_absolute_url()}?label=Lake"
    assert middle["next_url"] == f"{photos[0].get_absolute_url()}?label=Lake"
    assert middle["back_url"] == f"{reverse('photos')}?label=Lake"
    assert middle["back_text"] == "Lake"
    assert newest["previous_url"] == ""
    assert whole["previous_url"] == photos[3].get_absolute_url()
    assert whole["next_url"] == photos[1].get_absolute_url()


def test_walking_by_next_sees_every_photo_once(client, dan):
    photos = factory.many_photos(dan, 6, taken_at=datetime(2024, 5, 12, tzinfo=UTC))
    url, seen = photos[-1].get_absolute_url(), []

    while url:
        answer = client.get(url)
        seen.append(answer.context["photo"].pk)
        url = answer.context["next_url"]

    assert seen == [photo.pk for photo in reversed(photos)]


def test_labels_say_how_sure_and_why(client, dan, commits):
    with commits():
        photo = factory.photo(dan, BLUE)

    answer = client.get(photo.get_absolute_url())

    page = answer.content.decode()
    assert [label["name"] for label in answer.context["labels"]] == ["Blue", "Colour", "Dark"]
    assert [label["name"] for label in answer.context["suggestions"]] == ["Perhaps"]
    assert "Why these labels" in page
    assert "99.0% sure" in page
    assert "fake fake-1" in page


def test_a_rejected_label_is_not_shown(client, dan):
    photo = factory.photo(dan)
    factory.give_labels(photo, "Lake", status=PhotoLabel.Status.REJECTED)

    answer = client.get(photo.get_absolute_url())
    assert answer.context["labels"] == []
    assert [label["name"] for label in answer.context["suppressed"]] == ["Lake"]


def test_facts_of_the_file_are_shown(client, dan):
    exif = factory.taken(datetime(2024, 5, 12, 9, 30, 15), **{})
    photo = factory.photo(dan, size=(640, 480), name="sea.jpg", exif={**exif, 0x0110: "X100"})
    Photo.objects.filter(pk=photo.pk).update(size=204_800, uploaded_at=datetime(2024, 6, 1, 8, 5, tzinfo=UTC))

    facts = dict(client.get(photo.get_absolute_url()).context["facts"])

    assert facts == {
        "Taken": "12 May 2024, 09:30",
        "Camera": "X100",
        "Picture": "640 × 480, 0.3 megapixels",
        "File": "sea.jpg",
        "Format": "JPEG, 200.0\xa0KB",
        "Added": "1 June 2024, 08:05",
    }


def test_a_failed_photo_says_why_and_is_tried_again_on_request(client, dan, commits):
    with commits():
        photo = factory.photo(dan, MAGENTA)
    page = client.get(photo.get_absolute_url()).content.decode()

    with commits():
        answer = client.post(reverse("photo_retry", args=[photo.pk]), follow=True)

    assert "The fake detector refuses magenta." in page
    assert "Try again" in page
    assert "photo.jpg is being labelled again." in answer.content.decode()
    photo.refresh_from_db()
    assert (photo.status, photo.attempts) == (Photo.Status.FAILED, 1)


def test_a_photo_that_has_labels_and_failed_is_not_said_to_have_none(client, dan):
    photo = factory.photo(dan)
    factory.give_labels(photo, "Lake")
    Photo.objects.filter(pk=photo.pk).update(status="failed", failure_reason="It is damaged.")

    page = client.get(photo.get_absolute_url()).content.decode()

    assert "It could not be labelled again. It is damaged." in page
    assert "No labels yet" not in page


def test_all_failed_photos_of_one_person_are_tried_again(client, dan, eve, commits):
    with commits():
        factory.photo(dan, MAGENTA)
        factory.photo(dan, MAGENTA, size=(30, 30))
        factory.photo(eve, MAGENTA)
        factory.photo(dan, RED)

    answer = client.post(reverse("photos_retry"), follow=True)

    assert "2 photos are being labelled again." in answer.content.decode()
    assert Photo.objects.filter(owner=dan, status=Photo.Status.PENDING).count() == 2
    assert Photo.objects.get(owner=eve).status == Photo.Status.FAILED


def test_a_photo_that_waits_says_so(client, dan, commits):
    with commits():
        photo = factory.photo(dan, CYAN)

    assert "This photo is waiting." in client.get(photo.get_absolute_url()).content.decode()


def test_a_photo_that_waits_says_for_what(client, dan, commits):
    with commits():
        photo = factory.photo(dan, CYAN)
    reason = "The budget of $1.00 for today does not allow another call to Amazon Rekognition."
    Photo.objects.filter(pk=photo.pk).update(failure_code="budget_day", failure_reason=reason)

    assert f"This photo is waiting. {reason}" in client.get(photo.get_absolute_url()).content.decode()
    assert reason in client.get(reverse("photos")).content.decode()


def test_the_files_are_sent_as_what_they_are(client, dan, commits):
    with commits():
        photo = factory.photo(dan, GREEN, name="sea & sun.jpg")

    original = client.get(reverse("photo_original", args=[photo.pk]))
    thumbnail = client.get(reverse("photo_thumbnail", args=[photo.pk]))

    assert b"".join(original.streaming_content) == factory.picture(GREEN).read()
    assert original["Content-Disposition"] == 'attachment; filename="sea & sun.jpg"'
    assert original["Content-Type"] == "application/octet-stream"
    assert thumbnail["Content-Type"] == "image/jpeg"
    assert "private" in thumbnail["Cache-Control"]
    assert b"".join(thumbnail.streaming_content)[:2] == b"\xff\xd8"


@pytest.mark.parametrize("name", ["photo_thumbnail", "photo_rendition"])
def test_a_picture_that_is_not_made_yet_is_404(client, dan, name):
    photo = factory.photo(dan)

    assert client.get(reverse(name, args=[photo.pk])).status_code == 404


def test_an_original_that_left_the_storage_is_404(client, dan):
    photo = factory.photo(dan)
    photo.original.storage.delete(photo.original.name)

    assert client.get(reverse("photo_original", args=[photo.pk])).status_code == 404


def test_deleting_asks_first_and_says_what_will_be_gone(client, dan):
    photo = factory.photo(dan, name="sea.jpg")
    factory.held_bundle(dan)

    page = client.get(reverse("photo_delete", args=[photo.pk])).content.decode()

    assert "sea.jpg (" in page
    assert "This cannot be undone." in page
    assert "1 download in progress includes it and will list it as missing." in page
    assert Photo.objects.filter(pk=photo.pk).exists()


def test_a_deleted_photo_takes_its_files_and_its_counts_along(client, dan, commits):
    with commits():
        photo = factory.photo(dan, BLUE, name="sea.jpg")
        factory.photo(dan, RED)
    files = {name: len(stored(name)) for name in ("originals", "renditions")}

    with commits():
        answer = client.post(reverse("photo_delete", args=[photo.pk]), follow=True)

    assert files == {"originals": 2, "renditions": 4}
    assert "sea.jpg is deleted." in answer.content.decode()
    assert {name: len(stored(name)) for name in files} == {"originals": 1, "renditions": 2}
    assert factory.counts(dan) == {"Colour": 1, "Red": 1, "Dark": 1}


def test_files_stay_until_the_deletion_is_committed(dan, commits):
    with commits():
        photo = factory.photo(dan)
    before = stored("originals"), stored("renditions")

    with commits(), transaction.atomic():
        photo.delete()
        assert (stored("originals"), stored("renditions")) == before
        transaction.set_rollback(True)

    assert (stored("originals"), stored("renditions")) == before
    assert len(before[0]) == 1
