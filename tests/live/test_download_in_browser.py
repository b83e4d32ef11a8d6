"""A download in a real browser: cancelled while it is built, and resumed when the line breaks."""

import hashlib
import os
import re
import socket
import threading
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests import factory

pytestmark = pytest.mark.browser


@pytest.fixture
def dan(person, tmp_path):
    """Somebody with four photos of 2 MB that do not compress, signed in."""
    folder = tmp_path / "camera"
    folder.mkdir()
    for number in range(4):
        (folder / f"{number}.bmp").write_bytes(factory.noise((1000, 700), number, "BMP").read())
    someone = person()
    assert someone.import_folder(folder)["imported"] == 4
    someone.be_signed_in()
    return someone


def _original(dan):
    """Return where the second of dan's photos is stored."""
    key = dan.value(
        "SELECT original FROM labels_photo WHERE owner_id = ? ORDER BY id LIMIT 1 OFFSET 1", dan.pk
    )
    return dan.installation.folder / "originals" / key


def test_a_download_is_seen_being_built_and_leaves_nothing_when_it_is_cancelled(dan):
    page = dan.page
    original = _original(dan)
    aside = original.with_suffix(".aside")
    original.rename(aside)
    # Cannot be opened until somebody writes to it: the worker is surely in the middle.
    os.mkfifo(original)

    page.goto("/labels/?everything=1")
    page.click("#plan button.primary")
    page.wait_for_url("**/bundles/*/")
    pk = int(re.search(r"/bundles/(\d+)/", page.url)[1])
    expect(page.locator(".state-line")).to_contain_text("Building — ")
    expect(page.locator(".state-line")).to_contain_text(" of 4 photos, ")
    expect(page.locator("#state progress")).to_be_visible()
    folder = dan.installation.folder / "bundles" / str(pk)
    dan.installation.wait_for(lambda: list(folder.glob("*.zip")), "the archive is begun")

    page.click("text=Cancel the download")

    expect(page.locator(".state-line")).to_have_text("Cancelled")
    dan.installation.wait_for(lambda: not list(folder.glob("*")), "its storage is free")
    # The worker goes on, finds that nobody wants its bytes, and writes none.
    with original.open("wb"):
        original.unlink()
    aside.rename(original)
    page.click("text=Try again")
    expect(page.locator("#state")).to_have_attribute("data-status", "ready", timeout=60_000)
    assert dan.value("SELECT count(*) FROM labels_bundle WHERE owner_id = ?", dan.pk) == 1


class BrokenLine:
    """Passes requests on to the site, and breaks the first answer that is longer than `limit` bytes."""

    def __init__(self, port, limit):
        self._port, self._limit = port, limit
        self.ranges = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self):
        self._server.close()

    def _serve(self):
        while True:
            try:
                browser, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._pass_on, args=[browser], daemon=True).start()

    def _pass_on(self, browser):
        with browser, socket.create_connection(("127.0.0.1", self._port)) as site:
            head = b""
            while b"\r\n\r\n" not in head:
                if not (piece := browser.recv(65536)):
                    return
                head += piece
            if wanted := re.search(rb"(?im)^range: (.*?)\r$", head):
                self.ranges.append(wanted[1].decode())
            # One answer a line, so that its end is the end of the line.
            lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:")]
            site.sendall(b"\r\n".join([lines[0], b"Connection: close", *lines[1:]]))
            sent = 0
            while piece := site.recv(65536):
                browser.sendall(piece)
                sent += len(piece)
                if self._limit and sent > self._limit:
                    self._limit = None
                    return


def test_a_browser_goes_on_with_a_download_whose_line_broke(dan):
    page = dan.page
    page.goto("/labels/?everything=1")
    page.click("#plan button.primary")
    page.wait_for_url("**/bundles/*/")
    expect(page.locator("#state")).to_have_attribute("data-status", "ready", timeout=60_000)
    link = page.locator(".part a.button").get_attribute("href")
    line = BrokenLine(dan.site.port, limit=3_000_000)
    page.goto(f"http://127.0.0.1:{line.port}{Path(link).parent.parent}/")

    with page.expect_download() as download:
        page.click(".part a.button")
    saved = Path(download.value.path())
    line.close()

    [archive] = (dan.installation.folder / "bundles").glob(f"{link.split('/')[2]}/*.zip")
    assert hashlib.sha256(saved.read_bytes()).digest() == hashlib.sha256(archive.read_bytes()).digest()
    assert re.fullmatch(r"bytes=[1-9]\d*-", line.ranges[0])
