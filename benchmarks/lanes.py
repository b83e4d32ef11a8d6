"""What somebody waits for while thousands of another account's photos wait for labels, and what that costs.

Real clusters, the local detector, real photos. The first queue of before, in which a task labels the photo
that it names, runs in turn with the present one: labelling must be as fast.
"""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

from benchmarks.workbench import account, photos, set_up, table

WAITING = int(os.environ.get("BENCH_WAITING", "5000"))
ROUNDS = 3
# For the throughput.
LABELLED_EACH = 120
_STARTED = 10
_GOALS = {"mail": 5, "labels": 10, "thumbnail": 2, "alarms": 5}


def main():
    set_up()
    ann = account()
    originals = _originals(ann)
    rates = _rates(ann, originals)
    waits = _waits(ann, originals)
    rows = [
        ("a mail, from the end of the build", *_against(waits, "mail")),
        ("labels of 3 photos, from the upload of the last", *_against(waits, "labels")),
        ("the thumbnail of a new photo, from when its file has arrived", *_against(waits, "thumbnail")),
        ("alarms, from the schedule's task to the evaluation", *_against(waits, "alarms")),
    ]
    print(
        f"{WAITING:,} photos of one account wait; another account's work, {ROUNDS} times; 2 workers, local "
        f"detector, SQLite; load of the machine {os.getloadavg()[1]:.1f} on {os.cpu_count()} cores.\n"
    )
    print(table(("waited for", "seconds, the longest", "goal"), *rows))
    print()
    before, now = (max(rates[way]) for way in ("before", "now"))
    print(
        f"Labelling, {LABELLED_EACH} photos, the best of {ROUNDS} each, alternating: {now:.2f} photos per "
        f"second of processor time of the whole cluster; {before:.2f} from one queue in order of arrival; "
        f"ratio {now / before:.2f}, goal 0.95."
    )


def _against(waits, name):
    return f"{max(waits[name]):.1f}", _GOALS[name]


def _originals(owner):
    """Store the real photos once; return their rows, of which any number is copied."""
    from labels.intake.add import add_photo
    from labels.models import Photo

    for path in photos():
        with path.open("rb") as file:
            add_photo(file, path.name, owner)
    rows = list(Photo.objects.all())
    Photo.objects.update(status="labelled")
    return rows


_number = count()


def _wait_for_labels(owner, originals, how_many, line):
    """Make photos wait, each a content of its own as far as the detector's kept answers know."""
    from labels.models import Photo

    made = []
    for number in range(how_many):
        like = originals[number % len(originals)]
        names = (
            "original",
            "original_name",
            "format",
            "size",
            "crc32",
            "width",
            "height",
            "orientation",
            "exif",
        )
        values = {name: getattr(like, name) for name in names}
        made.append(Photo(owner=owner, sha256=f"{next(_number):064x}", line=line, **values))
    return Photo.objects.bulk_create(made)


def _rates(ann, originals):
    """Return {way: photos per second of processor time in each round}, the ways alternating."""
    from django_q.models import OrmQ

    from labels.models import Photo
    from photomgr.queue import enqueue

    tasks = {
        "before": ("labels.tasks.label_photo", "labels"),
        "now": ("labels.tasks.label_next_photo", "photos"),
    }
    rates = {way: [] for way in tasks}
    for number in range(2 * ROUNDS):
        way = ("before", "now")[(number + number // 2) % 2]
        OrmQ.objects.all().delete()
        made = _wait_for_labels(ann, originals, LABELLED_EACH, Photo.Line.IN_BULK)
        for photo in made:
            enqueue(*tasks[way], photo.pk)
        mine = Photo.objects.filter(pk__in=[photo.pk for photo in made])
        labelled = mine.filter(status="labelled")
        with _clusters("labels") as [cluster]:
            # What the start takes is left out.
            _until(lambda labelled=labelled: labelled.count() >= _STARTED, "started")
            first, began = labelled.count(), _processor_seconds(cluster.pid)
            _until(lambda labelled=labelled: labelled.count() == LABELLED_EACH, "labelled", 900)
            rates[way].append((LABELLED_EACH - first) / (_processor_seconds(cluster.pid) - began))
    return rates


def _processor_seconds(group):
    """Return the processor time of all processes of a group: the load of the machine hardly changes it."""
    total = 0
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            # Behind the name, which may hold spaces: third the group, 12th and 13th user and system time.
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            total += (int(fields[11]) + int(fields[12])) if int(fields[2]) == group else 0
    return total / os.sysconf("SC_CLK_TCK")


def _waits(ann, originals):
    """Return {what: seconds of each round} of what eve waits for while ann's photos wait."""
    from django.contrib.auth import get_user_model
    from django_q.models import OrmQ

    from labels.models import Photo
    from labels.workers import queue

    eve = get_user_model().objects.create_user("eve", "eve@example.com")
    OrmQ.objects.all().delete()
    for photo in _wait_for_labels(ann, originals, WAITING, Photo.Line.IN_BULK):
        queue.enqueue_after_commit("label_next_photo", photo.pk)
    waits = {name: [] for name in _GOALS}
    files = iter(photos())
    with _clusters("labels", "bundles"):
        _until(lambda: ann.photos.filter(status="labelled").count() > len(originals) + 10, "began")
        for _ in range(ROUNDS):
            waits["alarms"].append(_alarms())
            _upload(eve, [next(files) for _ in range(3)], waits)
            waits["mail"].append(_mail(eve))
        assert ann.photos.filter(status="pending").exists(), "none of the many photos waits any more"
    return waits


def _upload(eve, paths, waits):
    from labels.intake.add import add_photo

    rows = []
    for path in paths:
        began = time.monotonic()
        with path.open("rb") as file:
            rows.append(add_photo(file, path.name, eve, draw=True).photo)
        assert eve.photos.exclude(thumbnail="").filter(pk=rows[-1].pk).exists()
        waits["thumbnail"].append(time.monotonic() - began)
    mine = eve.photos.filter(pk__in=[row.pk for row in rows])
    _until(lambda: mine.filter(status="labelled").count() == len(rows), "labelled")
    labelled = max(mine.values_list("labelled_at", flat=True))
    waits["labels"].append((labelled - max(row.uploaded_at for row in rows)).total_seconds())


def _mail(eve):
    from labels.bundles.request import request_bundle
    from labels.models import Delivery
    from labels.selection.predicate import Selection

    bundle = request_bundle(eve, Selection(everything=True))
    sent = Delivery.objects.filter(notice__bundle=bundle, status="sent")
    _until(sent.exists, "sent")
    bundle.refresh_from_db()
    return (sent.get().sent_at - bundle.finished_at).total_seconds()


def _alarms():
    """Return how long the task takes that the schedule enqueues each minute."""
    from labels.models import Heartbeat
    from photomgr.queue import enqueue

    Heartbeat.objects.filter(cluster="lanes").delete()
    began = time.monotonic()
    enqueue("alarms.tasks.tick", "labels")
    # Tasks of one queue begin in order: when this one has run, the tick has begun.
    enqueue("labels.tasks.heartbeat", "labels", "lanes", 0)
    _until(Heartbeat.objects.filter(cluster="lanes").exists, "ticked")
    return time.monotonic() - began


def _until(condition, what, seconds=300):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            sys.exit(f"Not within {seconds} s: {what}.")
        time.sleep(0.05)


@contextmanager
def _clusters(*names):
    """Run these clusters; end them with all their processes."""
    running = [
        subprocess.Popen(
            [sys.executable, "manage.py", "qcluster"],
            env={**os.environ, "Q_CLUSTER_NAME": name, "QUEUE_WORKERS": "2"},
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for name in names
    ]
    try:
        yield running
    finally:
        for cluster in running:
            os.killpg(cluster.pid, signal.SIGKILL)
            cluster.wait()


if __name__ == "__main__":
    main()
