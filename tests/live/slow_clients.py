"""Clients that keep connections open and nearly nothing else, in their hundreds, in one event loop."""

import asyncio
import threading
from contextlib import contextmanager

_HEAD = "{} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {}\r\n"
_FORM = "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 5000000\r\n\r\n--x\r\n"
# What each sends at once, and then every second.
SENDS = {
    "a download that it does not read": (_HEAD.replace("{}", "GET {path}", 1) + "\r\n", ""),
    "a slow body": (_HEAD.replace("{}", "POST /upload/", 1) + _FORM, "z"),
    "a slow header": ("GET / HTTP/1.1\r\n", "X-More: y\r\n"),
    "half a header": ("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n", ""),
    "nothing at all": ("", ""),
}


@contextmanager
def slow_clients(port, kind, count, cookie="", path="/"):
    """Have so many clients connected; yield once each has sent what it sends, or has got its first bytes."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def run(coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(120)

    first, later = (text.replace("{path}", path).replace("{}", cookie).encode() for text in SENDS[kind])
    writers = []
    try:
        run(_connect(port, count, first, kind.startswith("a download"), writers))
        dripping = asyncio.run_coroutine_threadsafe(_drip(writers, later), loop)
        yield
        dripping.cancel()
    finally:
        run(_abort(writers))
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _connect(port, count, first, is_answered, writers):
    readers = []
    for _ in range(count):
        # Little is read ahead, so that the rest waits with the server.
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
        writer.write(first)
        writers.append(writer)
        readers.append(reader)
    if is_answered:
        await asyncio.gather(*(reader.readexactly(64) for reader in readers))


async def _drip(writers, later):
    while later:
        await asyncio.sleep(1)
        for writer in writers:
            writer.write(later)


async def _abort(writers):
    for writer in writers:
        writer.transport.abort()
    # Their connections are taken down in the next round of the loop.
    await asyncio.sleep(0)
