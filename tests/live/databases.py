"""The database of one installation: a file of its own, or one on the PostgreSQL that DATABASE_URL names.

Tests look into it without Django. Queries are written for both: `?` for values, TRUE and FALSE for booleans.
"""

import contextlib
import hashlib
import os
import sqlite3
from pathlib import Path
from urllib.parse import urlsplit

import psycopg


def database_for(folder):
    """Return the database of an installation in `folder`, on the server that the suite runs on."""
    server = os.environ.get("DATABASE_URL", "")
    if urlsplit(server).scheme in ("postgres", "postgresql"):
        return PostgresDatabase(server, folder)
    return SqliteFile(folder)


class SqliteFile:
    """`db.sqlite3` in the folder, made by the first who writes to it."""

    Locked = sqlite3.OperationalError

    def __init__(self, folder):
        self._path = folder / "db.sqlite3"
        self.url = f"sqlite:///{self._path}"

    def create(self, like=None):
        """Leave that to the first connection, or to who copied the folder of `like`."""

    def settle(self):
        """Write what is only in the log into the file, which is copied with its folder."""
        self.rows("PRAGMA wal_checkpoint(TRUNCATE)")

    def rows(self, query, *values, wait=30):
        """Return the rows of a query; changes are committed. Locked: not within `wait` seconds."""
        with contextlib.closing(sqlite3.connect(self._path, timeout=wait)) as connection, connection:
            return connection.execute(query, values).fetchall()

    @contextlib.contextmanager
    def locked(self):
        """Let nobody write."""
        with contextlib.closing(sqlite3.connect(self._path, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield
            connection.execute("ROLLBACK")

    def is_opened_by(self, pid):
        links = Path(f"/proc/{pid}/fd").iterdir()
        return any(os.path.realpath(link) == str(self._path) for link in links)

    def drop(self):
        """Leave the file to its folder, which pytest removes."""


class PostgresDatabase:
    """A database named after the folder, which is dropped when its installation ends."""

    Locked = psycopg.errors.LockNotAvailable

    def __init__(self, server, folder):
        self._server = server
        # One folder, one name: two processes of the suite never meet.
        self.name = f"live_{hashlib.sha256(str(folder).encode()).hexdigest()[:20]}"
        self.url = urlsplit(server)._replace(path=f"/{self.name}").geturl()

    def create(self, like=None):
        """Make it, empty or as a copy of one that nobody is connected to."""
        self.drop()
        template = like.name if like else "template1"
        self._on_server(f'CREATE DATABASE "{self.name}" TEMPLATE "{template}"')

    def settle(self):
        """Leave that to the server."""

    def rows(self, query, *values, wait=30):
        """Return the rows of a query; changes are committed. Locked: not within `wait` seconds."""
        with psycopg.connect(self.url, options=f"-c lock_timeout={int(wait * 1000)}") as connection:
            found = connection.execute(query.replace("%", "%%").replace("?", "%s"), values)
            return found.fetchall() if found.description else []

    def drop(self):
        """Remove it, and whoever is still connected."""
        self._on_server(f'DROP DATABASE IF EXISTS "{self.name}" WITH (FORCE)')

    def _on_server(self, statement):
        with psycopg.connect(self._server, autocommit=True) as connection:
            connection.execute(statement)
