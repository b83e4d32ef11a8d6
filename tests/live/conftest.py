
import pytest

from tests.live.processes import PASSWORD, Installation, Site


@pytest.fixture(scope="session")
def migrated(tmp_path_factory):
    """Return an installation with tables and the account of dan, to be copied."""
    prepared = Installation(tmp_path_factory.mktemp("migrated") / "data")
    prepared.manage("migrate", "--verbosity", "0")
    prepared.run(
        *("createsuperuser", "--noinput", "--username", "dan", "--email", "dan@example.com"),
        DJANGO_SUPERUSER_PASSWORD=PASSWORD,
    )
    return prepared


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


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The application of one `manage.py run`, from an empty folder on; nothing of it may be left at the end."""
    installation = Installation(
        tmp_path_factory.mktemp("site") / "data",
        LABELS_DETECTOR="local",
        UPLOAD_MAX_BYTES="12000000",
    )
    running = Site(installation)
    try:
        yield running.wait_until_ready()
        running.stop()
        assert not installation.processes(), f"{installation.processes()}\n{running.printed()[-3000:]}"
    finally:
        installation.end()


def pytest_collection_modifyitems(items):
    # With `--dist loadgroup` all that share one site run in one worker, which starts it once.
    for item in items:
        if "site" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("site"))
