"""One heartbeat reaches every cluster that shares a queue, and machines are distinguished."""

from pathlib import Path

import pytest

from labels.workers import heartbeats
from tests.live.workers import LABELLED, fill

pytestmark = pytest.mark.worker

_EXPECT = (
    "INSERT INTO labels_heartbeat (cluster, host, pid, started_at) VALUES ('labels', ?, ?, CURRENT_TIMESTAMP)"
)
_SEEN = """
SELECT pid FROM labels_heartbeat
WHERE cluster = 'labels' AND worker_at IS NOT NULL AND monitor_at IS NOT NULL ORDER BY pid
"""
_ASK = "from labels.workers import queue; queue.welcome('labels')"


def test_one_heartbeat_is_passed_on_until_both_clusters_had_it(install):
    installation = install(LABELS_DETECTOR="fake")
    # Without schedules: the one task alone can be what writes them.
    installation.rows("DELETE FROM django_q_schedule")
    pids = sorted(installation.start_cluster().pid for _ in range(2))
    for pid in pids:
        installation.rows(_EXPECT, heartbeats.host(), pid)

    installation.manage("shell", "-c", _ASK)

    installation.wait_for(lambda: installation.rows(_SEEN) == [(pid,) for pid in pids], "both were heard")


def test_a_worker_that_has_worked_is_replaced_by_a_fresh_one_after_a_heartbeat(install, tmp_path):
    installation = install(LABELS_DETECTOR="local", QUEUE_WORKERS="1")
    installation.rows("DELETE FROM django_q_schedule")
    cluster = installation.start_cluster()
    fill(installation, tmp_path, ("red", (4000, 3000)))
    installation.wait_for(lambda: installation.value(LABELLED) == 1, "it is labelled")
    grown = max(installation.processes(), key=_own_memory)

    installation.manage("shell", "-c", _ASK)

    installation.wait_for(lambda: grown not in installation.processes(), "the worker was replaced")
    assert cluster.poll() is None
    assert "ERROR" not in installation.words()


def _own_memory(pid):
    rows = (line.split() for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines())
    return next(int(row[1]) for row in rows if row[0] == "Private_Dirty:")
