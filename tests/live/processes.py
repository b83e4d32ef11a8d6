"""Real processes of the application on data folders of their own, and the proof that they are gone."""

import contextlib
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from tests.live import forks
from tests.live.databases import database_for

ROOT = Path(__file__).resolve().parents[2]
MANAGE = str(ROOT / "manage.py")

# What a developer's shell or .env may hold; the processes under test see none of it.
_OURS = (
    "PHOTOMGR_",
    "DATABASE_",
    "LABELS_",
    "QUEUE_",
    "CLAIM_",
    "UPLOAD_",
    "DIRECT_",
    "BUNDLE_",
    "FAKE_DETECTOR_",
    "Q_CLUSTER_",
    "AWS_",
    "PHOTOS_",
    "BUNDLES_",
    "S3_",
    "ALARMS_",
    "SMS_",
)


def wait_for(condition, what, seconds=30, explain=None):
    """Return the first true value of `condition()`; fail with `explain()`'s words after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}\n{explain() if explain else ''}")
        time.sleep(0.03)
    return value


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _variables(process):
    return (process / "environ").read_bytes().split(b"\0")


def signal_group(group, number):
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, number)


class Installation:
    """One data folder with its database, the commands on it, and the processes that were started on it."""

    def __init__(self, folder, like=None, **variables):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.database = database_for(self.folder)
        self.database.create(like and like.database)
        self.log = self.folder / "processes.log"
        theirs = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        self.environment = {
            **theirs,
            "DJANGO_SETTINGS_MODULE": "photomgr.settings",
            "PHOTOMGR_DATA_DIR": str(self.folder),
            "DATABASE_URL": self.database.url,
            "SECRET_KEY": "live tests",
            "DEBUG": "false",
            "EMAIL_URL": "",
            "PYTHONUNBUFFERED": "1",
            **variables,
        }
        self.environment.pop("SITE_URL" if "SITE_URL" not in variables else "", None)
        # The name of the processes that are forked for this folder.
        self._name = f"on-{hashlib.sha256(str(self.folder).encode()).hexdigest()[:12]}"
        self._templates = {}
        self._started = []
        self.sweeper = None

    def copy(self, folder, **variables):
        """Return another installation with the same rows and files as this one, which must be at rest."""
        self.database.settle()
        shutil.copytree(
            self.folder, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.log", "*.eml")
        )
        return Installation(folder, like=self, **variables)

    def run(self, *arguments, **variables):
        """Run one management command to its end."""
        return self.run_python(MANAGE, *arguments, **variables)

    def run_python(self, *arguments, **variables):
        """Run a Python program to its end, without a cold start."""
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
            process = self._fork(arguments, variables, output, errors)
            try:
                code = process.wait(120)
            finally:
                process.kill()
            texts = []
            for file in (output, errors):
                file.seek(0)
                texts.append(file.read().decode())
        return subprocess.CompletedProcess(arguments, code, *texts)

    def _fork(self, arguments, variables, output, errors, session=False):
        environment = {**self.environment, **variables}
        key = frozenset(environment.items())
        if key not in self._templates:
            self._templates[key] = forks.libraries().set_up(environment)
        words = list(map(str, arguments))
        return self._templates[key].start(words, environment, output, errors, session, self._name)

    def manage(self, *arguments, codes=(0,)):
        """Return what one management command printed; fail when it ended with another exit code."""
        done = self.run(*arguments)
        assert done.returncode in codes, (
            f"{arguments} ended with {done.returncode}\n{done.stdout}{done.stderr}"
        )
        return done.stdout

    def json(self, *arguments, codes=(0, 2)):
        return json.loads(self.manage(*arguments, "--format", "json", codes=codes))

    def start(self, *arguments, **variables):
        """Start a management command in a session of its own, its output appended to the log."""
        with self.log.open("ab") as log:
            self._started.append(self._fork([MANAGE, *arguments], variables, log, log, session=True))
        return self._started[-1]

    def start_cluster(self, name="labels", **variables):
        return self.start("qcluster", Q_CLUSTER_NAME=name, **variables)

    def rows(self, query, *values, **options):
        """Return the rows of a query, outside of Django; changes are committed."""
        return self.database.rows(query, *values, **options)

    def value(self, query, *values):
        found = self.rows(query, *values)
        return found[0][0] if found else None

    def words(self):
        """Return the end of the log, for the message of a test that waited in vain."""
        return self.log.read_text(errors="replace")[-6000:] if self.log.exists() else "(nothing was logged)"

    def wait_for(self, condition, what, seconds=30):
        return wait_for(condition, what, seconds, self.words)

    def processes(self):
        """Return {pid: command line} of every process that works on this folder."""
        mark, name = f"PHOTOMGR_DATA_DIR={self.folder}".encode(), f"{self._name}\n"
        found = {}
        for entry in Path("/proc").iterdir():
            # It may end while it is being looked at, or belong to another account.
            with contextlib.suppress(OSError):
                if not entry.name.isdecimal() or not (line := (entry / "cmdline").read_bytes()):
                    # No process, or one that has ended and is yet to be waited for.
                    continue
                if (entry / "comm").read_text() == name or mark in _variables(entry):
                    found[int(entry.name)] = line.replace(b"\0", b" ").decode()
        return found

    def wait_until_gone(self, seconds=20):
        wait_for(lambda: not self.processes(), "all processes ended", seconds, lambda: str(self.processes()))

    def end(self):
        """Kill what is left, by id, and give the database back."""
        while self._templates:
            self._templates.popitem()[1].close()
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.wait_until_gone()
        while self._started:
            self._started.pop().close()
        self.database.drop()


class Site:
    """The whole application as `manage.py run` starts it."""

    def __init__(self, installation, port=None):
        self.installation = installation
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log_begins = installation.log.stat().st_size if installation.log.exists() else 0
        site_url = installation.environment.get("SITE_URL", self.url)
        self.process = installation.start(
            "run", "--port", str(self.port), PORT=str(self.port), SITE_URL=site_url
        )

    def printed(self):
        return self.installation.log.read_bytes()[self.log_begins :].decode(errors="replace")

    def wait_until_ready(self):
        """Wait for what a person waits for: the printed address, and every part of it at work."""

        def announced():
            assert self.process.poll() is None, self.printed()
            return "Ctrl-C stops it." in self.printed()

        wait_for(announced, "the address was printed", 60, self.printed)
        wait_for(lambda: self.status("/readyz") == 200, "/readyz said 200", 60, self.printed)
        return self

    def status(self, path):
        """Return the status of one request, 0 when nobody answers."""
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 5) as line:
            line.settimeout(5)
            line.sendall(f"GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n".encode())
            return int(line.recv(64).split()[1])
        return 0

    def sign_in_line(self):
        [line] = [line.strip() for line in self.printed().splitlines() if line.strip().startswith("Sign in")]
        return line

    def first_account(self):
        """Return (name, password) as printed."""
        words = self.sign_in_line().split()
        return words[words.index("as") + 1], words[-1]

    def stop(self):
        signal_group(self.process.pid, signal.SIGTERM)
        self.process.wait(20)
