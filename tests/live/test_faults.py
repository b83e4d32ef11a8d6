"""A bad day: whatever is killed, full, broken or away, in the end everything is there, once, and told.

`make faults` is the long form: 2,000 photos, 20 downloads, 50 kills and every other fault.
"""

import json
import os
import zipfile
from collections import Counter
from contextlib import suppress

import psycopg
import pytest

from tests import factory
from tests.live.accounts import PASSWORD
from tests.live.faults import FAULTS, BadDay, Work, small_disk
from tests.live.postgres_server import PostgresServer
from tests.live.processes import Installation, Site
from tests.live.queues import RedisServer
from tests.live.workers import sweep_until
from tests.smtp_server import SMTPServer

pytestmark = [pytest.mark.worker, pytest.mark.any_database]

SEED = int(os.environ.get("FAULTS_SEED") or 7)
PHOTOS = int(os.environ.get("FAULTS_PHOTOS") or 2000)
KILLS = ("kill_process", "kill_program", "kill_database")
OTHERS = [name for name in FAULTS if name not in KILLS]
_UNFINISHED = """
SELECT (SELECT count(*) FROM labels_photo WHERE status NOT IN ('labelled', 'failed'))
     + (SELECT count(*) FROM labels_bundle WHERE status IN ('queued', 'building'))
     + (SELECT count(*) FROM labels_delivery WHERE status IN ('pending', 'sending'))
     + (SELECT count(*) FROM labels_bundlepart WHERE sha256 = '')
"""
_TOLD = """
SELECT bundle.id, bundle.status, count(delivery.id), max(delivery.status)
FROM labels_bundle bundle LEFT JOIN labels_notice notice ON notice.bundle_id = bundle.id
LEFT JOIN labels_delivery delivery ON delivery.notice_id = notice.id GROUP BY bundle.id, bundle.status
"""


@pytest.fixture
def bad_day(tmp_path, monkeypatch):
    """Return a function that starts an installation on a disk, a database and a mail server of its own."""
    made = []

    def start(seed, size="1g", broker="database"):
        database = PostgresServer()
        made.append(database.remove)
        monkeypatch.setenv("DATABASE_URL", database.url)
        redis = RedisServer(tmp_path) if broker == "redis" else None
        if redis:
            made.append(redis.kill)
        mail = SMTPServer().__enter__()
        made.append(lambda: mail.__exit__(None, None, None))
        disk = small_disk(tmp_path / "disk", size)
        has_disk = disk.__enter__()
        made.append(lambda: disk.__exit__(None, None, None))
        installation = Installation(
            tmp_path / "disk" / "data",
            LABELS_DETECTOR="fake",
            EMAIL_URL=f"smtp://{mail.host}:{mail.port}",
            EMAIL_TIMEOUT="2",
            CLAIM_LEASE_SECONDS="5",
            BUNDLES_AT_ONCE="1000",
            BUNDLES_PER_HOUR="1000",
            **({"QUEUE_URL": redis.url} if redis else {}),
        )
        # What is said of a full disk must find room.
        installation.log = tmp_path / "processes.log"
        made.append(installation.end)
        installation.manage("migrate", "--verbosity", "0")
        installation.manage("shell", "-v", "0", "-c", _DAN)
        site = Site(installation).wait_until_ready()
        day = BadDay(seed, installation, site, database, mail, redis)
        day.has_disk = has_disk
        return day

    yield start
    for end in reversed(made):
        end()


_DAN = f"""
from django.contrib.auth import get_user_model
get_user_model().objects.create_user("dan", "dan@example.com", {PASSWORD!r})
"""


def _folders(tmp_path, photos, count):
    """Write different pictures into so many folders."""
    for number in range(photos):
        folder = tmp_path / f"camera-{number % count}"
        folder.mkdir(exist_ok=True)
        picture = factory.picture(factory.RED, (300 + number % 100, 200 + number // 100))
        (folder / f"IMG_{number:05}.jpg").write_bytes(picture.read())
    return [tmp_path / f"camera-{number}" for number in range(count)]


def _plan(day, kills, others):
    """Return the faults in the order in which they strike."""
    faults = [day.rng.choice(KILLS) for _ in range(kills)] + list(others)
    day.rng.shuffle(faults)
    return [name for name in faults if name != "fill_disk" or day.has_disk]


def _strike(day, work, faults, most):
    work.start()
    for name in faults:
        day.pause(most)
        day.strike(name)
        day.mend()
    work.join(1200)
    assert work.is_done, f"not all photos could be added: {work.failed} commands failed, {work.hung}"


def _settle(day):
    def finished():
        day.mend()
        with suppress(psycopg.OperationalError):
            return day.installation.value(_UNFINISHED) == 0
        return False

    sweep_until(day.installation, finished, "everything ended", 300)


def _assert_nothing_was_lost(day, photos):
    installation = day.installation
    states = dict(installation.rows("SELECT status, count(*) FROM labels_photo GROUP BY status"))
    assert sum(states.values()) == photos
    assert (
        installation.rows("SELECT id FROM labels_photo WHERE status = 'failed' AND failure_reason = ''") == []
    )
    assert installation.json("check_counts") == {"differences": [], "repaired": 0}
    # A file that was written when its process was killed before the row: the only thing to be left over.
    found = installation.json("check_storage", "--checksums")["findings"]
    assert {row["kind"] for row in found} <= {"orphan"}, found
    return states, found


def _assert_every_download_was_told(day, downloads):
    installation, mails = day.installation, Counter()
    for mail in day.mail.mails:
        mails.update({int(word.split("/")[0]) for word in mail.split("/bundles/")[1:] if word[0].isdigit()})
    told = installation.rows(_TOLD)
    assert len(told) >= downloads
    for bundle, status, deliveries, delivery in told:
        assert status in ("ready", "partial", "failed"), (bundle, status)
        assert (deliveries, delivery in ("sent", "failed")) == (1, True), (bundle, deliveries, delivery)
        assert mails[bundle] <= 1, f"{mails[bundle]} mails about download {bundle}"
        assert mails[bundle] == 1 or delivery == "failed", f"no mail about download {bundle}"
    for (name,) in installation.rows("SELECT file FROM labels_bundlepart"):
        with zipfile.ZipFile(installation.folder / "bundles" / name) as archive:
            assert archive.testzip() is None
    return Counter(status for _, status, _, _ in told), sum(mails.values())


def _whole_day(day, tmp_path, photos, downloads, faults, most):
    folders = _folders(tmp_path, photos, max(downloads, photos // 50))
    _strike(day, Work(day.installation, folders, downloads), faults, most)
    _settle(day)
    states, left_over = _assert_nothing_was_lost(day, photos)
    ended, mails = _assert_every_download_was_told(day, downloads)
    day.site.stop()
    day.installation.sweeper.kill()
    day.installation.wait_until_gone()
    figures = {
        "faults": day.struck,
        "photos": states,
        "downloads": ended,
        "mails": mails,
        "left over": len(left_over),
    }
    print(json.dumps(figures))


def test_a_short_bad_day(bad_day, tmp_path):
    faults = ["kill_program", "jump_clock", "kill_database"]

    _whole_day(bad_day(seed=1), tmp_path, 24, 2, faults, 0.3)


@pytest.mark.everything
@pytest.mark.parametrize(
    ("seed", "broker", "photos", "downloads", "kills"),
    [(SEED, "database", PHOTOS, PHOTOS // 100, PHOTOS // 40), (SEED + 1, "redis", PHOTOS // 5, 5, 12)],
    ids=[f"seed {SEED}", f"seed {SEED + 1} with Redis"],
)
def test_a_bad_day(bad_day, tmp_path, seed, broker, photos, downloads, kills):
    day = bad_day(seed, broker=broker)

    _whole_day(day, tmp_path, photos, downloads, _plan(day, kills, OTHERS * 2), 3)
