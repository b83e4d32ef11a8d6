"""From the browser straight into the bucket, with the checks of every other way in."""

import base64
import json
from datetime import timedelta

import pytest
import urllib3
from django.urls import reverse
from django.utils import timezone

from labels import tasks
from labels.maintenance import sweep
from labels.models import DirectUpload, Photo
from labels.models.direct_upload import direct_upload_files
from tests import factory
from tests.conftest import read_file
from tests.fixtures_aws import PHOTOS
from tests.storage.s3_server import error

pytestmark = pytest.mark.django_db


@pytest.fixture
def begin(s3, client):
    """Return what asks for the form of one file."""
    return lambda name, size: client.post(reverse("direct_upload_begin"), {"name": name, "size": size})


def _send(promise, content):
    """Do what the browser does with the form."""
    fields = {**promise["fields"], "file": ("photo", content, "application/octet-stream")}
    return urllib3.request("POST", promise["url"], fields=fields).status


@pytest.fixture
def send(begin, client, commits):
    """Return what sends a file all the way and returns what became of it."""

    def sent(name, content):
        promise = begin(name, len(content)).json()
        assert _send(promise, content) == 204
        with commits():
            assert client.post(promise["sent_url"]).status_code == 200
        return _state(client, promise["id"])

    return sent


def _state(client, pk):
    return client.get(reverse("direct_upload_states"), {"ids": pk}).json().get(str(pk))


def test_a_photo_becomes_one_and_nothing_is_left_over(send, dan, keys):
    content = factory.noise((300, 200)).read()

    state = send("Süd + Ost.JPG", content)

    photo = Photo.objects.get(owner=dan)
    assert state == {"outcome": "imported", "reason": "", "url": photo.get_absolute_url()}
    assert photo.original_name == "Süd + Ost.JPG"
    assert read_file(photo.original.storage, photo.original.name) == content
    assert photo.status == Photo.Status.LABELLED
    assert keys(PHOTOS) == [f"originals/{photo.original.name}"]


def test_the_form_is_for_one_key_of_one_size_for_a_short_time(begin, s3):
    promise = begin("a.jpg", 1234).json()

    policy = json.loads(base64.b64decode(promise["fields"]["policy"]))
    row = DirectUpload.objects.get()
    assert ["content-length-range", 1234, 1234] in policy["conditions"]
    assert {"key": f"incoming/{row.key}"} in policy["conditions"]
    assert {"Content-Type": "application/octet-stream"} in policy["conditions"]
    assert {"bucket": PHOTOS} in policy["conditions"]
    assert "a.jpg" not in row.key
    assert promise["url"].startswith(s3.url)


def test_what_is_no_photo_is_refused_with_its_reason(send, keys):
    state = send("notes.jpg", b"hello")

    assert state["outcome"] == "refused"
    assert state["reason"].startswith("notes.jpg is not a photo that can be read")
    assert keys(PHOTOS) == []


def test_a_duplicate_leads_to_the_photo_that_is_there(send, dan, keys):
    photo = factory.photo(dan)

    state = send("again.jpg", factory.picture().read())

    assert state == {"outcome": "duplicate", "reason": "", "url": photo.get_absolute_url()}
    assert len(keys(PHOTOS)) == 1


def test_a_file_over_the_limit_gets_no_form(begin, settings):
    settings.UPLOAD_MAX_BYTES = 1000

    answer = begin("big.jpg", 1001).json()

    assert answer["outcome"] == "refused"
    assert "the limit is 1000\xa0bytes" in answer["reason"]
    assert not DirectUpload.objects.exists()


@pytest.mark.parametrize("fields", [{}, {"name": "a.jpg"}, {"name": "a.jpg", "size": "-1"}, {"size": "x"}])
def test_a_form_that_says_too_little_is_refused(s3, client, fields):
    assert client.post(reverse("direct_upload_begin"), fields).status_code == 400


def test_what_never_arrived_says_so(begin, client, commits):
    promise = begin("lost.jpg", 100).json()

    with commits():
        client.post(promise["sent_url"])

    assert _state(client, promise["id"])["reason"] == "lost.jpg did not arrive. Send it again."


def test_said_twice_it_is_taken_in_once(begin, client, commits, dan):
    content = factory.picture().read()
    promise = begin("a.jpg", len(content)).json()
    _send(promise, content)

    with commits():
        client.post(promise["sent_url"])
        client.post(promise["sent_url"])
    tasks.take_direct_upload(promise["id"])

    assert Photo.objects.filter(owner=dan).count() == 1
    assert _state(client, promise["id"])["outcome"] == "imported"


def test_a_storage_that_is_away_is_waited_for(begin, client, commits, s3, settings):
    content = factory.picture().read()
    promise = begin("a.jpg", len(content)).json()
    _send(promise, content)
    s3.rule = lambda asked: error(400, "ExpiredToken")
    for _ in range(settings.MAX_ATTEMPTS + 1):
        with commits():
            client.post(promise["sent_url"])
        DirectUpload.objects.update(next_attempt_at=timezone.now())
        tasks.take_direct_upload(promise["id"])
    assert _state(client, promise["id"]) is None
    s3.reset()
    DirectUpload.objects.update(next_attempt_at=timezone.now())

    with commits():
        assert sweep.sweep()["incoming_enqueued"] == 1

    assert _state(client, promise["id"])["outcome"] == "imported"


def test_what_was_never_confirmed_is_swept_after_a_day(begin, keys, client):
    promise = begin("a.jpg", 5).json()
    _send(promise, b"12345")
    assert len(keys(PHOTOS)) == 1
    assert sweep.sweep()["incoming_cleared"] == 0
    DirectUpload.objects.update(created_at=timezone.now() - timedelta(days=2))

    assert sweep.sweep()["incoming_cleared"] == 1

    assert keys(PHOTOS) == []
    assert _state(client, promise["id"])["outcome"] == "lost"


def test_nobody_else_hears_of_it_or_may_confirm_it(begin, client, eve):
    promise = begin("a.jpg", 5).json()
    client.force_login(eve)

    assert client.post(promise["sent_url"]).status_code == 404
    assert _state(client, promise["id"])["outcome"] == "lost"


def test_many_states_take_one_query(s3, client, dan, django_assert_num_queries):
    for number in range(5):
        DirectUpload.objects.create(owner=dan, key=str(number), name="a", size=1)
    ids = ",".join(map(str, DirectUpload.objects.values_list("pk", flat=True)))
    client.get(reverse("photos"))

    with django_assert_num_queries(3):  # session, person, rows
        assert client.get(reverse("direct_upload_states"), {"ids": ids}).json() == {}


def test_states_of_nonsense(s3, client):
    answer = client.get(reverse("direct_upload_states"), {"ids": f"x,,-1,{10**30}"})

    assert answer.json().keys() == {str(10**30)}


def test_without_a_bucket_there_is_no_form_and_the_page_sends_here(client, db):
    assert client.post(reverse("direct_upload_begin"), {"name": "a", "size": 1}).status_code == 404
    assert 'data-direct=""' in client.get(reverse("upload")).content.decode()


def test_with_a_bucket_the_page_sends_there_and_a_plain_form_still_works(s3, client, dan):
    file = factory.picture()
    file.name = "plain.jpg"

    page = client.get(reverse("upload")).content.decode()
    answer = client.post(reverse("upload"), {"photos": file})

    assert f'data-direct="{reverse("direct_upload_begin")}"' in page
    assert answer.status_code == 200
    assert Photo.objects.get(owner=dan).original_name == "plain.jpg"
    assert direct_upload_files().bucket_name == PHOTOS
