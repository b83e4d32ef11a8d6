"""The application's settings on a throw-away data folder, with the fake detector and a quick queue.

DATABASE_URL is honoured: the same suite runs on SQLite and on PostgreSQL.
"""

import atexit
import os
import shutil
import tempfile

_FOLDER = tempfile.mkdtemp(prefix="photomgr-tests-")
atexit.register(shutil.rmtree, _FOLDER, ignore_errors=True)
os.environ["PHOTOMGR_DATA_DIR"] = _FOLDER
os.environ["LABELS_DETECTOR"] = "fake"
os.environ.pop("SITE_URL", None)

from photomgr.settings import *  # noqa: E402, F403
from photomgr.settings import DATA_DIR, DATABASES, Q_CLUSTER, STORAGES  # noqa: E402

SECRET_KEY = "tests"
(DATA_DIR / "static").mkdir(exist_ok=True)
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# Tasks run where on_commit enqueues them: inside `django_capture_on_commit_callbacks(execute=True)`.
Q_CLUSTER = {**Q_CLUSTER, "sync": True}
STORAGES = {
    **STORAGES,
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # Nobody loses this database's last second by a power cut.
    DATABASES["default"]["OPTIONS"]["init_command"] += " PRAGMA synchronous=OFF;"
    # A file: threads and processes share it, which an in-memory database cannot be made to do.
    DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}
