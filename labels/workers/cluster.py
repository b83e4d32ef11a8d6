"""One cluster of the queue in this process: its guard here, its pusher, monitor and workers as forks.

`manage.py qcluster` puts a process more before the guard, and reads the name of the cluster from the
environment when django-q2 is imported, which is too early for forks of a process that has imported it.
"""

import os
import signal
import time
import uuid

from django.conf import settings
from django_q.cluster import Sentinel
from django_q.conf import Conf


class _Flag:
    """What the guard asks whether to go on. multiprocessing's Event could deadlock in a signal handler."""

    def __init__(self):
        self._is_set = False

    def set(self):
        self._is_set = True

    def is_set(self):
        return self._is_set

    def wait(self, seconds):
        until = time.monotonic() + seconds
        while not self._is_set and time.monotonic() < until:
            time.sleep(min(0.1, seconds))
        return self._is_set


def run(name):
    """Carry out the tasks of one cluster until SIGTERM; those that run then are finished."""
    if name != Conf.PREFIX:
        Conf.CLUSTER_NAME = name
        for option, value in settings.Q_CLUSTER["ALT_CLUSTERS"][name].items():
            setattr(Conf, option.upper(), value)
    stopping = _Flag()
    guard = Sentinel(stopping, _Flag(), uuid.uuid4(), start=False)
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    # The forks are ended by the guard.
    os.register_at_fork(after_in_child=lambda: signal.signal(signal.SIGTERM, signal.SIG_DFL))
    guard.start()
