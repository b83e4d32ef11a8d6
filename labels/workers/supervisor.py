"""Keep the web server and the two queue clusters running, and leave nothing behind when stopped.

Each runs in a session of its own, so that it can be ended with all its children. A cluster that
gives no sign of life for minutes is wedged (labels/workers/queue.py says how that happens): its whole group
is killed and started anew; what it held is claimed again when the lease runs out.
"""

import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from django.conf import settings

from labels.workers.heartbeats import CLUSTERS
from labels.workers.watch import Watch

WEB = "web"
NAMES = (WEB, *CLUSTERS)
# With the end of Python itself on a busy machine: below ten.
_STOP_SECONDS = 7
_FORGET_SECONDS = 1
_LONGEST_PAUSE = 30

# Without site-packages it starts in some 15 ms.
_LAUNCHER = (sys.executable, "-I", "-S", str(Path(__file__).with_name("die_with_parent.py")))

log = logging.getLogger(__name__)


class Program:
    """One program and its children, restarted when it ends or wedges."""

    def __init__(self, name, arguments, cluster=""):
        self.name = name
        self.cluster = cluster
        self._arguments = arguments
        self._environment = {**os.environ, **({"Q_CLUSTER_NAME": cluster} if cluster else {})}
        self._pause = 1
        self._restart_at = 0.0
        self._process: subprocess.Popen | None = None

    @property
    def pid(self):
        return self._process.pid

    def start(self, watch):
        self._process = subprocess.Popen(
            [*_LAUNCHER, str(os.getpid()), *self._arguments], env=self._environment, start_new_session=True
        )
        if self.cluster:
            watch.started(self.cluster, self.pid)

    def ended(self):
        return self._process.poll() is not None

    def restart_if_ended(self, watch):
        """Start again what has ended, after 1, 2, 4 … 30 s when it keeps ending."""
        if not self.ended():
            return
        now = time.monotonic()
        if not self._restart_at:
            log.warning("%s ended with %s; starting it again", self.name, self._process.returncode)
            # Children that outlived it would go on working unguarded.
            self.kill(watch)
            self._restart_at = now + self._pause
            self._pause = min(_LONGEST_PAUSE, self._pause * 2)
        elif now >= self._restart_at:
            self._restart_at = 0.0
            self.start(watch)

    def restart_if_silent(self, watch):
        if self.pid not in watch.silent or self.ended():
            return
        log.error("%s gives no sign of life; killing it and starting it again", self.name)
        self.kill(watch)
        self.start(watch)

    def stop(self):
        """Ask the program to stop its children itself: a signal to all of a qcluster makes it hang."""
        self._process.terminate()

    def wait(self, deadline):
        """Wait until it ended, or until `deadline` (monotonic seconds)."""
        try:
            self._process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            log.warning("%s did not stop; killing it", self.name)

    def kill(self, watch):
        """Kill the whole group, whatever is left of it, and expect no more signs of life of it."""
        # No such group: all of it is gone already.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()
        if self.cluster:
            watch.ended(self.cluster, self.pid)


def programs(host, port, names=NAMES):
    manage = [sys.executable, str(settings.BASE_DIR / "manage.py")]
    web = [sys.executable, "-m", "gunicorn", "photomgr.wsgi", "--bind", f"{host}:{port}"]
    # A thread for each download that runs: a slow one holds its thread until it is through.
    web += ["--workers", "2", "--threads", "32", "--no-control-socket"]
    # Whom to believe about the client is for TRUSTED_PROXIES to say; gunicorn would believe 127.0.0.1.
    web += ["--forwarded-allow-ips", ""]
    web += ["--log-level", "warning", "--graceful-timeout", "5"]
    # `run` has made the checks, and would print each warning once more for every worker.
    cluster = [*manage, "qcluster", "--skip-checks"]
    return [
        Program("web server", web) if name == WEB else Program(f"{name} worker", cluster, name)
        for name in NAMES
        if name in names
    ]


def supervise(running, stopping: threading.Event):
    """Run the programs until `stopping` is set, then end them all, within ten seconds."""
    watch = Watch()
    watch.start()
    for program in running:
        program.start(watch)
    try:
        while not stopping.wait(0.5):
            for program in running:
                program.restart_if_ended(watch)
                program.restart_if_silent(watch)
    finally:
        for program in running:
            program.stop()
        deadline = time.monotonic() + _STOP_SECONDS
        for program in running:
            program.wait(deadline)
            program.kill(watch)
        watch.finish(_FORGET_SECONDS)
