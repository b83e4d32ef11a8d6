"""Memory stays flat whatever the size: the peak of a process that adds one photo."""

import os
import subprocess
import sys

import pytest
from django.conf import settings

from tests import factory

_SIZE = 90_000_000
_ADD = """
import resource, sys, django
django.setup()
from django.contrib.auth import get_user_model
from django.core.management import call_command
from labels.intake.add import add_photo
call_command("migrate", verbosity=0)
owner = get_user_model().objects.create_user("dan")
for path in sys.argv[1:]:
    with open(path, "rb") as file:
        result = add_photo(file, "photo.jpg", owner)
        assert result.outcome == "imported" and result.photo.size == file.seek(0, 2), result
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def _peaks_kib(folder, *paths):
    """Return the peak memory of a process of its own after it added each file to an empty installation."""
    done = subprocess.run(
        [sys.executable, "-c", _ADD, *map(str, paths)],
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "photomgr.settings",
            "DATABASE_URL": f"sqlite:///{folder / 'db.sqlite3'}",
            "PHOTOMGR_DATA_DIR": str(folder),
        },
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=True,
    )
    return [int(line) for line in done.stdout.split()]


@pytest.fixture
def small(tmp_path):
    path = tmp_path / "small.jpg"
    path.write_bytes(factory.picture(size=(640, 480)).read())
    return path


@pytest.fixture
def large(tmp_path, small):
    """The same picture with 90 MB behind it, as phones append a film: valid, and just as quickly decoded."""
    path = tmp_path / "large.jpg"
    path.write_bytes(small.read_bytes())
    with path.open("ab") as file:
        file.truncate(_SIZE)
    return path


def test_a_large_file_takes_no_more_memory_than_a_small_one(small, large, tmp_path):
    little, much = _peaks_kib(tmp_path, small, large)

    # A tenth of the file: room for noise, none for holding it.
    assert much - little < _SIZE / 10 / 1024
