"""The web server: waitress, which reads and sends in one event loop and runs Django in threads.

So a client that is slow holds no thread: half a header, a body that dribbles in and a download that nobody
reads are each an open connection and no more. What waitress lacks is here: deadlines for a whole request,
room for a new connection when there are too many, and files copied by the kernel.
"""

import logging
import os
import resource
import signal
import socket
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor, wait

from django.conf import settings
from waitress.adjustments import Adjustments
from waitress.buffers import ReadOnlyFileBasedBuffer
from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer

# For requests that wait for the database or a bucket, and for no client.
_THREADS = 16
_MOST_CONNECTIONS = 2000
_STOP_SECONDS = 5
# Seconds from the first byte of a request to the end of its header; and for a connection to stay silent.
_HEADER_SECONDS = 20
_SILENT_SECONDS = 60
# A body may take as long as it needs at this rate, bytes a second; Apache's mod_reqtimeout asks for the same.
_BODY_RATE = 500
_LOOK_SECONDS = 2
# A larger body waits for its end in a file.
_BODY_IN_MEMORY = 64 * 1024
_READ_BYTES = 128 * 1024
# So much of one file is sent before others have their turn.
_TURN_BYTES = 4 * 1024**2

log = logging.getLogger(__name__)


def listen(host, port):
    """Return a listening socket; raise OSError when the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=1024)


def serve(listener):
    """Answer requests with Django until SIGTERM; those that run then have five seconds more."""
    from photomgr.wsgi import application

    # The system's /tmp is often small and in memory.
    tempfile.tempdir = str(settings.FILE_UPLOAD_TEMP_DIR)
    server = server_on(listener, application)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    server.run()
    # Python would wait for threads that wait for a locked database.
    os._exit(0)


def server_on(listener, application):
    """Return a server of a WSGI application, to be run."""
    adjustments = Adjustments(
        sockets=[listener],
        # _Server makes room itself.
        connection_limit=sys.maxsize,
        cleanup_interval=_LOOK_SECONDS,
        max_request_body_size=settings.REQUEST_MAX_BYTES,
        inbuf_overflow=_BODY_IN_MEMORY,
        recv_bytes=_READ_BYTES,
        # select() takes no more than 1,024 files.
        asyncore_use_poll=True,
        # Whom to trust is a matter of Django's settings.
        clear_untrusted_proxy_headers=False,
        ident=None,
    )
    address = listener.family, listener.type, listener.proto, listener.getsockname()
    return _Server(
        _with_files(application),
        dispatcher=_Threads(),
        _sock=listener,
        bind_socket=False,
        sockinfo=address,
        adj=adjustments,
    )


def _with_files(application):
    """Return the application with our way of sending files, as PEP 3333 lets a server offer it."""

    def wrapped(environ, start_response):
        environ["wsgi.file_wrapper"] = _File
        return application(environ, start_response)

    return wrapped


class _Threads:
    """Waitress' dispatcher, of no more threads than were busy at once: each has a database connection."""

    def __init__(self):
        self._pool = ThreadPoolExecutor(_THREADS)
        self._running = set()

    def add_task(self, channel):
        task = self._pool.submit(channel.service)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    def shutdown(self):
        self._pool.shutdown(wait=False, cancel_futures=True)
        wait(list(self._running), _STOP_SECONDS)


class _Piece:
    """Bytes of a file that the kernel is to copy into a socket."""

    def __init__(self, file, count):
        self.file, self.count = file, count


class _File(ReadOnlyFileBasedBuffer):
    """A file that is sent without being read into memory."""

    def get(self, numbytes=-1, skip=False):
        return _Piece(self.file, self.remain if numbytes < 0 else min(numbytes, self.remain))


class _Channel(HTTPChannel):
    """One connection, and since when the request is awaited that is coming in through it."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.begun_at = self._moved_at = time.monotonic()
        self._turn = 0

    def received(self, data):
        self._moved_at = time.monotonic()
        if self.request is None:
            self.begun_at = self._moved_at
        return super().received(data)

    def handle_write(self):
        self._turn = _TURN_BYTES
        super().handle_write()

    def send(self, data, do_close=True):
        sent = self._copy(data) if isinstance(data, _Piece) else super().send(data, do_close)
        if sent:
            self._moved_at = time.monotonic()
        return sent

    def _copy(self, piece):
        """Send a piece of a file, or some of it; nothing unless it is this connection's turn in the loop."""
        count = min(piece.count, self._turn)
        try:
            sent = count and os.sendfile(self.socket.fileno(), piece.file.fileno(), piece.file.tell(), count)
        except BlockingIOError:
            return 0
        except ConnectionError:
            self.will_close = True
            return 0
        if count and not sent:
            log.error("%s is shorter than it was; its download is broken off", piece.file)
            self.will_close = True
        self._turn -= sent
        return sent

    def is_late(self, now):
        """Return whether the client has had all the time that it needs, and more."""
        if self.requests and not self.total_outbufs_len:
            # It is we who are to answer.
            return False
        if now - self._moved_at > _SILENT_SECONDS:
            return True
        if self.request is None:
            return False
        return now - self.begun_at > _HEADER_SECONDS + self.request.body_bytes_received / _BODY_RATE

    def is_idle(self):
        """Return whether nothing would be lost with it but an incomplete request."""
        return not (self.requests or self.total_outbufs_len or self.will_close)


class _Server(TcpWSGIServer):
    channel_class = _Channel

    def maintenance(self, now):
        moment = time.monotonic()
        for channel in self.active_channels.values():
            if channel.is_late(moment):
                channel.will_close = True

    def handle_accept(self):
        """Accept a connection; beyond what can be served close the one whose request is longest in coming."""
        super().handle_accept()
        if len(self.active_channels) > _most_connections():
            *others, newest = self.active_channels.values()
            idle = filter(_Channel.is_idle, others)
            min(idle, key=lambda channel: channel.begun_at, default=newest).will_close = True


def _most_connections():
    # A socket for each, and the file that goes out or the body that comes in.
    return min(_MOST_CONNECTIONS, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2 - 100)
