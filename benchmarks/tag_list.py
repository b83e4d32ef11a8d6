"""Pages, plan and request of large libraries: `python -m benchmarks.tag_list [PHOTOS ...] [--in FOLDER]`.

With --in (or DATABASE_URL) the libraries that `manage.py make_library` made there are measured.
"""

import gc
import os
import resource
import statistics
import subprocess
import sys
import threading
import time
from urllib.parse import urlencode

from benchmarks.workbench import account, set_up, table

LABELS = 1000
ROUNDS = 40
CHUNK = 10_000


def main():
    arguments = sys.argv[1:]
    if "--in" in arguments:
        place = arguments.index("--in")
        os.environ["PHOTOMGR_DATA_DIR"] = arguments[place + 1]
        del arguments[place : place + 2]
        set_up(in_place=True)
        owners = installed([int(size) for size in arguments])
    else:
        set_up()
        account()
        owners = [made(number, int(size)) for number, size in enumerate(arguments or ["100000"])]
    from django.core.management import call_command
    from django.db import connection

    call_command("collectstatic", verbosity=0, interactive=False)
    if connection.vendor == "postgresql":
        # As autovacuum has by then.
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
    for owner in owners:
        # Each in a process of its own, so that memory is that of one library.
        if os.fork() == 0:
            connection.close()
            report(owner)
            sys.stdout.flush()
            os._exit(0)
        os.wait()


def made(number, photos):
    from django.contrib.auth import get_user_model

    from labels.maintenance.made_library import make_chunk

    owner = get_user_model().objects.create_user(f"library-{number + 1}")
    for start in range(0, photos, CHUNK):
        make_chunk(owner, range(start, min(start + CHUNK, photos)), LABELS, files=False)
    return owner


def installed(sizes):
    """Return the accounts whose libraries have these sizes."""
    from django.contrib.auth import get_user_model

    accounts = get_user_model().objects.filter(username__startswith="library-").order_by("pk")
    by_size = {owner.photos.count(): owner for owner in accounts}
    return [by_size[size] for size in sizes] if sizes else list(by_size.values())


def report(owner):
    from django.db import connection

    before = memory()
    first = read(owner)
    held = memory() - before
    rows = [measure(owner, *case) for case in cases()]
    print(f"{description(owner)}, {connection.vendor}, in this process (no network).\n")
    print(table(("page", "photos", "queries", "p50 ms", "p95 ms"), *rows))
    print(
        f"\nThe first page of a process reads the library in {first:.1f} s; it keeps {held:.0f} MB for it, "
        f"{memory():.0f} MB in all.\n{requested(owner)}\n"
    )


def name(rank):
    from labels.maintenance.made_library import label_name

    return label_name(rank)


def cases():
    """Return (what it is, path, query, whether htmx asks, what is done before each)."""
    biggest, middle, rare = (0, 1, 2, 3), (20, 30, 40, 50), (300, 400, 500, 600)
    three = [("label", name(rank)) for rank in biggest[:3]]
    yield "photos", "/", [], False, None
    yield "photos with any of three biggest", "/", three, False, None
    yield "labels, no ticks", "/labels/", [], False, None
    yield "the same by htmx", "/labels/", [], True, None
    for words, ranks in (("biggest", biggest), ("middling", middle), ("rare", rare)):
        ticks = [("label", name(rank)) for rank in ranks[:3]]
        without = [("none", name(ranks[3]))]
        yield f"plan: any of three {words}, none of a fourth", "/labels/", ticks + without, True, None
        both = [("match", "all"), *ticks, *without]
        yield f"plan: all of three {words}, none of a fourth", "/labels/", both, True, None
    yield "plan: everything", "/labels/", [("everything", "1")], True, None
    yield "plan: no label yet", "/labels/", [("state", "unlabelled")], True, None
    yield "labels, any of three biggest", "/labels/", three, False, None
    yield "refresh after a photo was labelled", "/labels/", three, True, relabel
    yield "refresh after a photo came", "/labels/", three, True, arrive


def measure(owner, words, path, query, htmx, change):
    from django.db import connection
    from django.http import QueryDict
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from labels.selection.predicate import Overview, Selection

    client = Client(SERVER_NAME="localhost", headers={"HX-Request": "true"} if htmx else {})
    client.force_login(owner)
    url = f"{path}?{urlencode(query)}"
    photos = f"{len(Overview(owner, Selection.from_query(QueryDict(urlencode(query))))):,}"
    client.get(url)
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(url)
    assert answer.status_code == 200, answer.status_code
    asked = len(queries)  # before the next request forgets them
    milliseconds = []
    for number in range(ROUNDS):
        if change:
            change(owner, number)
        gc.collect()
        began = time.perf_counter()
        client.get(url)
        milliseconds.append(1000 * (time.perf_counter() - began))
    p50, p95 = statistics.median(milliseconds), statistics.quantiles(milliseconds, n=20)[18]
    return words, photos, asked, f"{p50:.0f}", f"{p95:.0f}"


def relabel(owner, number):
    """Take the labels from a photo, or give them back."""
    from django.db import transaction

    from labels.models import Photo, PhotoLabel
    from labels.selection import summaries

    with transaction.atomic():
        photo = Photo.objects.filter(owner=owner).order_by("pk")[number // 2]
        status = "hidden" if number % 2 == 0 else "active"
        PhotoLabel.objects.filter(photo=photo).update(status=status)
        summaries.write([photo])


def arrive(owner, number):
    from labels.maintenance.made_library import make_chunk

    # A number that no other photo has, behind those of the library.
    first = 2_000_000 + time.time_ns() % 100_000_000
    make_chunk(owner, range(first, first + 1), LABELS, files=False)


def read(owner):
    from labels.selection.library import library

    began = time.perf_counter()
    library(owner.pk).in_order(library(owner.pk).photos)
    return time.perf_counter() - began


def requested(owner):
    """Return how long it takes to request the whole library, the memory it adds, and how long others wait."""
    from labels.bundles.listing import list_photos
    from labels.bundles.request import request_bundle
    from labels.selection.predicate import Selection

    ended, waits = threading.Event(), [0.0]
    writer = threading.Thread(target=write_until, args=(owner, ended, waits))
    writer.start()
    before, began = peak(), time.perf_counter()
    bundle = request_bundle(owner, Selection(everything=True), lease_owner="bench")
    seconds, more = time.perf_counter() - began, peak() - before
    began = time.perf_counter()
    list_photos(bundle)
    listed, listing = time.perf_counter() - began, peak() - before - more
    ended.set()
    writer.join()
    bundle.delete()
    return (
        f"Requesting the download of all {bundle.photo_count:,} photos: {seconds:.1f} s, {more:.0f} MB "
        f"more at most; a worker then lists them in {listed:.0f} s, {listing:.0f} MB more at most. Of "
        f"{len(waits) - 1} others who changed the library meanwhile the longest waited {max(waits):.2f} s."
    )


def write_until(owner, ended, waits):
    """Write the summary of a photo every 50 ms, and note how many seconds each took."""
    from django.db import connection, transaction

    from labels.models import Photo
    from labels.selection import summaries

    photo = Photo.objects.filter(owner=owner).first()
    while not ended.wait(0.05):
        began = time.perf_counter()
        with transaction.atomic():
            summaries.write([photo])
        waits.append(time.perf_counter() - began)
    connection.close()


def memory():
    """Return the megabytes that this process has in memory."""
    return int(subprocess.check_output(["ps", "-o", "rss=", "-p", str(os.getpid())])) / 1024


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def description(owner):
    from labels.models import LabelCount

    counts = list(LabelCount.objects.filter(owner=owner, count__gt=0).values_list("count", flat=True))
    return (
        f"{owner.photos.count():,} photos, {len(counts):,} labels (the biggest on {max(counts):,} photos), "
        f"{sum(counts):,} photo-labels"
    )


if __name__ == "__main__":
    main()
