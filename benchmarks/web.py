"""Pages beside slow clients, downloads, and the memory of all processes: `python -m benchmarks.web`.

A real `manage.py run` with real photos, its local detector and SQLite.
"""

import io
import os
import re
import resource
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, redirect_stdout, suppress
from pathlib import Path
from statistics import quantiles

from benchmarks.workbench import photos, set_up, table

CLIENTS = 500
PAGES = ("/labels/", "/", "/upload/", "/bundles/")
DOWNLOAD = 1 << 30
GOAL_MS, GOAL_MB = 200, 300


def main():
    set_up()
    # A line for each process, and a connection for each client.
    os.environ["LOG_LEVEL"] = "DEBUG"
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    with Site() as site:
        idle = site.memory()
        site.fill()
        site.use()
        # Each minute a heartbeat replaces one worker of a cluster that has grown.
        time.sleep(200)
        used = site.memory()
        rows = [("nobody", *site.page_times())]
        rows += [(f"{CLIENTS} clients: {kind}", *site.page_times(kind)) for kind in _kinds()]
        speed = site.download()
    print(f"{len(photos())} photos, local detector, SQLite, the load tool on the same cores.\n")
    print(table(("meanwhile", "a page, p50 ms", "p95 ms", "longest ms"), *rows))
    print(f"\nGoal: p95 below {GOAL_MS} ms.")
    print(f"A download of 1 GB: {speed / 1e6:,.0f} MB/s.\n")
    names = sorted(used, key=lambda name: -used[name][0])
    cells = [(name, used[name][1], round(idle[name][0]), round(used[name][0])) for name in names]
    total = ("all", *(sum(cell[column] for cell in cells) for column in (1, 2, 3)))
    print(table(("program", "processes", "started: PSS MB", "used, then idle: PSS MB"), *cells, total))
    print(f"\nPSS: memory of one's own and a share of what is shared. Goal: at most {GOAL_MB} MB.")
    print("Used: all photos labelled, a download built, pages by 8 clients; no slow ones yet.")


def _kinds():
    from tests.live.slow_clients import SENDS

    return SENDS


class Site:
    """A running `manage.py run`, with one account that is signed in."""

    def __enter__(self):
        from tests.live.processes import free_port

        self.port = free_port()
        self.folder = Path(os.environ["PHOTOMGR_DATA_DIR"])
        self.log = self.folder / "log"
        command = [sys.executable, "manage.py", "run", "--port", str(self.port)]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        self._wait(lambda: "Ctrl-C stops it." in self.log.read_text())
        time.sleep(20)
        return self

    def __exit__(self, *error):
        self.process.terminate()
        self.process.wait(30)

    def _wait(self, condition):
        deadline = time.monotonic() + 600
        while not condition():
            if self.process.poll() is not None or time.monotonic() > deadline:
                sys.exit(self.log.read_text()[-3000:])
            time.sleep(0.5)

    def fill(self):
        """Import photos, have the workers label them, and build one download."""
        from django.contrib.auth.models import User
        from django.core.management import call_command
        from django.test import Client

        from labels.bundles.request import request_bundle
        from labels.models import Photo
        from labels.selection.predicate import Selection

        owner = User.objects.get()
        # It ends with 2, because not every file of the folder is a photo.
        with redirect_stdout(io.StringIO()), suppress(SystemExit):
            call_command("import_photos", str(photos()[0].parent), owner=owner.username)
        self._wait(lambda: not Photo.objects.exclude(status=Photo.Status.LABELLED).exists())
        self.bundle = request_bundle(owner, Selection(everything=True), 2 * DOWNLOAD)
        self._wait(lambda: self.bundle.__class__.objects.get(pk=self.bundle.pk).is_downloadable)
        part = self.bundle.parts.get()
        os.truncate(part.file.path, DOWNLOAD)
        client = Client()
        client.force_login(owner)
        self.cookie = f"sessionid={client.cookies['sessionid'].value}"

    def get(self, path):
        """Return the seconds until a page was there."""
        headers = {"Cookie": self.cookie}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers=headers)  # noqa: S310 (an address of ours)
        begun = time.monotonic()
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 (an address of ours)
            while answer.read(1 << 20):
                pass
        return time.monotonic() - begun

    def use(self, seconds=8):
        """Get pages as 8 people do who read nothing."""
        end = time.monotonic() + seconds

        def one(number):
            while time.monotonic() < end:
                self.get(PAGES[number % len(PAGES)])
                number += 1

        with ThreadPoolExecutor(8) as crowd:
            list(crowd.map(one, range(8)))

    def page_times(self, kind=None):
        """Return p50, p95 and maximum of pages in ms, beside slow clients of a kind."""
        from tests.live.slow_clients import slow_clients

        path = f"/bundles/{self.bundle.pk}/parts/1/"
        clients = slow_clients(self.port, kind, CLIENTS, self.cookie, path) if kind else nullcontext()
        with clients:
            time.sleep(2)
            times = [self.get(PAGES[number % len(PAGES)]) * 1000 for number in range(80)]
        cuts = quantiles(times, n=20)
        return round(cuts[9]), round(cuts[18]), round(max(times))

    def download(self):
        path = f"/bundles/{self.bundle.pk}/parts/1/"
        return DOWNLOAD / min(self.get(path) for _ in range(5))

    def memory(self):
        """Return {program: (PSS in MB, processes)}."""
        leaders = {
            int(pid): re.sub(r" \d+$", "", name)
            for name, pid in re.findall(r"supervisor: (.+) runs as process (\d+)", self.log.read_text())
        }
        found = dict.fromkeys(["supervisor", *leaders.values()], (0, 0))
        for entry in Path("/proc").iterdir():
            if not entry.name.isdecimal() or not _is_under(int(entry.name), self.process.pid, leaders):
                continue
            name = leaders.get(os.getpgid(int(entry.name)), "supervisor")
            pss = int(re.search(r"^Pss: +(\d+)", (entry / "smaps_rollup").read_text(), re.M)[1]) / 1024
            found[name] = found[name][0] + pss, found[name][1] + 1
        return found


def _is_under(pid, supervisor, leaders):
    try:
        return os.getpgid(pid) in (supervisor, *leaders)
    except ProcessLookupError:
        return False


if __name__ == "__main__":
    main()
