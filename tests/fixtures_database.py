"""A pytest plugin: the migrations run once, not in each worker of pytest-xdist, where the database is a file.

They take four seconds of processor time. tests/live has installations that run them on an empty folder.
"""

import fcntl
import os
import shutil

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory, django_db_blocker):
    """Return a SQLite file with all tables, to be copied; None on another database."""
    if connection.vendor != "sqlite":
        return None
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    path, draft = folder / "migrated.sqlite3", folder / "draft.sqlite3"
    with (folder / "migrated.lock").open("w") as lock, django_db_blocker.unblock():
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            _migrate(draft)
            draft.rename(path)
    return path


def _migrate(path):
    own = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = str(path)
    call_command("migrate", verbosity=0, interactive=False)
    connection.close()
    connection.settings_dict["NAME"] = own


@pytest.fixture(scope="session")
def django_db_keepdb(migrated_file):
    """Have pytest-django take the copy as it is; it lies in a folder that ends with the process."""
    return migrated_file is not None


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings, migrated_file):
    """Copy the file to where pytest-django is about to look for the database of this worker."""
    if migrated_file:
        shutil.copy(migrated_file, settings.DATABASES["default"]["TEST"]["NAME"])
