"""A disk that is too small, or that fills while we write: a sentence, and nothing left behind."""

import fcntl
import os
import shutil
from pathlib import Path

import pytest

from labels.bundles import building
from labels.models import Bundle, Notice
from tests import factory
from tests.conftest import stored

pytestmark = pytest.mark.django_db


@pytest.fixture
def library(dan):
    return [factory.photo(dan, (60 * n, 0, 0), (200 + n, 150), f"{n}.jpg", quality=95) for n in range(4)]


def _failed(bundle, commits):
    with commits():
        building.build(bundle)
    bundle.refresh_from_db()
    assert bundle.status == Bundle.Status.FAILED
    assert Notice.objects.get().outcome == Notice.Outcome.FAILED
    assert not bundle.parts.exists()
    return bundle.failure_reason


def test_too_little_space_is_said_before_anything_is_written(dan, library, commits, monkeypatch, mailoutbox):
    bundle = factory.held_bundle(dan)
    usage = shutil.disk_usage("/")._replace(free=bundle.planned_bytes - 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)

    reason = _failed(bundle, commits)

    assert reason.startswith("The archives need ")
    assert reason.endswith("Choose fewer photos, or ask your administrator to make room.")
    assert stored("bundles") == []
    assert reason in mailoutbox[0].body


def test_exactly_enough_space_is_enough(dan, library, monkeypatch):
    bundle = factory.held_bundle(dan)
    usage = shutil.disk_usage("/")._replace(free=bundle.planned_bytes)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)

    building.build(bundle)

    bundle.refresh_from_db()
    assert bundle.status == Bundle.Status.READY


def _fill_the_disk():
    """Put /dev/full in the place of the archive that is being written: every write answers ENOSPC."""
    archives = [fd for fd in Path("/proc/self/fd").iterdir() if os.path.realpath(fd).endswith(".zip")]
    [written] = [int(fd.name) for fd in archives if fcntl.fcntl(int(fd.name), fcntl.F_GETFL) & os.O_RDWR]
    full = os.open("/dev/full", os.O_RDWR)
    os.dup2(full, written)
    os.close(full)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full is Linux's full disk")
@pytest.mark.parametrize("at", [0, 3], ids=["first part", "last part"])
def test_a_disk_that_fills_up_fails_the_download_and_leaves_no_files(dan, library, commits, before_open, at):
    bundle = factory.held_bundle(dan, part_bytes=1)
    opened = []

    def fill(key):
        opened.append(key)
        if len(opened) == at + 1:
            _fill_the_disk()

    before_open(fill)
    reason = _failed(bundle, commits)

    assert reason == (
        "The server's disk ran full. Choose fewer photos, or ask your administrator to make room."
    )
    assert len(opened) == at + 1
    assert stored("bundles") == []
