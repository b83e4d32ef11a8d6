"""Whether the clusters that this machine runs give signs of life, as the supervisor needs to know it.

Asked by a process that ends with its answer: SQLite may be locked for 30 s and a server may not answer at
all, which must hold up neither a restart nor a stop. No thread, because the supervisor forks, and a fork of a
process with threads has their locks.
"""

import contextlib
import logging
import multiprocessing
import os
import signal
import time

from django.conf import settings
from django.db import Error
from django.utils import timezone

from labels.workers import heartbeats, queue
from labels.workers.die_with_parent import die_with_parent
from photomgr.queue import correct_times

_LOOK_SECONDS = 15

log = logging.getLogger(__name__)


class Signs:
    """The last signs of life of one cluster, by a clock that does not jump: what counts is that they change.

    Moments are seconds of time.monotonic().
    """

    def __init__(self, now):
        self._last = {}
        self._looked_at = now
        self._changed_at = dict.fromkeys(("worker", "monitor", "work"), now)

    def look(self, found, now):
        """Note what heartbeats.signs_here() found; return whether the cluster is alive, as far as known."""
        if now - self._looked_at > heartbeats.STALE.total_seconds() / 2:
            # The database was away, or the machine slept: nobody could give a sign.
            self._changed_at = dict.fromkeys(self._changed_at, now)
        self._looked_at = now
        changed = {name: now for name, value in found.items() if value != self._last.get(name)}
        self._changed_at |= changed
        self._last = found
        at, stale = self._changed_at, heartbeats.STALE.total_seconds()
        # Either process stops in a wedged cluster.
        moves = now - min(at["worker"], at["monitor"]) <= stale
        return moves or bool(found["work"]) and now - at["work"] <= max(stale, settings.CLAIM_LEASE_SECONDS)


class Watch:
    """The supervisor's knowledge of its clusters. No method waits for the database."""

    def __init__(self):
        self._signs = {}
        # What is yet to be written, in its order.
        self._jobs = []
        self._errand = None
        self._look_at = time.monotonic()
        self.silent = frozenset()

    def started(self, cluster, pid):
        self._signs[cluster, pid] = Signs(time.monotonic())
        self._jobs.append((_expect, cluster, pid))

    def ended(self, cluster, pid):
        self._signs.pop((cluster, pid), None)
        self._jobs.append((_forget, cluster, pid))

    def go_on(self):
        """Hear what was found, and have the next thing looked for when it is time."""
        if self._errand:
            if not self._errand.is_over():
                return
            self._judge(self._errand.found)
            self._errand = None
        looks = time.monotonic() >= self._look_at
        if looks:
            self._look_at = time.monotonic() + _LOOK_SECONDS
        if self._jobs or looks:
            self._errand = _Errand(self._jobs, list(self._signs) if looks else [])
            self._jobs = []

    def finish(self, seconds):
        """Write what is to be written, for at most so many seconds; the sweep forgets the rest in time."""
        deadline = time.monotonic() + seconds
        for errand in (self._errand, _Errand(self._jobs, []) if self._jobs else None):
            if errand:
                errand.end(deadline)

    def _judge(self, found):
        for cluster, signs in found.items():
            if cluster in self._signs:
                is_alive = self._signs[cluster].look(signs, time.monotonic())
                self.silent = self.silent - {cluster[1]} if is_alive else self.silent | {cluster[1]}
        self.silent &= {pid for _, pid in self._signs}


class _Errand:
    """A fork that writes and reads in the database; `found` is {(cluster, pid): signs} once it is over."""

    def __init__(self, jobs, clusters):
        fork = multiprocessing.get_context("fork")
        self.found = {}
        self._line, theirs = fork.Pipe(duplex=False)
        self._process = fork.Process(target=_run_errand, args=(os.getpid(), theirs, jobs, clusters))
        self._process.start()
        theirs.close()

    def is_over(self):
        if self._process.is_alive() and not self._line.poll():
            return False
        # An end without an answer is one, too.
        with contextlib.suppress(EOFError):
            self.found = self._line.recv()
        self._line.close()
        self._process.join()
        return True

    def end(self, deadline):
        self._process.join(max(0, deadline - time.monotonic()))
        self._process.kill()
        self._process.join()


def _run_errand(parent, line, jobs, clusters):
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    die_with_parent(parent)
    found = {}
    try:
        for write, *cluster in jobs:
            write(*cluster)
        if clusters:
            # They plan by the clock; when it was set back they would do nothing, and give no sign.
            correct_times(timezone.now())
        for cluster in clusters:
            found[cluster] = heartbeats.signs_here(*cluster)
    except Error as error:
        # Nobody can tell then, and the programs themselves wait for the database too.
        log.warning("signs of life cannot be read or written: %s", error)
    line.send(found)


def _expect(cluster, pid):
    heartbeats.expect(cluster, pid)
    queue.welcome(cluster)


def _forget(cluster, pid):
    heartbeats.forget(cluster, pid)
