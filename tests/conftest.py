import gc
import os
import re
import shutil
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django.test import TestCase

from labels.storage import health
from tests import factory, matrix
from tests.aws_calls import Recorder
from tests.hooked_storage import HookedStorage

pytest_plugins = ["tests.groups", "tests.fixtures_aws", "tests.fixtures_database"]

matrix.register_profiles()

# With one of these a test reads or writes rows of the suite's own database.
_DATABASE_FIXTURES = {"db", "transactional_db", "django_db_setup"}

_TELLS_WHETHER_FREE = ("status", "done", "lease_until", "lease_owner")


def pytest_addoption(parser):
    parser.addoption("--screenshots", action="store_true", help="photograph the pages that are looked at")
    parser.addoption(
        "--database-only", action="store_true", help="leave out tests to which the database is all the same"
    )


def pytest_collection_modifyitems(config, items):
    chosen = items
    if config.getoption("--database-only"):
        chosen = [item for item in chosen if _touches_database(item)]
    if settings.DATABASES["default"]["ENGINE"] != "django.db.backends.postgresql":
        chosen = [item for item in chosen if not item.get_closest_marker("postgresql")]
    kept = set(chosen)
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = chosen


def pytest_collection_finish():
    # Modules and collected tests stay to the end: every full collection would look at them in vain.
    gc.collect()
    gc.freeze()


def _touches_database(item):
    if item.get_closest_marker("any_database"):
        return False
    fixtures = set(getattr(item, "fixturenames", ()))
    if item.get_closest_marker("django_db") or fixtures & _DATABASE_FIXTURES:
        return True
    # Real processes make a database of their own on the same server. Those that are only there to show
    # pages to a browser do not count: it sees the same whatever the database.
    return bool(item.get_closest_marker("worker"))


@pytest.fixture(scope="session")
def shared():
    """Return the folder with real photos, flags and series, or skip: it is no part of the project."""
    beside = Path(__file__).resolve().parents[2] / "shared"
    folder = Path(os.environ.get("PHOTOMGR_SHARED", beside))
    if not (folder / "photos" / "ground_truth.csv").exists():
        pytest.skip("the shared photos are not beside the project (PHOTOMGR_SHARED names their folder)")
    return folder


@pytest.fixture(autouse=True)
def empty_data_folder():
    """Begin each test with no files stored, so that a test may ask for exactly what is there."""
    for name in ("originals", "renditions", "bundles", "mail"):
        shutil.rmtree(settings.DATA_DIR / name, ignore_errors=True)


@pytest.fixture(autouse=True)
def untried_storage():
    """Begin each test without what an earlier one found when it tried the storage."""
    health.checks.clear()


@pytest.fixture(autouse=True)
def calls_to_aws():
    """Fail a test in which the application called AWS for what deploy/photomgr.yaml does not allow."""
    recorder = Recorder()
    recorder.start()
    yield recorder.calls
    recorder.stop()
    assert recorder.denied() == [], "deploy/photomgr.yaml does not allow these calls"


@pytest.fixture(autouse=True)
def claims_by_own_columns():
    """Fail a test in which an update asks only in a subquery whether its rows are free.

    PostgreSQL does not ask that again after it waited for somebody else's update: both get the row.
    """
    with connection.execute_wrapper(_look_at_update):
        yield


def _look_at_update(execute, sql, params, many, context):
    if sql.startswith("UPDATE") and " IN (SELECT" in sql:
        table, where = sql.split()[1], sql.partition(" WHERE ")[2]
        # Django calls the tables of a subquery U0, U1, and so on.
        inner = [name for name in _TELLS_WHETHER_FREE if re.search(rf'\bU\d+\."{name}"', where)]
        assert all(f'{table}."{name}"' in where for name in inner), f"asked in a subquery only: {sql}"
    return execute(sql, params, many, context)


@pytest.fixture(scope="module")
def module_database(django_db_setup, django_db_blocker):
    """Let fixtures of a module make rows that each of its tests sees and none changes for the next."""

    class Rows(TestCase):
        """Holds the transaction around those of the tests, as setUpTestData does."""

    with django_db_blocker.unblock():
        atomics = Rows._enter_atomics()
        yield
        Rows._rollback_atomics(atomics)


@pytest.fixture
def commits(django_capture_on_commit_callbacks):
    """Return a context manager in which commits enqueue tasks, which run at once."""
    return lambda: django_capture_on_commit_callbacks(execute=True)


@pytest.fixture
def mail_in_files(settings):
    """Write mail as a checkout does; otherwise the test runner keeps it in `mailoutbox`."""
    settings.EMAIL_BACKEND = "labels.notices.mail_files.EmailBackend"


@pytest.fixture
def before_open(settings, monkeypatch):
    """Return how a test says what shall happen before an original is opened."""
    settings.STORAGES = {
        **settings.STORAGES,
        "originals": {
            **settings.STORAGES["originals"],
            "BACKEND": "tests.hooked_storage.HookedStorage",
        },
    }
    return lambda act: monkeypatch.setattr(HookedStorage, "before_open", staticmethod(act))


@pytest.fixture
def dan(db):
    return factory.user("dan")


@pytest.fixture
def eve(db):
    return factory.user("eve")


@pytest.fixture
def client(client, dan):
    """The browser of dan, signed in."""
    client.force_login(dan)
    return client


def stored(name):
    """Return the files in one storage, sorted."""
    folder = settings.DATA_DIR / name
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def read_file(storage, name):
    """Return the bytes of a stored file, and close it."""
    with storage.open(name) as file:
        return file.read()
