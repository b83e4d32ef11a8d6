"""What a photo costs from "waiting" to "labelled", and how much of it is queue and database."""

import os
import signal
import subprocess
import sys
import time
from collections import defaultdict

from benchmarks.workbench import installation, photos, table


def main():
    owner = installation()
    paths = photos()
    _import(owner, paths)
    steps = _in_this_process(owner)
    _wait_again(owner)
    queued = _through_the_queue(owner)
    count = len(paths)
    rows = [(name, f"{1000 * seconds / count:.1f}") for name, seconds in steps.items()]
    in_process = sum(steps.values()) / count
    rows.append(("all of it in one process", f"{1000 * in_process:.1f}"))
    rows.append(("through the queue, one worker (renditions and answers made again)", f"{1000 * queued:.1f}"))
    rows.append(("so the queue adds", f"{1000 * (queued - in_process):.1f}"))
    print(f"{count} photos, local detector, SQLite.\n")
    print(table(("step", "ms per photo"), *rows))


def _import(owner, paths):
    from labels.intake.add import add_photo

    for path in paths:
        with path.open("rb") as file:
            add_photo(file, path.name, owner)


def _in_this_process(owner):
    """Return the seconds of each step, summed over all photos."""
    from labels.labelling import detection
    from labels.models import Photo
    from labels.pictures import renditions
    from labels.rules import versions

    seconds = defaultdict(float)

    def timed(name, step, *arguments):
        began = time.perf_counter()
        result = step(*arguments)
        seconds[name] += time.perf_counter() - began
        return result

    rules = versions.in_force()
    for pk in owner.photos.values_list("pk", flat=True):
        photo = timed("claim", Photo.objects.claim, pk, "bench")
        timed("renditions", renditions.ensure, photo)
        run = timed("detector, its answer kept", detection.run_for, photo)
        found = timed("rules", rules.decide, photo, run)
        timed("labels and counts", _record, photo, run, {pk: found}, rules)
    return seconds


def _record(photo, run, found, rules):
    from django.db import transaction

    from labels.labelling import attempts
    from labels.labelling.record import record
    from labels.labelling.resolving import resolve

    with transaction.atomic():
        wanted = resolve([photo], found, rules.rules)
        record([photo], wanted, {photo.pk: run.pk})
        assert attempts.finish(photo, run, rules.version)


def _wait_again(owner):
    from labels.models import DetectionRun

    DetectionRun.objects.all().delete()
    owner.photos.update(status="pending", thumbnail="", rendition="")


def _through_the_queue(owner):
    """Return the seconds a photo takes one worker of a real cluster, from the first to the last."""
    from django_q.models import OrmQ

    from labels.workers import queue

    OrmQ.objects.all().delete()
    for pk in owner.photos.values_list("pk", flat=True):
        queue.enqueue_after_commit("label_next_photo", pk)
    cluster = subprocess.Popen(
        [sys.executable, "manage.py", "qcluster"],
        env={**os.environ, "QUEUE_WORKERS": "1"},
        start_new_session=True,
        stdout=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 600
        while owner.photos.exclude(status="labelled").exists():
            if cluster.poll() is not None or time.monotonic() > deadline:
                sys.exit("The cluster did not label the photos.")
            time.sleep(0.2)
    finally:
        cluster.terminate()
        cluster.wait(20)
        os.killpg(cluster.pid, signal.SIGKILL) if cluster.poll() is None else None
    moments = sorted(owner.photos.values_list("labelled_at", flat=True))
    return (moments[-1] - moments[0]).total_seconds() / (len(moments) - 1)


if __name__ == "__main__":
    main()
