"""Many files at once: checked, drawn and stored on all cores; this process gives them their rows in order."""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import CancelledError, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from django.db import connections

from labels.intake.add import IntakeResult, Outcome, commit, store, take_back
from labels.intake.checks import Refused
from labels.models import Photo

# So many files a process has prepared or in work: enough to keep it busy while this one writes rows.
_AHEAD = 3
_inherited = []


class ProcessDied(Exception):
    """A process was killed, by want of memory for example; the words name the files it may have had."""


def default_workers():
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(eq=False)
class _Job:
    """One file; `prepared()` returns its IntakeResult without a row, however long that takes."""

    name: str
    prepared: Callable[[], IntakeResult]
    in_work: deque
    is_mine: bool = True

    def finish(self):
        try:
            result = self.prepared()
        except BrokenProcessPool as error:
            raise ProcessDied(", ".join(job.name for job in self.in_work)) from error
        # From here on commit() answers for its files.
        self.is_mine = False
        return commit(result)

    def take_back(self):
        with suppress(CancelledError, BrokenProcessPool, OSError):
            if self.is_mine and (result := self.prepared()).outcome == Outcome.IMPORTED and result.photo:
                take_back(result.photo)


def add_all(files, owner, dry_run=False, workers=1):
    """Yield (name, finish) for each (name, opener), in their order; finish() adds the photo.

    It returns the IntakeResult, or raises ProcessDied, or what storage and database raise. When the caller
    stops, nothing of the files behind stays.
    """
    if workers == 1:
        for name, opener in files:
            yield name, _Job(name, partial(_prepare, name, opener, owner, dry_run), deque()).finish
        return
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("fork"), _begin)
    jobs = deque()
    try:
        for name, opener in files:
            future = pool.submit(_prepare, name, opener, owner, dry_run)
            jobs.append(_Job(name, future.result, jobs))
            if len(jobs) >= _AHEAD * workers:
                yield jobs[0].name, jobs[0].finish
                jobs.popleft()
        while jobs:
            yield jobs[0].name, jobs[0].finish
            jobs.popleft()
    except BrokenProcessPool as error:
        # One died while another file was handed in.
        raise ProcessDied(", ".join(job.name for job in jobs)) from error
    finally:
        pool.shutdown(cancel_futures=True)
        for job in jobs:
            job.take_back()


def _prepare(name, opener, owner, dry_run):
    try:
        with opener() as file:
            return store(file, name, owner, dry_run, draw=not dry_run, line=Photo.Line.IN_BULK)
    except Refused as refusal:
        return IntakeResult(name, Outcome.REFUSED, reason=refusal.reason, code=refusal.code)


def _begin():
    """Make a forked process ready: with connections of its own, and no longer alive than its parent."""
    # Ctrl-C reaches the parent, too, which ends the work in order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    for connection in connections.all(initialized_only=True):
        # Kept, because closing them here would end the parent's.
        _inherited.append(connection)
        del connections[connection.alias]


def _end_with_parent():
    multiprocessing.parent_process().join()
    os._exit(1)
