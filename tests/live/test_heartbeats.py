"""One heartbeat reaches every cluster that shares a queue, and machines are distinguished."""

import pytest

from labels.workers import heartbeats

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
