"""What staff and machines ask: is it working."""

import pytest
from django.conf import settings as configured
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from labels import queue
from labels.models import Photo, WorkerSeen
from tests import factory
from tests.conftest import stored
from tests.factory import CYAN, MAGENTA


@pytest.fixture
def staff(client, dan):
    dan.is_staff = True
    dan.save()
    return client


def _alive(*clusters):
    for cluster in clusters:
        for role in ("worker", "monitor"):
            WorkerSeen.objects.create(cluster=cluster, role=role, seen_at=timezone.now())


@pytest.mark.django_db
def test_the_page_counts_states_and_groups_failures(staff, dan, eve, commits):
    with commits():
        factory.photo(dan, MAGENTA)
        factory.photo(eve, MAGENTA)
        factory.photo(dan, CYAN)
        factory.photo(dan)
    _alive("labels")

    answer = staff.get(reverse("status"))

    assert dict(answer.context["states"]) == {"waiting": 1, "being labelled": 0, "labelled": 1, "failed": 2}
    [failure] = answer.context["failures"]
    assert (failure["count"], failure["code"]) == (2, "refused_by_fake")
    assert {row["name"]: row["ok"] for row in answer.context["queues"]} == {"labels": True, "bundles": False}
    assert answer.context["storage"]["photos"] == 4
    page = answer.content.decode()
    assert "The fake detector refuses magenta." in page
    assert "worker seen" in page
    assert "no worker seen yet" in page


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("post", "again"),
    [({}, 3), ({"code": "refused"}, 2), ({"code": ""}, 0)],
    ids=["all", "one reason", "other"],
)
def test_failed_photos_are_tried_again_all_or_by_reason(staff, dan, post, again):
    photos = factory.many_photos(dan, 3, status=Photo.Status.FAILED)
    Photo.objects.filter(pk__in=[photo.pk for photo in photos[:2]]).update(failure_code="refused")
    Photo.objects.filter(pk=photos[2].pk).update(failure_code="damaged")

    answer = staff.post(reverse("status_retry"), post, follow=True)

    assert f"{again} photos are being labelled again." in answer.content.decode()
    assert Photo.objects.filter(status=Photo.Status.PENDING).count() == again


def test_healthz_needs_no_database(client_of_nobody):
    # No mark: pytest-django refuses every connection in this test.
    answer = client_of_nobody.get("/healthz")

    assert (answer.status_code, answer.content) == (200, b"ok")


@pytest.fixture
def client_of_nobody():
    return Client()


@pytest.mark.django_db
def test_readyz_answers_200_when_all_is_well(client_of_nobody):
    _alive(*queue.CLUSTERS)

    answer = client_of_nobody.get("/readyz")

    assert answer.status_code == 200
    assert answer.json() == {"database": "ok", "storage": "ok", "queue": "ok"}
    assert stored("originals") == []


@pytest.mark.django_db
def test_readyz_names_the_silent_queue(client_of_nobody):
    _alive("labels")
    WorkerSeen.objects.create(cluster="bundles", role="worker", seen_at=timezone.now() - queue.STALE)

    answer = client_of_nobody.get("/readyz")

    assert answer.status_code == 503
    assert answer.json() == {"database": "ok", "storage": "ok", "queue": "no sign of life from bundles"}


@pytest.mark.django_db
def test_a_worker_busy_with_a_long_build_counts_as_alive(client_of_nobody, dan):
    _alive("labels")
    factory.photo(dan)
    factory.held_bundle(dan)

    assert client_of_nobody.get("/readyz").json()["queue"] == "ok"


@pytest.mark.django_db
def test_readyz_says_when_storage_cannot_be_written(client_of_nobody, settings):
    _alive(*queue.CLUSTERS)
    file = configured.DATA_DIR / "a file and no folder"
    file.touch()
    originals = settings.STORAGES["originals"]
    settings.STORAGES = {
        **settings.STORAGES,
        "originals": {**originals, "OPTIONS": {**originals["OPTIONS"], "location": file / "inside"}},
    }

    answer = client_of_nobody.get("/readyz")

    assert answer.status_code == 503
    assert answer.json() == {"database": "ok", "storage": "not writable", "queue": "ok"}


@pytest.mark.django_db(transaction=True)
def test_readyz_says_when_the_database_is_away(client_of_nobody, monkeypatch):
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "NAME", "/no/such/folder/database")

    answer = client_of_nobody.get("/readyz")

    connection.close()
    assert answer.status_code == 503
    assert answer.json() == {"database": "not reachable", "storage": "ok", "queue": "not known"}
