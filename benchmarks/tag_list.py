"""The tag list and the plan of a large library: `python -m benchmarks.tag_list [PHOTOS]`."""

import gc
import statistics
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from random import Random
from urllib.parse import urlencode

from benchmarks.workbench import installation, table

LABELS = 1000
LABELS_A_PHOTO = 10
ROUNDS = 40
PHOTO = 3_000_000
TAKEN = datetime(2010, 1, 1, tzinfo=UTC)


def main():
    from django.core.management import call_command

    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    owner = installation()
    call_command("collectstatic", verbosity=0, interactive=False)
    fill(owner, count)
    rows = [measure(owner, *case) for case in cases()]
    print(f"{description(owner)}, SQLite, in this process (no network).\n")
    print(table(("page", "photos", "queries", "p50 ms", "p95 ms"), *rows))
    print(f"\n{snapshot(owner)}")


def fill(owner, count):
    """Make the rows without files. The share of the label of rank k falls with 1 / k (Zipf)."""
    from labels.labelling import counts
    from labels.models import Label, Photo, PhotoLabel
    from labels.selection import summaries

    random = Random(1)
    # Beside those that the shipped rules name.
    made = (Label(name=name(rank), key=name(rank).casefold()) for rank in range(LABELS))
    labels = [label.pk for label in Label.objects.bulk_create(made)]
    exif = {"Make": "NIKON CORPORATION", "Model": "NIKON D750", "FNumber": 5.6, "ISO": 400, "Flash": 16}
    Photo.objects.bulk_create(
        (
            Photo(
                owner=owner,
                original=f"{number % 256:02x}/{number:032x}.jpg",
                # As cameras count: from 1 to 9999, and then from 1 again.
                original_name=f"DSC_{number % 9999 + 1:04}.JPG",
                format="JPEG",
                size=random.randrange(PHOTO // 3, PHOTO * 2),
                sha256=f"{number:064x}",
                crc32=random.getrandbits(32),
                width=6016,
                height=4016,
                taken_at=TAKEN + timedelta(minutes=30 * number),
                exif=exif,
                thumbnail=f"{number % 256:02x}/{number:032x}.webp",
                status=Photo.Status.LABELLED,
                labelled_at=TAKEN,
            )
            for number in range(count)
        ),
        batch_size=1000,
    )
    shares = popularity()
    rest = count * LABELS_A_PHOTO
    photos = list(owner.photos.values_list("pk", flat=True))
    for label, share in zip(labels, shares, strict=True):
        PhotoLabel.objects.bulk_create(
            (
                PhotoLabel(
                    photo_id=photo, label_id=label, confidence=60 + 40 * random.random(), status="active"
                )
                for photo in sorted(random.sample(photos, min(round(share * count), rest)))
            ),
            batch_size=1000,
        )
    counts.differences(repair=True)
    summaries.differences(repair=True)


def name(rank):
    return f"Label {rank:04}"


def popularity():
    """Return the share of the photos that show each label: 1 / rank, at most 60 %, ten labels a photo."""
    low, high = 0.0, 100.0
    while high - low > 1e-9:
        scale = (low + high) / 2
        total = sum(min(0.6, scale / rank) for rank in range(1, LABELS + 1))
        low, high = (scale, high) if total < LABELS_A_PHOTO else (low, scale)
    return [min(0.6, low / rank) for rank in range(1, LABELS + 1)]


def cases():
    """Return (what it is, query, whether htmx asks)."""
    biggest, middle, rare = (0, 1, 2, 3), (20, 30, 40, 50), (300, 400, 500, 600)
    yield "the page, no ticks", [], False
    yield "the same by htmx", [], True
    for words, ranks in (("biggest", biggest), ("middling", middle), ("rare", rare)):
        ticks = [("label", name(rank)) for rank in ranks[:3]]
        without = [("none", name(ranks[3]))]
        yield f"plan: any of three {words}, none of a fourth", ticks + without, True
        yield f"plan: all of three {words}, none of a fourth", [("match", "all"), *ticks, *without], True
    yield (
        "plan: any of three middling, none of the biggest",
        ([("label", name(rank)) for rank in middle[:3]] + [("none", name(0))]),
        True,
    )
    yield "plan: the biggest alone", [("label", name(0))], True
    yield "plan: everything", [("everything", "1")], True
    yield "the page, any of three biggest", [("label", name(rank)) for rank in biggest[:3]], False


def measure(owner, words, query, htmx):
    from django.db import connection
    from django.http import QueryDict
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from labels.selection import predicate
    from labels.selection.predicate import Selection

    client = Client(SERVER_NAME="localhost", headers={"HX-Request": "true"} if htmx else {})
    client.force_login(owner)
    url = f"/labels/?{urlencode(query)}"
    photos = f"{predicate.photos(owner, Selection.from_query(QueryDict(urlencode(query)))).count():,}"
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(url)
    assert answer.status_code == 200, answer.status_code
    asked = len(queries)  # before the next request forgets them
    milliseconds = []
    for _ in range(ROUNDS):
        gc.collect()
        began = time.perf_counter()
        client.get(url)
        milliseconds.append(1000 * (time.perf_counter() - began))
    p50, p95 = statistics.median(milliseconds), statistics.quantiles(milliseconds, n=20)[18]
    return words, photos, asked, f"{p50:.0f}", f"{p95:.0f}"


def snapshot(owner):
    """Return how long it takes to request the whole library, the memory it adds, and how long others wait."""
    import resource

    from labels.bundles.request import request_bundle
    from labels.selection.predicate import Selection

    ended, waits = threading.Event(), [0.0]
    writer = threading.Thread(target=write_until, args=(ended, waits))
    writer.start()
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    bundle = request_bundle(owner, Selection(everything=True), lease_owner="bench")
    seconds = time.perf_counter() - began
    ended.set()
    writer.join()
    mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    return (
        f"Requesting the download of all {bundle.photo_count:,} photos, snapshot included: "
        f"{seconds:.1f} s, at most {mb:.0f} MB more. Of {len(waits) - 1} others who changed the library "
        f"meanwhile the longest waited {max(waits):.2f} s."
    )


def write_until(ended, waits):
    """Write the summary of a photo every 50 ms, and note how many seconds each took."""
    from django.db import connection, transaction

    from labels.models import Photo
    from labels.selection import summaries

    photo = Photo.objects.first()
    while not ended.wait(0.05):
        began = time.perf_counter()
        with transaction.atomic():
            summaries.write([photo])
        waits.append(time.perf_counter() - began)
    connection.close()


def description(owner):
    from labels.models import LabelCount, PhotoLabel

    counts = LabelCount.objects.filter(owner=owner)
    return (
        f"{owner.photos.count():,} photos, {counts.count():,} labels (the biggest on "
        f"{counts.order_by('-count').first().count:,} photos), {PhotoLabel.objects.count():,} photo-labels"
    )


if __name__ == "__main__":
    main()
