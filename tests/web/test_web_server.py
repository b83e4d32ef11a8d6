"""What photomgr/web_server.py adds to waitress: deadlines, room for connections, files sent by the kernel."""

import contextlib
import socket
import threading
import time

import pytest

from photomgr import web_server
from tests.live.processes import wait_for

CONTENT = bytes(range(256)) * 40_000


def _application(environ, start_response):
    """Answer with the length of the body, or with a file."""
    if environ["PATH_INFO"] == "/file":
        file = open(environ["QUERY_STRING"], "rb")  # noqa: SIM115
        file.seek(100)
        start_response("200 OK", [("Content-Length", str(len(CONTENT) - 300))])
        return environ["wsgi.file_wrapper"](file, 1024)
    body = environ["wsgi.input"].read()
    text = f"{len(body)} {environ.get('HTTP_X_FORWARDED_PROTO', '-')}".encode()
    start_response("200 OK", [("Content-Length", str(len(text)))])
    return [text]


@contextlib.contextmanager
def _running():
    """Run a server in a thread."""
    with web_server.listen("127.0.0.1", 0) as listener:
        server = web_server.server_on(listener, _application)
        server.ends = False
        thread = threading.Thread(target=_run, args=(server,))
        thread.start()
        try:
            yield server
        finally:
            server.ends = True
            server.pull_trigger()
            thread.join()
            for channel in list(server.active_channels.values()):
                channel.handle_close()
            server.close()


def _run(server):
    while not server.ends:
        server.asyncore.loop(timeout=1, map=server._map, use_poll=True, count=1)


@pytest.fixture
def server():
    with _running() as server:
        yield server


def _connect(server, text=b""):
    line = socket.create_connection(("127.0.0.1", server.effective_port), 20)
    line.sendall(text)
    return line


def _answer(line):
    """Return the body of the answer; the server closes the connection."""
    with contextlib.closing(line.makefile("rb")) as answer:
        return answer.read().partition(b"\r\n\r\n")[2]


def _request(path="/", body=b"", headers=""):
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def test_a_file_is_sent_from_where_it_stands_and_as_far_as_was_said(server, tmp_path):
    (tmp_path / "file").write_bytes(CONTENT)
    with _connect(server, _request(f"/file?{tmp_path / 'file'}")) as line:
        assert _answer(line) == CONTENT[100:-200]


def test_a_large_body_arrives_whole_and_what_a_proxy_says_is_left_to_django(server):
    headers = "X-Forwarded-Proto: https\r\n"
    with _connect(server, _request(body=CONTENT, headers=headers)) as line:
        assert _answer(line) == f"{len(CONTENT)} https".encode()


def test_a_body_beyond_the_limit_is_refused(settings):
    settings.REQUEST_MAX_BYTES = 1000
    with _running() as server, _connect(server, _request(body=bytes(999))) as line:
        assert _answer(line) == b"999 -"
        with _connect(server, _request(body=bytes(1001))) as larger:
            assert larger.recv(100).startswith(b"HTTP/1.1 413 ")


# What was sent: after how many seconds more the connection is closed.
LATE = {
    "nothing": (b"", 60),
    "half a header": (b"GET / HTTP/1.1\r\n", 20),
    "a header": (b"POST / HTTP/1.1\r\nContent-Length: 99999\r\n\r\n", 20),
    "a body of 5,000 bytes": (b"POST / HTTP/1.1\r\nContent-Length: 99999\r\n\r\n" + bytes(5000), 30),
    "a request that was answered": (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 60),
}


@pytest.mark.parametrize(("text", "seconds"), LATE.values(), ids=LATE)
def test_a_client_has_its_time_and_no_more(server, text, seconds):
    with _connect(server, text) as line:
        if is_whole := text.endswith(b"x\r\n\r\n"):
            answer = b""
            while not answer.endswith(b"0 -"):
                answer += line.recv(1000)
        channel = wait_for(lambda: _at_rest(server, 0 if is_whole else len(text)), "what was sent has come")
        now = time.monotonic()

        assert not channel.is_late(now + seconds - 5)
        assert channel.is_late(now + seconds + 0.1)


def _at_rest(server, count):
    """Return the only channel once nothing runs for it and so many bytes of its request have come."""
    for channel in server.active_channels.values():
        request = channel.request
        come = request.header_bytes_received + request.body_bytes_received if request else 0
        # The blank line after a header is not counted.
        if not channel.requests and bool(request) == bool(count) and come >= count - 4:
            return channel
    return None


def test_who_is_late_is_closed_and_nobody_else(server, monkeypatch):
    with _connect(server, b"GET / HT") as late, _connect(server) as idle:
        wait_for(lambda: len(server.active_channels) == 2, "both are there")
        monkeypatch.setattr(web_server, "_HEADER_SECONDS", 0)
        server.next_channel_cleanup = 0
        server.pull_trigger()

        assert late.recv(1) == b""
        idle.sendall(_request())
        assert _answer(idle) == b"0 -"


def test_a_new_connection_takes_the_place_of_the_one_whose_request_is_longest_in_coming(server, monkeypatch):
    monkeypatch.setattr(web_server, "_MOST_CONNECTIONS", 3)
    with contextlib.ExitStack() as lines:
        first, second, third = (lines.enter_context(_connect(server, b"GET / HT")) for _ in range(3))
        wait_for(lambda: len(server.active_channels) == 3, "all are there")

        with _connect(server, _request()) as new:
            assert _answer(new) == b"0 -"

        assert first.recv(1) == b""
        for line in (second, third):
            line.sendall(b"TP/1.1\r\nConnection: close\r\n\r\n")
            assert _answer(line) == b"0 -"


def test_who_reads_nothing_holds_no_thread_and_is_late_after_a_minute(server, tmp_path):
    with (tmp_path / "large").open("wb") as file:
        file.truncate(100_000_000)
    request = _request(f"/file?{tmp_path / 'large'}")
    with contextlib.ExitStack() as lines:
        for _ in range(40):
            line = lines.enter_context(_connect(server, request))
            assert line.recv(15) == b"HTTP/1.1 200 OK"

        with _connect(server, _request()) as other:
            assert _answer(other) == b"0 -"
        channels = list(server.active_channels.values())
        assert not any(channel.is_late(time.monotonic() + 50) for channel in channels)
        assert all(
            channel.is_late(time.monotonic() + 61) for channel in channels if channel.total_outbufs_len
        )


def test_a_file_that_became_shorter_ends_its_download(server, tmp_path, caplog):
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    with _connect(server, _request(f"/file?{path}")) as line:
        line.recv(15)
        path.write_bytes(b"")

        assert len(_answer(line)) < len(CONTENT)
    assert "is shorter than it was" in caplog.text or "short" in caplog.text
