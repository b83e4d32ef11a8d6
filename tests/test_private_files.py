"""Nobody but the account that runs photomgr reads its data, in installations of before, too."""

import os
import sqlite3
import subprocess
import sys

import pytest
from django.conf import settings

pytestmark = pytest.mark.any_database


def _mode(path):
    return path.stat().st_mode & 0o777


def _start(folder, **variables):
    command = [sys.executable, "-c", "import photomgr.settings"]
    inherited = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    environment = {**inherited, "PHOTOMGR_DATA_DIR": str(folder), **variables}
    subprocess.run(command, cwd=settings.BASE_DIR, env=environment, check=True, umask=0o022)


def test_a_new_installation_is_private(tmp_path):
    _start(tmp_path / "var")

    modes = [_mode(tmp_path / "var" / name) for name in (".", "db.sqlite3", "secret_key")]
    assert modes == [0o700, 0o600, 0o600]


def test_an_installation_of_before_becomes_private(tmp_path):
    folder, database = tmp_path / "var", tmp_path / "elsewhere.sqlite3"
    folder.mkdir(mode=0o755)
    open_connection = sqlite3.connect(database)
    open_connection.execute("PRAGMA journal_mode=WAL")
    open_connection.execute("CREATE TABLE photo (name)")
    open_connection.commit()
    files = [tmp_path / f"elsewhere.sqlite3{suffix}" for suffix in ("", "-wal", "-shm")]
    for path in files:
        path.chmod(0o644)

    _start(folder, DATABASE_URL=f"sqlite:///{database}")

    assert [_mode(path) for path in (folder, *files)] == [0o700, 0o600, 0o600, 0o600]
    assert sqlite3.connect(database).execute("SELECT count(*) FROM photo").fetchone() == (0,)
    open_connection.close()
