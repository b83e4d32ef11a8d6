"""A PostgreSQL of a test's own, to be killed and started again."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import psycopg

from tests import needs
from tests.live.processes import free_port, wait_for

_SETTINGS = ("listen_addresses=127.0.0.1", "max_connections=200", "fsync=off", "full_page_writes=off")


class PostgresServer:
    """What was committed survives a SIGKILL: it was handed to the operating system, which goes on."""

    def __init__(self):
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
        initdb = found[-1] if found else shutil.which("initdb")
        if not initdb:
            needs.lacking("PostgreSQL is not installed (apt-get install postgresql): nobody has killed it")
        # Pytest's folders are closed to the account postgres.
        self._programs, self._folder = Path(initdb).parent, Path(tempfile.mkdtemp(prefix="postgres-"))
        # PostgreSQL refuses to run as root; a container's only account often is.
        self._as = []
        if os.getuid() == 0:
            shutil.chown(self._folder, "postgres")
            self._as = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]
        self._run("initdb", "-D", "data", "-U", "photomgr", "-A", "trust", "-E", "UTF8", "--no-sync", "-N")
        self.port = free_port()
        self.url = f"postgres://photomgr@127.0.0.1:{self.port}/postgres"
        self.start()

    def start(self):
        """Start it, again and again while what is left of the one that was killed is in the way."""
        settings = [word for setting in _SETTINGS for word in ("-c", setting)]
        command = [*self._as, str(self._programs / "postgres"), "-D", "data", "-k", "", "-p", str(self.port)]

        def started():
            with (self._folder.parent / "postgres.log").open("ab") as log:
                self._process = subprocess.Popen(
                    [*command, *settings], cwd=self._folder, stdout=log, stderr=log
                )
            wait_for(
                lambda: self._process.poll() is not None or self._answers(), "PostgreSQL answers or ends"
            )
            return self._process.poll() is None

        wait_for(started, "PostgreSQL runs")

    def remove(self):
        self.kill()
        shutil.rmtree(self._folder)

    def kill(self):
        self._process.kill()
        self._process.wait()

    def stop(self):
        """End the sessions and stop."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait()

    def _answers(self):
        with contextlib.suppress(psycopg.OperationalError), psycopg.connect(self.url, connect_timeout=2):
            return True
        return False

    def _run(self, program, *arguments):
        command = [*self._as, str(self._programs / program), *arguments]
        subprocess.run(command, cwd=self._folder, check=True, capture_output=True)
