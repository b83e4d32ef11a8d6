"""Photos in through the browser: a plain form with many files, or a script with one at a time."""

import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from PIL import Image

from labels import tasks
from labels.models import Photo
from tests import factory
from tests.conftest import stored
from tests.factory import BLUE, GREEN, RED

pytestmark = pytest.mark.django_db
JSON = {"Accept": "application/json"}


def _file(name, content=None):
    return SimpleUploadedFile(name, factory.picture(RED).read() if content is None else content)


def _post(client, *files, **headers):
    return client.post(reverse("upload"), {"photos": list(files)}, headers=headers)


def test_a_plain_form_with_mixed_files_answers_with_each_outcome(client, dan):
    known = factory.photo(dan, BLUE, name="known.jpg")
    files = [
        _file("new.jpg"),
        _file("again.jpg", factory.picture(BLUE).read()),
        _file("notes.txt", b"not a picture"),
        _file("empty.jpg", b""),
    ]

    answer = _post(client, *files)

    results = answer.context["results"]
    assert answer.status_code == 200
    assert results["summary"] == "1 of 4 added · 1 already here · 2 refused"
    assert [(r["name"], r["outcome"]) for r in results["files"]] == [
        ("new.jpg", "imported"),
        ("again.jpg", "duplicate"),
        ("notes.txt", "refused"),
        ("empty.jpg", "refused"),
    ]
    page = answer.content.decode()
    assert f'<a href="{known.get_absolute_url()}">again.jpg</a>' in page
    assert "notes.txt is not a photo that can be read" in page
    assert "empty.jpg is empty (0 bytes)." in page
    assert len(stored("originals")) == Photo.objects.filter(owner=dan).count() == 2


def test_a_quotation_mark_in_a_name_is_kept(client, dan):
    # As browsers write it: https://html.spec.whatwg.org, "multipart/form-data".
    _post(client, _file("6 %22 lens.jpg"))

    assert Photo.objects.get().original_name == '6 " lens.jpg'


def test_a_script_reads_an_imported_photo(client, dan):
    answer = _post(client, _file("sea.jpg"), **JSON)

    photo = Photo.objects.get()
    assert answer.status_code == 200
    assert answer.json() == {
        "name": "sea.jpg",
        "size": photo.size,
        "outcome": "imported",
        "reason": "",
        "url": photo.get_absolute_url(),
        "thumb_url": reverse("photo_thumbnail", args=[photo.pk]),
    }


def test_the_thumbnail_is_there_before_any_worker_has_seen_the_photo(client, dan):
    thumb_url = _post(client, _file("sea.jpg", factory.picture(RED, (900, 600)).read()), **JSON).json()[
        "thumb_url"
    ]

    thumbnail = Image.open(io.BytesIO(b"".join(client.get(thumb_url).streaming_content)))

    photo = Photo.objects.get()
    assert (photo.status, photo.attempts) == (Photo.WAITING, 0)
    assert thumbnail.size == (photo.thumbnail_width, photo.thumbnail_height) == (400, 267)


def test_the_worker_labels_from_what_was_drawn_at_the_upload(client, dan):
    _post(client, _file("sea.jpg", factory.picture(RED, (900, 600)).read()), **JSON)
    drawn = stored("renditions")

    tasks.label_next_photo(0)

    assert Photo.objects.get().status == Photo.Status.LABELLED
    assert (len(drawn), stored("renditions")) == (2, drawn)


def test_a_script_reads_a_duplicate_with_its_link(client, dan, commits):
    with commits():
        known = factory.photo(dan, GREEN)

    result = _post(client, _file("copy.jpg", factory.picture(GREEN).read()), **JSON).json()

    assert (result["outcome"], result["reason"]) == ("duplicate", "")
    assert result["url"] == known.get_absolute_url()
    assert result["thumb_url"] == reverse("photo_thumbnail", args=[known.pk])


def test_a_script_reads_a_refusal_with_its_reason(client):
    result = _post(client, _file("notes.jpg", b"hello"), **JSON).json()

    assert result["outcome"] == "refused"
    assert result["reason"].startswith("notes.jpg is not a photo that can be read")
    assert result["url"] == ""
    assert stored("originals") == []


@pytest.mark.parametrize("headers", [{}, JSON], ids=["form", "script"])
def test_an_empty_form_is_answered_with_a_sentence(client, headers):
    answer = client.post(reverse("upload"), headers=headers)

    assert answer.status_code == 400
    assert "Choose at least one photo." in answer.content.decode()


def test_a_file_over_the_limit_is_refused_with_its_true_size(client, settings):
    content = factory.picture(RED).read() + bytes(3_000_000)
    settings.UPLOAD_MAX_BYTES = 1_048_576

    result = _post(client, _file("huge.jpg", content), **JSON).json()

    assert result["outcome"] == "refused"
    assert result["size"] == len(content)
    assert "huge.jpg is 2.9\xa0MB; the limit is 1.0\xa0MB." in result["reason"]
    assert stored("originals") == []


def test_more_files_than_a_request_may_hold_are_refused_kindly(client, settings):
    settings.DATA_UPLOAD_MAX_NUMBER_FILES = 3

    answer = _post(client, *(_file(f"{n}.jpg") for n in range(4)))

    page = answer.content.decode()
    assert answer.status_code == 400
    assert "Send at most 3 at a time, nothing was added." in page
    assert "/static/css/photomgr.css" in page
    assert not Photo.objects.exists()


def test_the_page_names_the_limits(client, settings):
    settings.UPLOAD_MAX_PIXELS = 123_000_000

    page = client.get(reverse("upload")).content.decode()

    assert "123 megapixels each" in page
    assert "multiple" in page
    assert 'accept="image/*,' in page


def test_only_these_methods_are_answered(client):
    assert client.delete(reverse("upload")).status_code == 405
