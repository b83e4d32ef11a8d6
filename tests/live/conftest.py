import shutil
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

from tests import needs
from tests.live.accounts import make_account
from tests.live.person import Person
from tests.live.processes import ROOT, Installation, Site

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def migrated(tmp_path_factory, migrated_file):
    """Return an installation with tables and the account of dan, to be copied."""
    prepared = Installation(tmp_path_factory.mktemp("migrated") / "data")
    if migrated_file:
        shutil.copy(migrated_file, prepared.folder / "db.sqlite3")
    else:
        prepared.manage("migrate", "--verbosity", "0")
    make_account(prepared, "dan", staff=True)
    yield prepared
    prepared.end()


@pytest.fixture
def install(migrated, tmp_path):
    """Return a function that makes an installation; whatever runs on it is ended with the test."""
    made = []

    def make(name="data", source=migrated, **variables):
        made.append(source.copy(tmp_path / name, **variables))
        return made[-1]

    yield make
    for installation in made:
        installation.end()


@pytest.fixture
def gate(tmp_path):
    """Return the folder FAKE_DETECTOR_GATE may name: who labels a photo waits there for a file `open`."""
    folder = tmp_path / "gate"
    folder.mkdir()
    return folder


# Not for the session: it would take processor time until the last test of all.
@pytest.fixture(scope="package")
def site(tmp_path_factory):
    """The application of one `manage.py run`, from an empty folder on; nothing of it may be left."""
    installation = Installation(
        tmp_path_factory.mktemp("site") / "data",
        LABELS_DETECTOR="local",
        SHARING="true",
        UPLOAD_MAX_BYTES="12000000",
        BUNDLES_AT_ONCE="7",
    )
    running = Site(installation)
    try:
        yield running.wait_until_ready()
        running.stop()
        assert not installation.processes(), f"{installation.processes()}\n{running.printed()[-3000:]}"
    finally:
        installation.end()


def pytest_collection_modifyitems(items):
    # With `--dist loadgroup` all that share one site run in one worker, which starts it once. The others wait
    # most of their time: in one worker they leave the processor to the tests of the other workers.
    for item in items:
        if "site" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("site"))
        elif item.path.parent == HERE and not _is_placed(item):
            item.add_marker(pytest.mark.xdist_group("processes"))


def _is_placed(item):
    """Return whether the test has a group, or empties the tables: then it comes with its kind, at the end."""
    mark = item.get_closest_marker("django_db")
    return bool(item.get_closest_marker("xdist_group") or (mark and mark.kwargs.get("transaction")))


@pytest.fixture(scope="module")
def chromium():
    """Start Chromium with an empty profile; where there is none, skip, or fail if CI is set."""
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if not path:
        needs.lacking("no chromium is installed (apt-get install chromium): the browser tests cannot run")
    # A busy machine needs longer than playwright's 5 s; a pass waits for nothing.
    expect.set_options(timeout=20_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def person(site, chromium):
    """Return a function that makes an account with a browser window of its own.

    What a page complains about, in the console or by an exception, fails the test; that covers
    the Content-Security-Policy, which Chromium reports there.
    """
    people = []

    def make(**options):
        people.append(Person(site, chromium, **options))
        return people[-1]

    yield make
    for someone in people:
        someone.context.close()
    assert [complaint for someone in people for complaint in someone.complaints] == []


@pytest.fixture
def photograph(request):
    """Return what takes pictures of a page at both widths, light and dark, when `make pictures` runs."""

    def take(page, name):
        if not request.config.getoption("--screenshots"):
            return
        folder = ROOT / "tests" / "screenshots"
        for width, height in ((1280, 860), (360, 740)):
            page.set_viewport_size({"width": width, "height": height})
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
                # A change of colours fades, and would be photographed half-way.
                page.evaluate("document.getAnimations().forEach(animation => animation.finish())")
                page.screenshot(path=folder / f"{name}-{width}-{scheme}.png", full_page=True)

    return take


_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
