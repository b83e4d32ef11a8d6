"""Archives fetched from the real web server: broken off, in parallel, by many at once who read nothing."""

import contextlib
import hashlib
import json
import re
import socket
import subprocess
from pathlib import Path

import pytest

from tests import needs
from tests.live.processes import wait_for
from tests.live.slow_clients import SENDS, slow_clients
from tests.matrix import first_in_gate

pytestmark = [pytest.mark.worker, pytest.mark.any_database]

_PART = "/bundles/{}/parts/1/"
_SIGN_IN = """
import json
from django.test import Client
from tests import factory
dan = factory.user("resumer")
client = Client()
client.force_login(dan)
print(json.dumps({"pk": dan.pk, "session": client.cookies["sessionid"].value}))
"""
_BUILD = """
import json
from django.contrib.auth.models import User
from labels.bundles import building, sums
from labels.intake.add import add_photo
from tests import factory
dan = User.objects.get(username="resumer")
for number in range(4):
    add_photo(factory.noise((2000, 1600), number, "BMP"), f"{number}.bmp", dan)
bundle = factory.held_bundle(dan)
building.build(bundle)
part = bundle.parts.get()
sha256 = sums.work_out(part)
print(json.dumps({"pk": bundle.pk, "sha256": sha256, "size": part.size, "name": part.file_name}))
"""
_EXPIRE = """
from django.utils import timezone
from labels.bundles import lifecycle
from labels.models import Bundle
Bundle.objects.filter(pk={pk}).update(expires_at=timezone.now())
lifecycle.expire(timezone.now())
"""
# One original is gone by then, so that the archive becomes another one under the same address.
_BUILD_ANEW = (
    _EXPIRE
    + """
from labels.workers import queue
bundle = Bundle.objects.get(pk={pk})
originals = bundle.photos.first().photo.original
originals.storage.delete(originals.name)
lifecycle.retry(bundle)
queue.enqueue_after_commit("build_bundle", bundle.pk)
"""
)


class Resumer:
    """Somebody with an account, curl, and sockets that may be left unread."""

    def __init__(self, site, folder):
        self.site = site
        self.folder = folder
        account = self.shell(_SIGN_IN)
        self.cookie = f"sessionid={account['session']}"

    def shell(self, code):
        lines = self.site.installation.manage("shell", "-v", "0", "-c", code).splitlines()
        return json.loads(lines[-1]) if lines else None

    def build(self):
        return self.shell(_BUILD)

    def curl(self, path, *options):
        """Return a started curl; its output is in the file that the options name."""
        return subprocess.Popen(
            [
                "curl",
                "-sS",
                "--max-time",
                "60",
                "-H",
                f"Cookie: {self.cookie}",
                *options,
                self.site.url + path,
            ],
            stdout=subprocess.PIPE,
            text=True,
        )

    def fetch(self, path, *options):
        """Return what curl writes to its standard output."""
        running = self.curl(path, *options)
        output, _ = running.communicate(timeout=90)
        assert running.returncode == 0, output
        return output

    def ask(self, path):
        """Return a socket on which a request was sent, with little room for the answer."""
        line = socket.socket()
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        line.settimeout(30)
        line.connect(("127.0.0.1", self.site.port))
        head = f"GET {path} HTTP/1.1", "Host: 127.0.0.1", f"Cookie: {self.cookie}", "Connection: close"
        line.sendall("\r\n".join((*head, "", "")).encode())
        return line


@pytest.fixture(scope="module")
def resumer(site, tmp_path_factory):
    needs.program("curl", "nobody has seen a download resumed")
    return Resumer(site, tmp_path_factory.mktemp("curl"))


@pytest.fixture(scope="module")
def archive(resumer):
    """An archive of 38 MB, larger than what the kernel keeps for a socket that nobody reads."""
    built = resumer.build()
    assert built["size"] > 38_000_000
    return built


def _sha256(*paths):
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _headers(text):
    lines = [line.partition(": ") for line in text.strip().splitlines()[1:]]
    return {name.lower(): value for name, _, value in lines if name.lower() != "date"}


def test_curl_goes_on_where_it_was_broken_off(resumer, archive, tmp_path):
    path, saved = _PART.format(archive["pk"]), tmp_path / "a.zip"
    first = resumer.curl(path, "-o", str(saved), "--limit-rate", "2M")
    wait_for(lambda: saved.exists() and saved.stat().st_size > 500_000, "some of it has come")
    first.kill()
    first.communicate()
    had = saved.stat().st_size
    assert had < archive["size"]

    said = resumer.fetch(path, "-o", str(saved), "-C", "-", "-w", "%{http_code} %{size_download}")

    assert said == f"206 {archive['size'] - had}"
    assert _sha256(saved) == archive["sha256"]


def test_four_ranges_at_once_are_the_archive(resumer, archive, tmp_path):
    path, size = _PART.format(archive["pk"]), archive["size"]
    edges = [size * number // 4 for number in range(5)]
    pieces = [tmp_path / str(number) for number in range(4)]

    running = [
        resumer.curl(path, "-o", str(piece), "-r", f"{start}-{end - 1}", "-w", "%{http_code}")
        for piece, start, end in zip(pieces, edges, edges[1:], strict=False)
    ]

    assert [curl.communicate(timeout=90)[0] for curl in running] == ["206"] * 4
    assert [piece.stat().st_size for piece in pieces] == [
        end - start for start, end in zip(edges, edges[1:], strict=False)
    ]
    assert _sha256(*pieces) == archive["sha256"]


def test_head_says_what_get_says(resumer, archive, tmp_path):
    path, dump = _PART.format(archive["pk"]), tmp_path / "headers"
    resumer.fetch(path, "-o", str(tmp_path / "a.zip"), "-D", str(dump))

    head = _headers(resumer.fetch(path, "-I"))

    assert head == _headers(dump.read_text())
    assert head["content-length"] == str(archive["size"])
    assert head["content-type"] == "application/zip"
    assert re.fullmatch('"[0-9a-f]{32}"', head["etag"])
    assert head["accept-ranges"] == "bytes"
    assert head["content-disposition"] == f'attachment; filename="{archive["name"]}"'
    assert head["x-content-type-options"] == "nosniff"
    assert "transfer-encoding" not in head


def test_a_range_past_the_end_is_416(resumer, archive):
    answer = resumer.fetch(_PART.format(archive["pk"]), "-r", f"{archive['size']}-", "-i")

    assert answer.splitlines()[0].split()[1] == "416"
    assert _headers(answer)["content-range"] == f"bytes */{archive['size']}"


def test_what_was_begun_is_finished_after_the_archive_expired(resumer):
    archive = resumer.build()
    path = _PART.format(archive["pk"])
    line = resumer.ask(path)
    begun = line.recv(64)

    resumer.shell(_EXPIRE.format(pk=archive["pk"]))
    later = resumer.fetch(path, "-o", "/dev/null", "-w", "%{http_code}")
    with line, contextlib.closing(line.makefile("rb")) as rest:
        content = (begun + rest.read()).partition(b"\r\n\r\n")[2]

    assert later == "302"
    assert len(content) == archive["size"]
    assert hashlib.sha256(content).hexdigest() == archive["sha256"]


def test_an_archive_that_was_built_anew_is_sent_from_its_first_byte(resumer, tmp_path):
    old = resumer.build()
    path, saved = _PART.format(old["pk"]), tmp_path / "a.zip"
    etag = _headers(resumer.fetch(path, "-I"))["etag"]
    with saved.open("wb") as file:
        file.truncate(1000)
    ask_for_rest = ("-r", "1000-", "-H", f"If-Range: {etag}", "-w", "%{http_code}", "-o", str(saved))
    before = resumer.fetch(path, *ask_for_rest)

    resumer.shell(_BUILD_ANEW.format(pk=old["pk"]))
    status = "SELECT status FROM labels_bundle WHERE id = ?"
    resumer.site.installation.wait_for(
        lambda: resumer.site.installation.value(status, old["pk"]) == "partial", "it was built anew", 60
    )
    after = resumer.fetch(path, *ask_for_rest)

    known = "SELECT sha256 FROM labels_bundlepart WHERE bundle_id = ? AND sha256 != ''"
    new = resumer.site.installation.wait_for(
        lambda: resumer.site.installation.value(known, old["pk"]), "its sum is known", 60
    )
    assert (before, after) == ("206", "200")
    assert new != old["sha256"]
    assert _sha256(saved) == new


@pytest.mark.parametrize("kind", first_in_gate(*SENDS, count=2, ids=SENDS))
def test_five_hundred_slow_clients_keep_no_page_from_answering(resumer, archive, kind):
    """How fast they answer is measured in benchmarks/web.py."""
    with slow_clients(resumer.site.port, kind, 500, resumer.cookie, _PART.format(archive["pk"])):
        options = ("-o", "/dev/null", "-w", "%{http_code}", "--max-time", "5")
        pages = [resumer.fetch("/labels/", *options) for _ in range(5)]
        probes = [resumer.site.status("/healthz") for _ in range(5)]

    assert pages == ["200"] * 5
    assert probes == [200] * 5


def _sending(site, size):
    """Return how many open files of this size the processes hold."""
    count = 0
    for pid in site.installation.processes():
        for link in Path(f"/proc/{pid}/fd").glob("*"):
            # It may be closed while it is being looked at.
            with contextlib.suppress(OSError):
                count += link.stat().st_size == size
    return count


@pytest.mark.everything
def test_who_reads_nothing_for_a_minute_is_cut_off(resumer, archive):
    with resumer.ask(_PART.format(archive["pk"])) as line:
        assert line.recv(64).split()[1] == b"200"
        assert _sending(resumer.site, archive["size"]) == 1

        wait_for(lambda: not _sending(resumer.site, archive["size"]), "its file was closed", 100)
