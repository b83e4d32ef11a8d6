"""A database that takes no changes is not ready, although every page can be read."""

import sqlite3

import pytest
from django.db import connection

from labels.models import Heartbeat
from tests import factory


@pytest.fixture
def read_only(db):
    """Make this connection read-only, as a full disk's remount or a standby server does."""
    is_sqlite = connection.vendor == "sqlite"

    def begin():
        # What is checked at the end of the test takes locks, which is too late then.
        connection.check_constraints()
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA query_only = ON" if is_sqlite else "SET TRANSACTION READ ONLY")

    yield begin
    if is_sqlite:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA query_only = OFF")


def test_a_read_only_database_is_not_ready(client, read_only):
    factory.ready()
    read_only()

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json() == {"database": "read-only", "storage": "ok", "queue": "not known"}


def test_a_database_that_can_be_written_is_ready_and_unchanged(client):
    factory.ready()
    before = list(Heartbeat.objects.values())

    assert client.get("/readyz").json()["database"] == "ok"
    assert list(Heartbeat.objects.values()) == before


@pytest.mark.django_db(transaction=True)
def test_a_database_in_which_somebody_writes_just_now_is_ready_at_once(client):
    if connection.vendor != "sqlite":
        pytest.skip("only SQLite has one lock for all")
    factory.ready()
    with sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        assert client.get("/readyz").json()["database"] == "ok"
        other.execute("ROLLBACK")
    other.close()
