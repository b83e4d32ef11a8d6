"""S3 servers of other makers, each a process of its own in an empty folder."""

import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import needs

_HERE = Path(__file__).parent
# Debian's own Python sees Debian's packages; the one of our environment does not.
_DEBIANS_PYTHON = "/usr/bin/python3"


@dataclass(frozen=True)
class Account:
    """A server's address, and who we are there."""

    url: str
    key: str
    secret: str


@contextmanager
def swift(folder):
    """Run OpenStack Swift with its S3 interface (Debian's python3-swift)."""
    probe = [_DEBIANS_PYTHON, "-c", "import swift.common.middleware.s3api"]
    if not Path(probe[0]).exists() or subprocess.run(probe, capture_output=True).returncode:
        needs.lacking("OpenStack Swift is not installed (apt-get install python3-swift)")
    with _running([_DEBIANS_PYTHON, _HERE / "swift_server.py", folder], folder) as url:
        yield Account(url, "tests:photomgr", "secret")


@contextmanager
def s3rver(folder):
    """Run s3rver (npm)."""
    program = Path(sys.prefix) / "npm" / "node_modules" / ".bin" / "s3rver"
    needs.program("node", "s3rver is written in JavaScript")
    if not program.exists():
        needs.lacking("s3rver is not installed; `make test` does it where npm is")
    options = ["--directory", folder / "data", "--address", "127.0.0.1", "--port", "0"]
    with _running([program, *options, "--no-vhost-buckets", "--silent"], folder) as url:
        yield Account(url, "S3RVER", "S3RVER")


@contextmanager
def _running(command, folder):
    """Run a server that prints where it listens; yield its address. It does not outlive us."""
    log = folder.with_suffix(".log")
    with log.open("wb") as errors:
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *map(str, command)],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    try:
        for line in process.stdout:
            if "127.0.0.1:" in line:
                yield f"http://127.0.0.1:{line.strip().rpartition(':')[2]}"
                return
        pytest.fail(f"{command[0]} did not start: {log.read_text()[-2000:]}")
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
