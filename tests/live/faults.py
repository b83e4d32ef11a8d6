"""What goes wrong on a bad day, done to real processes: kills, a full disk, a database or queue that is away.

Each fault is a function of a BadDay; what it took away is given back when it returns.
"""

import contextlib
import os
import random
import signal
import subprocess
import threading
import time

import psycopg

from tests.live.processes import signal_group

# Left free on the disk when it is full: less than a picture.
_ROOM = 4096


class BadDay:
    """An installation at work, and a seeded source of accidents. `struck` counts them by name."""

    def __init__(self, seed, installation, site, database, mail, redis=None):
        self.rng = random.Random(seed)
        self.installation, self.site, self.database, self.mail = installation, site, database, mail
        self.redis, self.struck = redis, {}

    def strike(self, name):
        FAULTS[name](self)
        self.struck[name] = self.struck.get(name, 0) + 1

    def mend(self):
        """Start the supervisor again if it ended, as a service manager would: its port may be in use."""
        if self.site.process.poll() is not None:
            self.site = type(self.site)(self.installation, self.site.port)

    def pause(self, most):
        time.sleep(self.rng.uniform(0.1, most))


def kill_process(day):
    """Kill any process: of the web server, a cluster, a command that is adding photos."""
    processes = set(day.installation.processes()) - {day.site.process.pid}
    if processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(day.rng.choice(sorted(processes)), signal.SIGKILL)


def kill_program(day):
    """Kill a whole program with its children."""
    with contextlib.suppress(ProcessLookupError):
        leaders = {os.getpgid(pid) for pid in day.installation.processes()} - {
            day.site.process.pid,
            os.getpgrp(),
        }
        if leaders:
            signal_group(day.rng.choice(sorted(leaders)), signal.SIGKILL)


def kill_database(day):
    day.database.kill()
    day.pause(1)
    day.database.start()


def restart_database(day):
    day.database.stop()
    day.database.start()


def lose_queue(day):
    """Stop Redis, with all that was in it; with the queue in the database its tasks are lost."""
    if day.redis:
        day.redis.kill()
        day.pause(2)
        day.redis.start()
    else:
        day.installation.rows("DELETE FROM django_q_ormq")


def fill_disk(day):
    """Leave no room where photos and archives are written, for a while."""
    filler = day.installation.folder / "filler"
    try:
        with filler.open("wb") as file:
            free = os.statvfs(day.installation.folder)
            with contextlib.suppress(OSError):
                os.posix_fallocate(file.fileno(), 0, max(1, free.f_bavail * free.f_frsize - _ROOM))
        day.pause(2)
    finally:
        filler.unlink()


def break_reading(day):
    """Let originals be read with an I/O error, for a while: so does /proc/self/mem at its beginning."""
    originals = sorted(path for path in (day.installation.folder / "originals").rglob("*") if path.is_file())
    chosen = day.rng.sample(originals, min(3, len(originals)))
    with contextlib.ExitStack() as stack:
        for path in chosen:
            aside = path.with_suffix(".aside")
            path.rename(aside)
            stack.callback(aside.replace, path)
            path.symlink_to("/proc/self/mem")
        day.pause(2)


def hang_mail(day):
    """Let the next connections to the mail server hang, be refused, or fail in the middle."""
    day.mail.plan += [{"hello": None}, {"RCPT": "450 later"}, {"content": "451 not now"}]


def jump_clock(day):
    """Leave what a clock leaves behind that was nine hours ahead and is set right."""
    for table, field in (("django_q_schedule", "next_run"), ("labels_photo", "lease_until")):
        day.installation.rows(
            f"UPDATE {table} SET {field} = now() + interval '9 hours' WHERE {field} IS NOT NULL"  # noqa: S608 (constants)
        )


def migrate(day):
    """Take the last migration back and make it again, under load."""
    for target in (["labels", "0003"], ["labels"]):
        day.installation.run("migrate", *target, "--verbosity", "0")


def kill_supervisor(day):
    """Kill what restarts the others: they end with it, and a service manager would start it again."""
    day.site.process.kill()
    day.site.process.wait()


FAULTS = {
    function.__name__: function
    for function in (
        *(kill_process, kill_program, kill_database, restart_database, lose_queue, fill_disk, break_reading),
        *(hang_mail, jump_clock, migrate, kill_supervisor),
    )
}


@contextlib.contextmanager
def small_disk(folder, size):
    """Mount a disk of that size for the while, where that is allowed; yield whether it was."""
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], capture_output=True
    )
    try:
        yield mounted.returncode == 0
    finally:
        if mounted.returncode == 0:
            subprocess.run(["umount", "-l", str(folder)], check=True)


class Work(threading.Thread):
    """Adds folders of photos and requests downloads, each again until it was done."""

    def __init__(self, installation, folders, downloads):
        super().__init__(daemon=True)
        self._installation = installation
        steps = [("import_photos", str(folder), "--owner", "dan") for folder in folders]
        for number in range(downloads):
            # After its share of the folders, the first two together with the photos.
            place = (number + 1) * len(folders) // downloads + number
            steps.insert(place, ("shell", "-v", "0", "-c", _REQUEST.format(part_bytes=10**8 + number)))
        self._steps, self.failed, self.hung, self.is_done = steps, 0, [], False

    def run(self):
        for step in self._steps:
            while not self._is_done(step):
                self.failed += 1
                time.sleep(0.2)
        self.is_done = True

    def _is_done(self, step):
        try:
            return self._installation.run(*step).returncode == 0
        except subprocess.TimeoutExpired:
            with contextlib.suppress(psycopg.Error):
                self.hung.append((step, self._installation.rows(_ACTIVE)))
            return False


_ACTIVE = """
SELECT pid, state, wait_event, now() - xact_start, left(query, 150) FROM pg_stat_activity
WHERE state <> 'idle' AND pid <> pg_backend_pid()
"""
# Again the same would be refused: the one before was made, and its command killed after that.
_REQUEST = """
from django.contrib.auth import get_user_model
from labels.bundles.request import AlreadyRequested, request_bundle
from labels.selection.predicate import Selection
try:
    request_bundle(get_user_model().objects.get(), Selection(everything=True), {part_bytes})
except AlreadyRequested:
    pass
"""
