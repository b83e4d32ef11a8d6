"""A clock that was hours ahead and is set right, under real clusters (Debian's faketime)."""

import glob
import os
import subprocess
import sys
from datetime import timedelta

import pytest
from django.utils import timezone

from tests import needs
from tests.live.processes import MANAGE
from tests.live.workers import LABELLED, fill

pytestmark = [pytest.mark.worker, pytest.mark.any_database, pytest.mark.everything]

_PLANNED = "SELECT min(next_run) FROM django_q_schedule WHERE name IN ('sweep', 'heartbeat labels')"

_SWEPT = "SELECT min(worker_at) FROM labels_heartbeat WHERE cluster = 'sweep'"


def test_work_goes_on_after_a_clock_that_was_ahead_is_set_right(install, tmp_path):
    library = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
    if not library:
        needs.lacking("faketime is not installed (apt-get install faketime): no clock was set")
    installation = install(LABELS_DETECTOR="fake")
    clock = tmp_path / "clock"
    clock.write_text("+9h\n")
    fake = {
        "LD_PRELOAD": library[0],
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_DONT_RESET": "1",
    }
    environment = {**installation.environment, **fake}
    with installation.log.open("ab") as log:
        supervisor = subprocess.Popen(
            [sys.executable, MANAGE, "run", "--only", "labels"],
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    ahead = f"{timezone.now() + timedelta(hours=8):%Y-%m-%d %H:%M:%S}"
    # In text, as SQLite keeps it.
    wrong = installation.wait_for(
        lambda: str(at) if str(at := installation.value(_PLANNED)) > ahead else "",
        "it plans by the wrong clock",
        90,
    )
    running = {pid for pid in installation.processes() if os.getpgid(pid) == pid}

    clock.write_text("+0h\n")
    fill(installation, tmp_path, ("red", (64, 48)))

    installation.wait_for(
        lambda: str(installation.value(_PLANNED)) < ahead, "schedules were brought back", 60
    )
    installation.wait_for(lambda: str(installation.value(_SWEPT)) < ahead, "it swept by the right clock", 90)
    installation.wait_for(lambda: installation.value(LABELLED) == 1, "the photo was labelled", 60)
    assert wrong > ahead
    # Nobody took the clusters for dead.
    assert running <= set(installation.processes())
    assert "no sign of life" not in installation.words()
    # Not by SIGTERM: with faketime 0.9.10 Python's sleeps fail here and there, after which it ends as it can.
    supervisor.kill()
    supervisor.wait()
