"""What the benchmarks share: a throw-away installation and the folder of real photos."""

import atexit
import os
import platform
import shutil
import sys
import tempfile
from pathlib import Path


def installation():
    """Make an empty installation in a temporary folder and return one account of it."""
    set_up()
    return account()


def set_up(in_place=False):
    """Set Django up on an empty temporary folder, which goes with this process, or as it is installed."""
    if not in_place:
        folder = tempfile.mkdtemp(prefix="photomgr-bench-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        os.environ["PHOTOMGR_DATA_DIR"] = folder
    os.environ.update(DJANGO_SETTINGS_MODULE="photomgr.settings", LOG_LEVEL="ERROR")
    import django

    django.setup()


def account():
    """Make the tables and return one account."""
    from django.contrib.auth import get_user_model
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    return get_user_model().objects.create_user("bench", "bench@example.com")


def photos():
    """Return the real photos' paths; end the run with a sentence where they are not at hand."""
    beside = Path(__file__).resolve().parents[2] / "shared"
    folder = Path(os.environ.get("PHOTOMGR_SHARED", beside)) / "photos"
    found = sorted(folder.glob("*.jpg"))
    if not found:
        sys.exit("No photos: PHOTOMGR_SHARED names the folder that holds photos/*.jpg.")
    return found


def machine():
    """Return one line that says what the figures were measured on."""
    cores = os.cpu_count()
    return f"{cores} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}"


def table(heading, *rows):
    """Return a Markdown table."""
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)
