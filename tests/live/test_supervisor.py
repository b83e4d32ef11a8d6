"""`manage.py run` keeps its programs running, and leaves nothing behind however it ends."""

import contextlib
import os
import signal
import socket
import time
from functools import partial
from pathlib import Path

import pytest
from django.db import connection

from labels.models import Heartbeat
from labels.workers import queue
from labels.workers.supervisor import Program
from labels.workers.watch import Watch
from tests.live.processes import Site, free_port, wait_for
from tests.live.workers import busy_worker, fill
from tests.matrix import first_in_gate

pytestmark = [pytest.mark.worker, pytest.mark.any_database]

STOPS = {
    "Ctrl-C": lambda supervisor: os.kill(supervisor.pid, signal.SIGINT),
    "SIGTERM to the group": lambda supervisor: os.killpg(supervisor.pid, signal.SIGTERM),
    "a closed terminal": lambda supervisor: os.kill(supervisor.pid, signal.SIGHUP),
}


def _programs(site):
    """Return ({cluster: pid}, {pids of the web server}): the programs without the processes they made."""
    installation = site.installation
    leaders = {pid for pid in installation.processes() if os.getpgid(pid) == pid} - {site.process.pid}
    rows = installation.rows("SELECT cluster, pid FROM labels_heartbeat WHERE cluster != 'sweep'")
    clusters = {cluster: pid for cluster, pid in rows if pid in leaders}
    return clusters, leaders - set(clusters.values())


@pytest.mark.parametrize("stop", first_in_gate(*STOPS.values(), ids=STOPS))
def test_nothing_is_left_when_it_is_stopped(install, stop):
    budgets = {"REKOGNITION_DAILY_BUDGET": "9", "REKOGNITION_MONTHLY_BUDGET": "8"}
    # As deployed: what asks whether it runs names another host.
    host = {"SITE_URL": "http://photos.example.com", "ALLOWED_HOSTS": "photos.example.com"}
    installation = install(LABELS_DETECTOR="fake", **host, **budgets)
    site = Site(installation).wait_until_ready()
    clusters, web = _programs(site)
    assert (len(clusters), len(web)) == (2, 2)

    stop(site.process)
    site.process.wait(20)

    assert site.process.returncode == 0
    assert installation.processes() == {}
    assert "Stopped." in site.printed()
    assert "did not stop" not in site.printed()
    # Said once, and not by each worker again.
    assert site.printed().count("labels.W031") == 1
    assert "no issues" not in site.printed()


# Three tests in their order: nothing but a look, two programs that are replaced, and the end of them all.
_ONE_SITE = pytest.mark.xdist_group("supervisor")


@pytest.fixture(scope="module")
def site_of_the_file(migrated, tmp_path_factory):
    installation = migrated.copy(tmp_path_factory.mktemp("supervised") / "data", LABELS_DETECTOR="fake")
    yield Site(installation).wait_until_ready()
    installation.end()


@_ONE_SITE
def test_accounts_that_exist_are_never_shown_a_password(site_of_the_file):
    assert site_of_the_file.sign_in_line() == (
        "Sign in with your account (manage.py changepassword NAME sets a new password)."
    )


@_ONE_SITE
def test_a_killed_web_server_and_a_killed_cluster_are_started_again(site_of_the_file):
    site, installation = site_of_the_file, site_of_the_file.installation
    clusters, web = _programs(site)
    before = set(installation.processes())
    killed = {min(web), clusters["bundles"]}

    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    installation.wait_for(lambda: not killed & set(installation.processes()), "both are gone")
    installation.rows("DELETE FROM labels_heartbeat WHERE cluster = 'bundles'")
    seen = "SELECT count(*) FROM labels_heartbeat WHERE cluster = ? AND worker_at > '' AND monitor_at > ''"
    installation.wait_for(lambda: installation.value(seen, "bundles") == 1, "it gave signs of life")
    installation.wait_for(lambda: len(_programs(site)[1]) == 2, "there are two web processes")
    installation.wait_for(lambda: site.status("/healthz") == 200, "the web server answers")

    now, web_now = _programs(site)
    assert now["labels"] == clusters["labels"]
    assert now["bundles"] != clusters["bundles"]
    assert web - web_now == {min(web)}
    kept = set(installation.processes()) & before
    groups = {os.getpgid(pid) for pid in kept}
    assert groups == {site.process.pid, clusters["labels"], max(web)}, "orphans of the killed"


@_ONE_SITE
def test_nothing_is_left_when_the_supervisor_itself_is_killed(site_of_the_file):
    site_of_the_file.process.kill()
    site_of_the_file.process.wait()

    site_of_the_file.installation.wait_until_gone()


def test_a_second_start_keeps_the_first_account_and_says_how_to_sign_in(install, tmp_path):
    installation = install(LABELS_DETECTOR="fake")
    installation.rows("DELETE FROM auth_user")
    first = Site(installation).wait_until_ready()
    name, password = first.first_account()
    first.stop()

    second = Site(installation).wait_until_ready()

    assert name == "admin"
    assert len(password) >= 12
    assert password not in second.printed()
    path = Path(second.first_account()[1])
    assert path.read_text().split() == [name, password]
    assert installation.rows("SELECT username FROM auth_user") == [("admin",)]
    modes = {name: (installation.folder / name).stat().st_mode & 0o777 for name in (".", path.name)}
    assert modes == {".": 0o700, path.name: 0o600}


def test_a_port_in_use_is_one_clear_sentence(install):
    installation = install(LABELS_DETECTOR="fake")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        done = installation.run("run", "--port", str(port))

    assert done.returncode == 1
    assert done.stderr.strip() == (
        f"CommandError: Port {port} on 127.0.0.1 cannot be used (Address already in use). "
        "Try another: PORT=8001 make run"
    )
    assert done.stdout == ""
    assert installation.processes() == {}


def test_one_program_is_a_service_of_its_own_and_heals_itself(install):
    installation = install(LABELS_DETECTOR="fake")
    with socket.socket() as taken:
        # The port of the web server is not its business.
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        service = installation.start("run", "--only", "labels", PORT=str(taken.getsockname()[1]))
        alive = "SELECT count(*) FROM labels_heartbeat WHERE cluster = 'labels' AND worker_at > ''"
        installation.wait_for(lambda: installation.value(alive) == 1, "the cluster gave a sign of life")
        running = set(installation.processes()) - {service.pid}
        [cluster] = [pid for pid in running if os.getpgid(pid) == pid]

        installation.rows("DELETE FROM labels_heartbeat")
        os.kill(cluster, signal.SIGKILL)

        installation.wait_for(lambda: installation.value(alive) == 1, "a new cluster gave a sign of life")
        assert not running & set(installation.processes())
        assert not [pid for pid in installation.processes() if _listens(pid)]
        service.terminate()
        assert service.wait(20) == 0
        assert installation.processes() == {}


def _listens(pid):
    """Return whether a process has a listening TCP socket."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    listening = {f"socket:[{line[9]}]" for line in lines if line[3] == "0A"}
    return any(str(link.readlink()) in listening for link in Path(f"/proc/{pid}/fd").iterdir())


def _tiny(name):
    """A program with a child of its own, as a cluster has."""
    Path("/proc/self/comm").write_text(name)
    os.fork()
    time.sleep(600)


@pytest.fixture
def tiny():
    """Return a started program of the labels cluster, and a function that lists its living processes."""
    name = f"tiny {free_port()}"
    program = Program("tiny", partial(_tiny, name), queue.LABELS)

    def living():
        found = set()
        for entry in Path("/proc").iterdir():
            # It may end while it is being looked at.
            with contextlib.suppress(OSError):
                if (entry / "comm").read_text() == f"{name}\n" and (entry / "cmdline").read_bytes():
                    found.add(int(entry.name))
        return found

    # It writes and looks when the tests tell it to.
    watch = Watch()
    program.start(watch)
    wait_for(lambda: len(living()) == 2, "the program and its child run")
    yield program, watch, living
    program.kill(watch)
    wait_for(lambda: not living(), "the program is gone")


@pytest.mark.django_db(transaction=True)
def test_a_silent_cluster_is_killed_with_its_children_and_started_again(tiny):
    program, watch, living = tiny
    pid, wedged = program.pid, living()
    watch.silent = {pid}

    program.restart_if_silent(watch)

    wait_for(lambda: len(living()) == 2, "the program and its child run again")
    assert not wedged & living()
    assert not program.ended()
    watch.finish(20)
    expected = set(Heartbeat.objects.values_list("pid", flat=True))
    assert program.pid in expected
    assert pid not in expected


def test_a_cluster_that_is_not_silent_is_left_alone(tiny):
    program, watch, living = tiny
    before, watch.silent = living(), {1}

    program.restart_if_silent(watch)

    assert living() == before


_SQLITE = pytest.mark.skipif(
    connection.vendor != "sqlite", reason="another database has no lock on everything"
)


@pytest.mark.parametrize("work", first_in_gate("busy", "at rest"))
@_SQLITE
def test_it_stops_within_ten_seconds_although_the_database_is_locked(install, tmp_path, gate, work):
    installation = install(LABELS_DETECTOR="fake", FAKE_DETECTOR_GATE=str(gate), QUEUE_WORKERS="2")
    site = Site(installation).wait_until_ready()
    if work == "busy":
        fill(installation, tmp_path, *(("red", (640, 480 + n)) for n in range(4)))
        busy_worker(installation, gate)
    with installation.database.locked():
        took = _stop(site)

    assert took < 10
    assert installation.processes() == {}
    assert "Stopped." in site.printed()


@_SQLITE
def test_it_stops_at_once_while_it_waits_for_the_database_to_start(install):
    installation = install(LABELS_DETECTOR="fake")
    with installation.database.locked():
        site = Site(installation)
        installation.wait_for(lambda: installation.database.is_opened_by(site.process.pid), "it began")
        took = _stop(site)

    assert took < 5
    assert installation.processes() == {}


def _stop(site):
    """Return how many seconds pass between Ctrl-C and the end of everything."""
    begun = time.monotonic()
    site.process.send_signal(signal.SIGINT)
    site.process.wait(60)
    return time.monotonic() - begun
