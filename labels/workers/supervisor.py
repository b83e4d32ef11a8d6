"""Keep the web server and the two queue clusters running, and leave nothing behind when stopped.

Each runs in a session of its own, so that it can be ended with all its children. A cluster that
gives no sign of life for minutes is wedged (labels/workers/queue.py says how that happens): its whole group
is killed and started anew; what it held is claimed again when the lease runs out.

The programs are forks of this process, which has imported all that they need (labels/workers/warm.py) and
itself does nothing but fork and wait: it has no threads and no connection that a fork would share.
"""

import contextlib
import logging
import multiprocessing
import os
import signal
import time
from functools import partial

from django.conf import settings

from labels.workers.die_with_parent import die_with_parent
from labels.workers.heartbeats import CLUSTERS
from labels.workers.warm import warm
from labels.workers.watch import Watch
from photomgr import web_server

WEB = "web"
NAMES = (WEB, *CLUSTERS)
# With the end of Python itself on a busy machine: below ten.
_STOP_SECONDS = 7
_FORGET_SECONDS = 1
_LONGEST_PAUSE = 30
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

log = logging.getLogger(__name__)


class Program:
    """One program and its children, restarted when it ends or wedges."""

    def __init__(self, name, run, cluster=""):
        self.name = name
        self.cluster = cluster
        self._run = run
        self._pause = 1
        self._restart_at = 0.0
        self._process: multiprocessing.Process | None = None

    @property
    def pid(self):
        return self._process.pid

    def start(self, watch):
        fork = multiprocessing.get_context("fork")
        self._process = fork.Process(target=_begin, args=(os.getpid(), self._run), name=self.name)
        # Until it has left off the supervisor's ways, a signal waits.
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        self._process.start()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        log.debug("%s runs as process %s", self.name, self.pid)
        if self.cluster:
            watch.started(self.cluster, self.pid)

    def ended(self):
        return not self._process.is_alive()

    def restart_if_ended(self, watch):
        """Start again what has ended, after 1, 2, 4 … 30 s when it keeps ending."""
        if not self.ended():
            return
        now = time.monotonic()
        if not self._restart_at:
            log.warning("%s ended with %s; starting it again", self.name, self._process.exitcode)
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
        self._process.join(max(0.1, deadline - time.monotonic()))
        if self._process.is_alive():
            log.warning("%s did not stop; killing it", self.name)

    def kill(self, watch):
        """Kill the whole group, whatever is left of it, and expect no more signs of life of it."""
        # By itself as well: it may not lead a group yet. No such group: all of it is gone already.
        self._process.kill()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.join()
        if self.cluster:
            watch.ended(self.cluster, self.pid)


def _begin(parent, run):
    os.setsid()
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
    die_with_parent(parent)
    run()


def programs(listener, names=NAMES):
    """Return the programs; `listener` is the socket of the web server, None when it is not among them."""
    found = [
        Program(f"{name} worker", partial(_run_cluster, name, listener), name)
        for name in CLUSTERS
        if name in names
    ]
    if WEB in names:
        web = partial(web_server.serve, listener)
        found += [Program(f"web server {number + 1}", web) for number in range(settings.WEB_PROCESSES)]
    return found


def _run_cluster(name, listener):
    from labels.workers import cluster

    if listener:
        # The port is free as soon as the web server is gone.
        listener.close()
    cluster.run(name)


def supervise(running, stopping, announce=None):
    """Run the programs until the event `stopping` is set, then end them all, within ten seconds.

    `announce` is called every half second until it returns true.
    """
    warm()
    watch = Watch()
    for program in running:
        program.start(watch)
    try:
        announced = announce is None
        while not stopping.wait(0.5):
            announced = announced or announce()
            watch.go_on()
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
