"""Migrations: one initial one an app, and a clear word to whoever has a database of before."""

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

pytestmark = pytest.mark.django_db


def test_a_database_of_before_the_squash_is_refused_with_the_way_out():
    MigrationRecorder(connection).record_applied("labels", "0002_archive_sums_later")

    with pytest.raises(CommandError, match="made by an earlier checkout.*PHOTOMGR_DATA_DIR"):
        call_command("migrate", verbosity=0)
