"""Whether the clusters that this machine runs give signs of life, as the supervisor needs to know it.

In a thread of its own: SQLite may be locked for 30 s and a server may not answer at all, which must hold up
neither a restart nor a stop.
"""

import logging
import queue as queues
import time
from threading import Thread

from django.conf import settings
from django.db import Error, connection

from labels.workers import heartbeats, queue

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


class Watch(Thread):
    """Writes which clusters were started and ended, and looks for the signs of life of those that run."""

    def __init__(self):
        super().__init__(daemon=True)
        self._jobs = queues.SimpleQueue()
        self._signs = {}
        # Replaced, never changed: the supervisor reads it.
        self.silent = frozenset()

    def started(self, cluster, pid):
        self._jobs.put((self._expect, cluster, pid))

    def ended(self, cluster, pid):
        self._jobs.put((self._forget, cluster, pid))

    def finish(self, seconds):
        """Carry out what was said so far, for at most so many seconds; the sweep forgets the rest in time."""
        self._jobs.put(None)
        self.join(seconds)

    def run(self):
        look_at = time.monotonic() + _LOOK_SECONDS
        while True:
            try:
                job = self._jobs.get(timeout=max(0, look_at - time.monotonic()))
            except queues.Empty:
                job = (self._look,)
                look_at = time.monotonic() + _LOOK_SECONDS
            if job is None:
                connection.close()
                return
            _try(*job)

    def _expect(self, cluster, pid):
        self._signs[cluster, pid] = Signs(time.monotonic())
        heartbeats.expect(cluster, pid)
        queue.ask_for_heartbeat(cluster)

    def _forget(self, cluster, pid):
        self._signs.pop((cluster, pid), None)
        heartbeats.forget(cluster, pid)

    def _look(self):
        silent = set()
        for (cluster, pid), signs in self._signs.items():
            if not signs.look(heartbeats.signs_here(cluster, pid), time.monotonic()):
                silent.add(pid)
        self.silent = frozenset(silent)


def _try(job, *arguments):
    """Go on when the database is away: nobody can tell then, and the programs themselves wait for it too."""
    try:
        job(*arguments)
    except Error as error:
        log.warning("signs of life cannot be read or written: %s", error)
        connection.close()
