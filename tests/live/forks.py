"""Management commands as forks of a process that has imported Django already; each is a process of its own.

A cold start takes most of a second of processor time, hundreds of times in the suite. One process imports the
libraries; a fork of it for each environment sets Django up, as a start with that environment would, and
each command is a fork of that. `python -m tests.live.forks` is the first of these processes.
"""

import atexit
import contextlib
import importlib
import json
import os
import runpy
import selectors
import signal
import socket
import subprocess
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_MESSAGE = 1 << 17
# What commands import, and what can be imported before the settings are known.
_LIBRARIES = (
    "boto3.s3.transfer",
    "botocore.httpsession",
    "botocore.retryhandler",
    "csp.middleware",
    "django.contrib.admin.checks",
    "django.contrib.admin.sites",
    "django.contrib.auth.hashers",
    "django.contrib.messages.middleware",
    "django.core.mail",
    "django.core.management.base",
    "django.core.management.commands.migrate",
    "django.db.backends.postgresql.base",
    "django.db.backends.sqlite3.base",
    "django.db.migrations.executor",
    "django.forms",
    "django.template.defaultfilters",
    "django.views.generic",
    "multiprocessing.pool",
    "numpy",
    "PIL.ImageOps",
    "PIL.JpegImagePlugin",
    "redis",
    "requests",
    "storages.backends.s3",
    "waitress.server",
    "whitenoise.middleware",
)


class Forked:
    """A command that was started, with the methods of subprocess.Popen that tests use."""

    def __init__(self, line, arguments):
        self._line, self.args, self.returncode = line, arguments, None
        self.pid = json.loads(line.recv(_MESSAGE))

    def poll(self):
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout=None):
        if self.returncode is None:
            self._line.settimeout(timeout)
            try:
                self.returncode = json.loads(self._line.recv(_MESSAGE))
            except (TimeoutError, BlockingIOError):
                raise subprocess.TimeoutExpired(self.args, timeout) from None
            self._line.close()
        return self.returncode

    def send_signal(self, number):
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self):
        self.send_signal(signal.SIGTERM)

    def close(self):
        """Give up waiting for it."""
        self._line.close()

    def kill(self):
        self.send_signal(signal.SIGKILL)


class Template:
    """A process to be forked; it ends when this is closed or the suite dies."""

    def __init__(self, line):
        self._line = line

    def ask(self, files=(), **request):
        """Have a fork made; return the line on which its pid comes, and later its exit code."""
        ours, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
        with theirs:
            socket.send_fds(self._line, [json.dumps(request).encode()], [theirs.fileno(), *files])
        return ours

    def set_up(self, environment):
        """Return a fork with Django set up in this environment, itself a template."""
        line = self.ask(environment=environment)
        line.recv(_MESSAGE)
        return Template(line)

    def start(self, arguments, environment, output, errors, session, name):
        """Start `python arguments…`, its standard input empty."""
        with open(os.devnull) as nothing:
            files = [file.fileno() for file in (nothing, output, errors)]
            request = {"arguments": arguments, "environment": environment, "session": session, "name": name}
            return Forked(self.ask(files, **request), arguments)

    def close(self):
        self._line.close()


@cache
def libraries():
    """Return the template without settings, started once in a run."""
    ours, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
    with theirs:
        process = subprocess.Popen([sys.executable, "-m", "tests.live.forks"], cwd=ROOT, stdin=theirs)
    template = Template(ours)
    # In the opposite order: the process ends when the line is closed.
    atexit.register(process.wait)
    atexit.register(template.close)
    return template


def serve(control):
    """Fork for every request on the line; return the request in the fork, and end when the line is closed."""
    running = {}
    with selectors.DefaultSelector() as selector:
        selector.register(control, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is not control:
                    selector.unregister(key.fileobj)
                    _tell_end(key.fileobj, *running.pop(key.fileobj))
                    continue
                message, files, _, _ = socket.recv_fds(control, _MESSAGE, 4)
                if not message:
                    os._exit(0)
                if not (pid := os.fork()):
                    for process, (_, line) in running.items():
                        os.close(process)
                        line.close()
                    return json.loads(message), files
                line = socket.socket(fileno=files[0])
                for file in files[1:]:
                    os.close(file)
                _tell(line, pid)
                process = os.pidfd_open(pid)
                selector.register(process, selectors.EVENT_READ)
                running[process] = pid, line


def _tell_end(process, pid, line):
    os.close(process)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    _tell(line, code)
    line.close()


def _tell(line, number):
    # Whoever asked may be gone.
    with contextlib.suppress(OSError):
        line.send(json.dumps(number).encode())


def _become(request, files):
    """Take on the environment, the output and the name that were asked for."""
    os.environ.clear()
    os.environ.update(request["environment"])
    if "arguments" not in request:
        return
    if request["session"]:
        os.setsid()
    # Inherited by its own forks; their /proc/…/environ is that of the first process.
    Path("/proc/self/comm").write_text(request["name"])
    for number, file in enumerate(files[1:]):
        os.dup2(file, number)
    # And nothing else: modules have files of their own open.
    for file in files:
        os.close(file)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", buffering=1, closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115


def _main():
    for name in _LIBRARIES:
        importlib.import_module(name)
    control = socket.socket(fileno=os.dup(0))
    while True:
        request, files = serve(control)
        control.close()
        _become(request, files)
        if "arguments" in request:
            return request["arguments"]
        import django

        django.setup()
        importlib.import_module(os.environ["DJANGO_SETTINGS_MODULE"].partition(".")[0] + ".urls")
        control = socket.socket(fileno=files[0])


if __name__ == "__main__":
    sys.argv = _main()
    if sys.argv[0] == "-m":
        del sys.argv[0]
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    else:
        runpy.run_path(sys.argv[0], run_name="__main__")
