"""A real django-q2 cluster dies in the middle of a job: the job is done afterwards, and counted once."""

import os
import signal
import zipfile
from collections import Counter
from functools import partial

import pytest

from tests.factory import BLUE, GREEN, RED
from tests.live.processes import signal_group
from tests.live.workers import HELD, LABELLED, busy_worker, fill, sweep_until
from tests.matrix import first_in_gate

pytestmark = pytest.mark.worker

_VISIBLE = "SELECT count(*) FROM labels_photolabel WHERE status IN ('active', 'confirmed')"


def _one_photo(install, gate, tmp_path, **variables):
    variables = {"CLAIM_LEASE_SECONDS": "1", "QUEUE_WORKERS": "1", **variables}
    installation = install(LABELS_DETECTOR="fake", FAKE_DETECTOR_GATE=str(gate), **variables)
    fill(installation, tmp_path, (RED, (64, 48)))
    return installation


def _photo(installation):
    return installation.rows("SELECT status, attempts, failure_code, failure_reason FROM labels_photo")[0]


def _counts(installation):
    return dict(
        installation.rows(
            "SELECT name, count FROM labels_labelcount JOIN labels_label ON labels_label.id = label_id"
        )
    )


def _assert_labelled_once(installation):
    assert _photo(installation)[0] == "labelled"
    assert _counts(installation) == {"Colour": 1, "Red": 1, "Dark": 1}
    assert installation.json("check_counts", codes=(0,)) == {"differences": [], "repaired": 0}


@pytest.mark.parametrize("killed", first_in_gate("busy worker", "whole group"))
def test_a_photo_whose_worker_is_killed_is_labelled_afterwards_and_counted_once(
    install, gate, tmp_path, killed
):
    installation = _one_photo(install, gate, tmp_path)
    cluster = installation.start_cluster()
    pid = busy_worker(installation, gate, attempt=1)

    if killed == "busy worker":
        os.kill(pid, signal.SIGKILL)
    else:
        signal_group(cluster.pid, signal.SIGKILL)
        cluster.wait()
        installation.start_cluster()
    sweep_until(installation, lambda: installation.value(HELD, 2), "a second attempt, counted as such")
    (gate / "open").touch()
    sweep_until(installation, lambda: _photo(installation)[0] == "labelled", "the photo was labelled")

    _assert_labelled_once(installation)
    assert installation.value(_VISIBLE) == 3


def test_a_photo_whose_worker_dies_at_every_attempt_is_failed_with_a_reason(install, gate, tmp_path):
    # Long enough on a busy machine for the last attempt to be seen before it is given up.
    installation = _one_photo(install, gate, tmp_path, MAX_ATTEMPTS="2", CLAIM_LEASE_SECONDS="3")
    installation.start_cluster()

    for attempt in (1, 2):
        sweep_until(installation, lambda n=attempt: installation.value(HELD, n), f"attempt {attempt} began")
        os.kill(busy_worker(installation, gate, attempt), signal.SIGKILL)
        (gate / "entered").unlink()
    sweep_until(installation, lambda: _photo(installation)[0] == "failed", "the photo was given up")

    reason = "The worker stopped in the middle of it, 2 times."
    assert _photo(installation) == ("failed", 2, "worker_died", reason)
    assert _counts(installation) == {}


def test_a_second_delivery_to_another_cluster_while_the_first_is_at_work_changes_nothing(
    install, gate, tmp_path
):
    installation = _one_photo(install, gate, tmp_path, CLAIM_LEASE_SECONDS="60")
    first = installation.start_cluster()
    busy_worker(installation, gate, attempt=1)
    _freeze(installation, first)

    _enqueue_photo(installation)
    installation.start_cluster()
    # One task is the first cluster's, which acknowledges it when it is done; all others are acknowledged.
    installation.wait_for(lambda: _queued(installation) == 1, "the second cluster acknowledged its task")
    assert _photo(installation)[:2] == ("labelling", 1)
    (gate / "open").touch()
    signal_group(first.pid, signal.SIGCONT)
    installation.wait_for(lambda: _photo(installation)[0] == "labelled", "the first cluster finished")

    _assert_labelled_once(installation)


def test_a_worker_that_wakes_after_its_lease_does_not_count_a_second_time(install, gate, tmp_path):
    installation = _one_photo(install, gate, tmp_path)
    first = installation.start_cluster()
    busy_worker(installation, gate, attempt=1)
    _freeze(installation, first)
    (gate / "open").touch()

    installation.start_cluster()
    sweep_until(installation, lambda: _photo(installation)[0] == "labelled", "the second cluster labelled it")
    signal_group(first.pid, signal.SIGCONT)
    installation.wait_for(lambda: _queued(installation) == 0, "the first cluster acknowledged its task")

    _assert_labelled_once(installation)


def test_two_clusters_on_one_database_count_forty_photos_exactly(install, tmp_path):
    installation = install(LABELS_DETECTOR="fake")
    colours = [(RED, GREEN, BLUE)[number % 3] for number in range(40)]
    fill(installation, tmp_path, *((colour, (64, 40 + n)) for n, colour in enumerate(colours)))

    installation.start_cluster()
    installation.start_cluster()
    installation.wait_for(lambda: installation.value(LABELLED) == 40, "40 photos were labelled", 60)

    found = Counter(colours)
    expected = {"Colour": 40, "Red": found[RED], "Green": found[GREEN], "Blue": found[BLUE], "Dark": 40}
    assert _counts(installation) == expected
    assert installation.json("check_counts", codes=(0,))["differences"] == []
    assert installation.value("SELECT count(*) FROM labels_detectionrun") == 40


@pytest.mark.parametrize("killed", first_in_gate("whole group", "busy worker"))
def test_a_download_whose_worker_is_killed_ends_ready_with_the_same_bytes_and_one_mail(
    install, tmp_path, killed
):
    small = {"LABELS_DETECTOR": "fake", "BUNDLE_CHUNK_BYTES": "1024", "BUNDLE_WORKERS": "1"}
    installation = install(CLAIM_LEASE_SECONDS="1", QUEUE_WORKERS="1", **small)
    fill(installation, tmp_path, *((RED, (640, 480 + n)) for n in range(4)))
    installation.manage("label_photos", "--now")
    installation.manage("shell", "-c", _ASK)
    undisturbed = install("undisturbed", installation, **small)
    # A file that cannot be opened until somebody writes to it: the worker is surely in the middle.
    original = installation.folder / "originals" / installation.value(_SECOND_ORIGINAL)
    aside = original.with_suffix(".aside")
    original.rename(aside)
    os.mkfifo(original)
    cluster = installation.start_cluster("bundles")
    busy = "SELECT lease_owner FROM labels_bundle WHERE status = 'building' AND bytes_done > 0"
    lease_owner = installation.wait_for(lambda: installation.value(busy), "the download is being built")
    [draft] = (installation.folder / "bundles").rglob("*.zip")

    if killed == "busy worker":
        os.kill(int(lease_owner.split(":")[1]), signal.SIGKILL)
    else:
        signal_group(cluster.pid, signal.SIGKILL)
        cluster.wait()
    aside.replace(original)
    for needed in (installation, undisturbed):
        needed.start_cluster()
        if needed is undisturbed or killed == "whole group":
            needed.start_cluster("bundles")
        sent = "SELECT 1 FROM labels_delivery WHERE status = 'sent'"
        sweep_until(needed, partial(needed.value, sent), "the mail was sent")
        summed = "SELECT 1 FROM labels_bundlepart WHERE sha256 != ''"
        sweep_until(needed, partial(needed.value, summed), "the sum is known")

    parts = "SELECT number, size, sha256 FROM labels_bundlepart"
    for needed in (installation, undisturbed):
        # An attempt that finished a chunk does not count as one that failed; when a helper came before the
        # next attempt, that one found all chunks made.
        [[status, attempts]] = needed.rows("SELECT status, attempts FROM labels_bundle")
        assert (status, attempts in (0, 1)) == ("ready", True)
    assert installation.rows(parts) == undisturbed.rows(parts)
    assert len(list((installation.folder / "mail").glob("*.eml"))) == 1
    [archive] = [path for path in (installation.folder / "bundles").rglob("*") if path.is_file()]
    assert archive == draft


def test_two_clusters_build_one_download_and_the_second_ends_it_when_the_first_hangs(install, tmp_path):
    small = {"LABELS_DETECTOR": "fake", "BUNDLE_CHUNK_BYTES": "1024", "BUNDLE_WORKERS": "1"}
    installation = install(CLAIM_LEASE_SECONDS="20", **small)
    fill(installation, tmp_path, *((RED, (640, 480 + n)) for n in range(4)))
    installation.manage("label_photos", "--now")
    installation.manage("shell", "-c", _ASK)
    original = installation.folder / "originals" / installation.value(_SECOND_ORIGINAL)
    aside = original.with_suffix(".aside")
    original.rename(aside)
    os.mkfifo(original)
    first = installation.start_cluster("bundles")
    held = "SELECT lease_owner FROM labels_bundlechunk WHERE NOT done AND lease_until IS NOT NULL"
    leader = installation.wait_for(
        lambda: installation.value(f"{held} AND number > 2"), "the first stands in the second photo"
    )
    aside.replace(original)

    second = installation.start_cluster("bundles")
    left = "SELECT count(*) FROM labels_bundlechunk WHERE NOT done"
    installation.wait_for(lambda: installation.value(left) <= 1, "the second has made the others", 60)

    assert os.getpgid(int(leader.split(":")[1])) == first.pid != second.pid
    signal_group(first.pid, signal.SIGKILL)
    ready = "SELECT 1 FROM labels_bundle WHERE status = 'ready'"
    sweep_until(installation, partial(installation.value, ready), "the second has ended it")
    undisturbed = installation.json("build_bundle", "--owner", "dan", "--any", "Red")
    theirs = installation.rows("SELECT size FROM labels_bundlepart ORDER BY id")
    assert theirs == [(undisturbed["bytes"],)] * 2
    [[mine], [others]] = installation.rows("SELECT file FROM labels_bundlepart ORDER BY id")
    entries = []
    for name in (mine, others):
        with zipfile.ZipFile(installation.folder / "bundles" / name) as archive:
            assert archive.testzip() is None
            entries.append([(info.filename, info.CRC) for info in archive.infolist()])
    assert entries[0] == entries[1]


_ASK = """
from django.contrib.auth import get_user_model
from labels.bundles.request import request_bundle
from labels.selection.predicate import Selection
request_bundle(get_user_model().objects.get(), Selection(any=("Red",)))
"""
_SECOND_ORIGINAL = "SELECT original FROM labels_photo ORDER BY shown_at, id LIMIT 1 OFFSET 1"


def _enqueue_photo(installation):
    photo = installation.value("SELECT id FROM labels_photo")
    enqueue = f"queue.enqueue_after_commit('label_next_photo', {photo})"
    installation.manage("shell", "-c", f"from labels.workers import queue; {enqueue}")


def _queued(installation):
    return installation.value("SELECT count(*) FROM django_q_ormq")


def _freeze(installation, cluster):
    """Stop every process of the cluster, at a moment when none of them holds the database's lock."""

    def frozen():
        signal_group(cluster.pid, signal.SIGSTOP)
        probe = "UPDATE labels_photo SET attempts = attempts"
        try:
            installation.rows(probe, wait=0.3)
        except installation.database.Locked:
            signal_group(cluster.pid, signal.SIGCONT)
            return False
        return True

    installation.wait_for(frozen, "the cluster stood still")
