"""The site on PostgreSQL: few connections for many threads, and what if they are cut or stuck."""

import contextlib
import socket
import urllib.error
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.factory import RED
from tests.live.processes import free_port, wait_for
from tests.live.workers import LABELLED, fill, sweep_until

pytestmark = [pytest.mark.worker, pytest.mark.postgresql, pytest.mark.xdist_group("pool")]

SIZE = 3
_SESSION = """
from django.contrib.auth.models import User
from django.test import Client
client = Client()
client.force_login(User.objects.get(username="dan"))
print(client.cookies["sessionid"].value)
"""
_OF_WEB = "FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'photomgr web'"
_OPEN = f"SELECT count(*) {_OF_WEB}"
_STUCK = f"{_OPEN} AND wait_event_type = 'Lock'"
_CUT = f"SELECT count(pg_terminate_backend(pid, 10000)) {_OF_WEB}"
_CUT_ALL = (
    "SELECT count(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid != pg_backend_pid()"
)


class Web:
    """One web process as `manage.py run` starts it, and dan who may send many requests at once."""

    def __init__(self, installation, **variables):
        self.installation = installation
        installation.manage("collectstatic", "--noinput", "-v", "0")
        self.session = installation.manage("shell", "-v", "0", "-c", _SESSION).split()[-1]
        self.port = free_port()
        port = ("--port", str(self.port))
        self.process = installation.start("run", "--only", "web", *port, WEB_PROCESSES="1", **variables)
        installation.wait_for(lambda: self.status("/healthz") == 200, "the web server answers")

    def get(self, path="/"):
        """Return (status, headers, text) of an answer; status 0 when nobody answers."""
        url = f"http://127.0.0.1:{self.port}{path}"
        # As a machine asks: without a cookie there is no session to look up.
        headers = {} if path == "/healthz" else {"Cookie": f"sessionid={self.session}"}
        asked = urllib.request.Request(url, headers=headers)  # noqa: S310 (an address of ours)
        try:
            with urllib.request.urlopen(asked, timeout=60) as answer:  # noqa: S310 (an address of ours)
                return answer.status, answer.headers, answer.read().decode()
        except urllib.error.HTTPError as answer:
            with answer:
                return answer.code, answer.headers, answer.read().decode()
        except OSError as error:
            return 0, {}, str(error)

    def status(self, path="/"):
        return self.get(path)[0]

    def count(self, query):
        return self.installation.value(query)

    def wait_until_stuck(self, count):
        self.installation.wait_for(lambda: self.count(_STUCK) == count, f"{count} connections wait")

    @contextlib.contextmanager
    def photos_locked(self):
        """Hold a lock for which every page with photos waits."""
        with psycopg.connect(self.installation.database.url) as locking:
            locking.execute("LOCK TABLE labels_photo IN ACCESS EXCLUSIVE MODE")
            yield
            locking.rollback()


@pytest.fixture(scope="module")
def installation(migrated, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pool") / "data"
    made = migrated.copy(folder, LABELS_DETECTOR="fake", DATABASE_POOL_SIZE=str(SIZE))
    yield made
    made.end()


@pytest.fixture(scope="module")
def web(installation):
    return Web(installation)


def test_thirty_requests_at_once_share_the_connections_of_the_pool(web):
    with ThreadPoolExecutor(30) as crowd:
        with web.photos_locked():
            answers = [crowd.submit(web.status) for _ in range(30)]
            web.wait_until_stuck(SIZE)
            assert not any(answer.done() for answer in answers)
            assert web.count(_OPEN) == SIZE

        assert [answer.result() for answer in answers] == [200] * 30
    assert web.count(_OPEN) <= SIZE


def test_a_request_without_a_connection_in_time_is_refused_with_retry_after(web):
    with ThreadPoolExecutor(10) as crowd:
        with web.photos_locked():
            answers = [crowd.submit(web.get) for _ in range(10)]
            web.wait_until_stuck(SIZE)
            assert web.status("/healthz") == 200
            wait_for(lambda: sum(answer.done() for answer in answers) == 10 - SIZE, "the others were refused")
            refused = [answer.result() for answer in answers if answer.done()]

        answered = [answer.result()[0] for answer in answers]
    assert {(status, headers["Retry-After"]) for status, headers, _ in refused} == {(503, "60")}
    assert all("The database does not answer" in text for _, _, text in refused)
    # Who had a connection was only late, and all is as before.
    assert sorted(answered) == [200] * SIZE + [503] * (10 - SIZE)
    assert web.status() == 200


def test_connections_cut_between_requests_cost_nobody_anything(web):
    with ThreadPoolExecutor(10) as crowd:
        with web.photos_locked():
            answers = [crowd.submit(web.status) for _ in range(10)]
            web.wait_until_stuck(SIZE)
        assert [answer.result() for answer in answers] == [200] * 10

    assert web.count(_CUT) >= 1

    assert [web.status() for _ in range(2 * SIZE)] == [200] * 2 * SIZE


def test_a_connection_cut_in_the_middle_costs_that_request_only(web):
    with ThreadPoolExecutor(1) as one, web.photos_locked():
        answer = one.submit(web.get)
        web.wait_until_stuck(1)
        assert web.count(_CUT + " AND wait_event_type = 'Lock'") == 1
        status, headers, text = answer.result()

    assert (status, headers["Retry-After"]) == (503, "60")
    assert "The database does not answer" in text
    assert [web.status() for _ in range(2 * SIZE)] == [200] * 2 * SIZE


def test_a_lock_that_is_never_released_is_not_waited_for_forever(installation):
    url = f"{installation.database.url}?options=-c%20lock_timeout%3D1s"
    impatient = Web(installation, DATABASE_URL=url)

    with impatient.photos_locked():
        status, headers, _ = impatient.get()

    assert (status, headers["Retry-After"]) == (503, "60")
    impatient.process.terminate()
    impatient.process.wait(20)


def test_slow_uploads_keep_no_connection(web):
    head = (
        "POST /upload/ HTTP/1.1",
        f"Host: 127.0.0.1:{web.port}",
        f"Cookie: sessionid={web.session}; csrftoken={'x' * 32}",
        "Content-Type: multipart/form-data; boundary=part",
        "Content-Length: 1000000",
    )
    body = '--part\r\nContent-Disposition: form-data; name="photos"; filename="a.jpg"\r\n\r\n'
    with contextlib.ExitStack() as lines:
        for _ in range(4 * SIZE):
            line = lines.enter_context(socket.create_connection(("127.0.0.1", web.port), 30))
            line.sendall("\r\n".join((*head, "", body)).encode() + bytes(100_000))

        assert [web.status() for _ in range(2 * SIZE)] == [200] * 2 * SIZE
        assert web.count(_OPEN) <= SIZE


def _connections(installation):
    """Return {connection to the server: how many processes hold it}."""
    port = f"{urlsplit(installation.database.url).port:04X}"
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    ours = {f"socket:[{line[9]}]" for line in lines if line[2].endswith(f":{port}")}
    found = Counter()
    for pid in installation.processes():
        # A process may end, and a file be closed, while being looked at.
        with contextlib.suppress(OSError):
            found.update({str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()} & ours)
    return found


def test_forked_workers_share_no_connection_and_outlive_a_server_that_cuts_them_all(installation, tmp_path):
    for name in ("before", "after"):
        (tmp_path / name).mkdir()
    fill(installation, tmp_path / "before", *((RED, (60 + number, 40)) for number in range(6)))
    installation.start_cluster()
    installation.wait_for(lambda: installation.value(LABELLED) == 6, "six photos were labelled", 60)

    held = _connections(installation)
    assert len(held) >= 4
    assert set(held.values()) == {1}

    assert installation.value(_CUT_ALL) >= 4
    fill(installation, tmp_path / "after", *((RED, (80 + number, 40)) for number in range(3)))
    sweep_until(installation, lambda: installation.value(LABELLED) == 9, "three more were labelled")
    assert installation.json("check_counts", codes=(0,))["differences"] == []
