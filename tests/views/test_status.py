"""Whether it works: the status page for staff, and health checks for machines."""

import pytest
from django.conf import settings as configured
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.urls import reverse

from labels.models import Photo
from labels.workers import heartbeats, queue
from tests import factory
from tests.conftest import stored
from tests.factory import CYAN, MAGENTA


@pytest.fixture
def staff(client, dan):
    dan.is_staff = True
    dan.save()
    dan.user_permissions.add(Permission.objects.get(codename="change_photo"))
    return client


def _alive(*clusters):
    for cluster in clusters:
        factory.worker_seen(cluster)


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
    assert answer.context["stored"]["photos"] == 4
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


@pytest.mark.django_db
@pytest.mark.parametrize("probe", ["/healthz", "/readyz"])
def test_probes_may_name_any_host_and_know_no_https(client_of_nobody, settings, probe):
    factory.ready()
    settings.ALLOWED_HOSTS = ["photos.example.com"]
    settings.SECURE_SSL_REDIRECT = True

    answer = client_of_nobody.get(probe, headers={"Host": "10.0.0.7:8000"})

    assert answer.status_code == 200
    assert client_of_nobody.get("/labels/", headers={"Host": "10.0.0.7:8000"}).status_code in (301, 400)
    assert client_of_nobody.post(probe).status_code == 405


@pytest.fixture
def client_of_nobody():
    return Client()


@pytest.fixture
def no_folder(settings):
    """Return what puts a storage where nothing can be written."""
    file = configured.DATA_DIR / "a file and no folder"
    file.touch()

    def lose(name):
        storage = settings.STORAGES[name]
        options = {**storage["OPTIONS"], "location": file / "inside"}
        settings.STORAGES = {**settings.STORAGES, name: {**storage, "OPTIONS": options}}

    yield lose
    file.unlink()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("rows", "ready", "words"),
    [
        pytest.param([("labels", "a"), ("bundles", "a")], True, "ok", id="all is well"),
        pytest.param([], False, "no sign of life from labels and bundles", id="nobody was seen"),
        pytest.param([("labels", "a")], False, "no sign of life from bundles", id="one cluster is missing"),
        pytest.param(
            [("labels", "a"), ("bundles", "a", 10)], False, "no sign of life from bundles", id="one is silent"
        ),
        pytest.param(
            [("labels", "a"), ("labels", "b", 10), ("bundles", "a")],
            True,
            "ok; machines without a sign of life: 1 of 2 for labels",
            id="a dead machine beside a living one",
        ),
        pytest.param(
            [("labels", "a"), ("bundles", "a"), ("labels", "b", None)], True, "ok", id="one is starting"
        ),
    ],
)
def test_readyz_wants_one_living_worker_of_each_cluster(client_of_nobody, rows, ready, words):
    for cluster, host, *ago in rows:
        [minutes] = ago or [0]
        factory.worker_seen(cluster, host, worker=minutes, monitor=minutes, started=minutes or 0)
    heartbeats.swept()

    answer = client_of_nobody.get("/readyz")

    assert answer.status_code == (200 if ready else 503)
    assert answer.json() == {"database": "ok", "storage": "ok", "queue": words}
    assert stored("originals") == stored("bundles") == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("minutes", "ready"),
    [
        pytest.param([], False, id="never"),
        pytest.param([4], True, id="lately"),
        pytest.param([6], False, id="not for five minutes"),
        pytest.param([600, 0], True, id="in another process before"),
        pytest.param([-600], False, id="by a clock that was set back since"),
    ],
)
def test_readyz_wants_a_sweep(client_of_nobody, staff, minutes, ready):
    _alive(*queue.CLUSTERS)
    for pid, ago in enumerate(minutes):
        factory.worker_seen("sweep", pid=pid, worker=ago, monitor=ago)

    answer = client_of_nobody.get("/readyz")
    page = staff.get(reverse("status")).content.decode()

    assert answer.status_code == (200 if ready else 503)
    assert ("the sweep does not run" in answer.json()["queue"]) != ready
    assert ("has not run yet" in page) == (minutes in ([], [-600]))


@pytest.mark.django_db
def test_the_page_names_every_machine_and_its_state(staff):
    factory.worker_seen("labels", "web-1")
    factory.worker_seen("labels", "web-2", worker=10)
    factory.worker_seen("labels", "web-3", worker=None, monitor=None, started=0)

    page = staff.get(reverse("status")).content.decode()

    for host, words in {"web-1": "worker seen", "web-2": "no worker since", "web-3": "started"}.items():
        line = page[page.index(host) :]
        assert words in line[: line.index("</li>")], host
    assert "no worker seen yet" in page  # of bundles


@pytest.mark.django_db
def test_a_worker_busy_with_a_long_build_counts_as_alive(client_of_nobody, dan):
    _alive("labels")
    heartbeats.swept()
    factory.photo(dan)
    factory.held_bundle(dan)

    assert client_of_nobody.get("/readyz").json()["queue"] == "ok"


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "what"), [("originals", "Photos"), ("bundles", "Archives and thumbnails")])
def test_a_folder_that_cannot_be_written_is_said(client_of_nobody, staff, no_folder, name, what):
    factory.ready()
    no_folder(name)

    answer = client_of_nobody.get("/readyz")
    page = staff.get(reverse("status")).content.decode()

    words = f"not writable, {what.lower()}: Not a directory"
    assert answer.status_code == 503
    assert answer.json() == {"database": "ok", "storage": words, "queue": "ok"}
    assert "cannot be written: Not a directory" in page
    assert page.count("cannot be written") == 1


@pytest.mark.django_db(transaction=True)
def test_readyz_says_when_the_database_is_away(client_of_nobody, monkeypatch):
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "NAME", "/no/such/folder/database")

    answer = client_of_nobody.get("/readyz")

    connection.close()
    assert answer.status_code == 503
    assert answer.json() == {"database": "not reachable", "storage": "ok", "queue": "not known"}


@pytest.mark.django_db
def test_readyz_says_when_nobody_has_made_the_tables(client_of_nobody):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE labels_heartbeat RENAME TO elsewhere")

    answer = client_of_nobody.get("/readyz")

    assert answer.status_code == 503
    assert answer.json() == {
        "database": "without its tables; manage.py migrate makes them",
        "storage": "ok",
        "queue": "not known",
    }
