import os
import resource
import secrets
import signal
import urllib.request
from functools import partial
from threading import Event

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from labels.workers import supervisor
from photomgr import web_server


class Command(BaseCommand):
    help = "Prepare everything and run the web server and the workers together, until Ctrl-C."

    def add_arguments(self, parser):
        parser.add_argument("--host", default=settings.HOST)
        parser.add_argument("--port", type=int, default=settings.PORT)
        parser.add_argument(
            "--only",
            nargs="+",
            choices=supervisor.NAMES,
            metavar="PROGRAM",
            help=f"Of {', '.join(supervisor.NAMES)} run these, and prepare nothing: a service of its own.",
        )

    def handle(self, host, port, only, **options):
        listener = None
        if not only or supervisor.WEB in only:
            listener = _listen(host, port)
        # Python would hear of Ctrl-C only after it has waited for a locked database.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        sign_in = "" if only else _prepare()
        _raise_open_files()
        stopping = Event()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: stopping.set())
        announce = partial(self._announce, host, port, sign_in) if sign_in else None
        supervisor.supervise(supervisor.programs(listener, only or supervisor.NAMES), stopping, announce)
        self.stdout.write("Stopped.")

    def _announce(self, host, port, sign_in):
        """Say where the site is once it answers; return whether it does."""
        if not _answers(host, port):
            return False
        lines = ["", f"  photomgr is running at  {settings.SITE_URL}", f"  {sign_in}"]
        if settings.EMAIL_BACKEND == "labels.notices.mail_files.EmailBackend":
            lines.append(f"  Mail is written to      {settings.MAIL_DIR}")
        self.stdout.write("\n".join([*lines, "  Ctrl-C stops it.", ""]))
        self.stdout.flush()
        return True


def _listen(host, port):
    try:
        return web_server.listen(host, port)
    except OSError as error:
        # Python adds the address, which is said already.
        reason = error.strerror.partition(" (while")[0]
        raise CommandError(
            f"Port {port} on {host} cannot be used ({reason}). Try another: PORT=8001 make run"
        ) from None


def _prepare():
    """Make tables and static files; return how to sign in."""
    if not os.access(settings.DATA_DIR, os.W_OK):
        raise CommandError(f"{settings.DATA_DIR} cannot be written to. PHOTOMGR_DATA_DIR names another.")
    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    return _first_account()


def _first_account():
    people = get_user_model().objects
    path = settings.DATA_DIR / "first_account.txt"
    if not people.exists():
        password = secrets.token_urlsafe(9)
        path.unlink(missing_ok=True)
        path.touch(0o600)
        path.write_text(f"admin\n{password}\n")
        people.create_superuser("admin", "admin@localhost", password)
        return f"Sign in as              admin  with the password  {password}"
    if path.exists():
        name, password = path.read_text().split()
        account = people.filter(username=name).first()
        if account and account.check_password(password):
            # Not again: what a service prints is kept in logs that more people read.
            return f"Sign in as              {name}  with the first password, in  {path}"
    return "Sign in with your account (manage.py changepassword NAME sets a new password)."


def _answers(host, port):
    try:
        address = "127.0.0.1" if host == "0.0.0.0" else host  # noqa: S104 (asks, does not bind)
        with urllib.request.urlopen(f"http://{address}:{port}/healthz", timeout=2) as answer:  # noqa: S310 (an address of ours)
            return answer.status == 200
    except OSError:
        return False


def _raise_open_files():
    """Uploads without JavaScript hold one open file a photo; the usual soft limit is 1,024 for all."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
