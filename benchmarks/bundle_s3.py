"""Building archives from S3 into S3, against a plain script: GET, zipfile, 8 MiB parts, one after another.

Both with boto3, on an S3 of our own in another process (benchmarks/s3_stub.py), because moto would be the
limit. Goals: CPU seconds at most 1.3 of the script's, time at most 0.7, under 150 MB for 300 photos as for
3,000, open files that do not grow. `make bench-bundle-s3`.
"""

import json
import os
import random
import subprocess
import sys
import threading
import time
import zipfile
import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.workbench import account, set_up, table

PHOTO = 340_000
PART = 8 * 1024**2
TAKEN = datetime(2020, 1, 1, tzinfo=UTC)
BUCKETS = {"PHOTOS_BUCKET": "bench-photos", "BUNDLES_BUCKET": "bench-bundles"}
ACCOUNT = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1"}
ROUNDS = 2
WORKERS = (1, 2)


def main():
    os.environ.update(**BUCKETS, **ACCOUNT)
    rows = [row for latency, count in ((0, 300), (0, 3000), (20, 300)) for row in race(latency, count)]
    print(f"Photos of {PHOTO:,} bytes; the best of {ROUNDS} for 300 and one run for 3,000, alternating.\n")
    heading = ("", "workers", "script s", "ours s", "ours / script", "script CPU s", "ours CPU s")
    print(table((*heading, "ours / script", "peak MB of one", "its open files"), *rows))
    print("\nBy default two workers build one download together; their CPU seconds are added.")


def race(latency, count):
    command = [sys.executable, "-m", "benchmarks.s3_stub", str(PHOTO), str(latency)]
    stub = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        os.environ["AWS_ENDPOINT_URL_S3"] = stub.stdout.readline().strip()
        plain, ours = [], {workers: [] for workers in WORKERS}
        for _ in range(ROUNDS if count == 300 else 1):
            plain.append(_fresh("plain", count))
            for workers, runs in ours.items():
                runs.append(_fresh("ours", count, workers))
    finally:
        stub.kill()
        stub.wait()
    script = _best(plain)
    return [_row(latency, count, workers, script, _best(runs)) for workers, runs in ours.items()]


def _best(runs):
    return min(runs, key=lambda run: run["seconds"])


def _row(latency, count, workers, script, we):
    return (
        f"{count:,} photos, {latency} ms a request",
        workers,
        *(f"{run['seconds']:.2f}" for run in (script, we)),
        f"{we['seconds'] / script['seconds']:.2f}",
        *(f"{run['cpu']:.2f}" for run in (script, we)),
        f"{we['cpu'] / script['cpu']:.2f}",
        f"{we['mb']:.0f}",
        we["files"],
    )


def _fresh(what, count, workers=1):
    command = [sys.executable, "-m", "benchmarks.bundle_s3", what, str(count), str(workers)]
    return json.loads(subprocess.check_output(command))


def measured(step, *arguments):
    """Return what the step took in this process: seconds, CPU seconds, peak memory, most open files."""
    most, done = [0], threading.Event()

    def watch():
        while not done.wait(0.02):
            most[0] = max(most[0], len(os.listdir("/proc/self/fd")))

    watcher = threading.Thread(target=watch)
    watcher.start()
    began, cpu = time.perf_counter(), time.process_time()
    step(*arguments)
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    done.set()
    watcher.join()
    [peak] = [line for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line]
    return {"seconds": seconds, "cpu": cpu, "mb": int(peak.split()[1]) / 1024, "files": most[0]}


def _key(number):
    return f"{number % 256:02x}/{number:032x}.jpg"


class _Parts:
    """A file to write to, whose every 8 MiB is a part of an upload."""

    def __init__(self, client, **place):
        self._client, self._place, self._buffer, self._tags = client, place, bytearray(), []
        self._upload = client.create_multipart_upload(**place)["UploadId"]

    def write(self, content):
        self._buffer += content
        while len(self._buffer) >= PART:
            self._send(PART)
        return len(content)

    def flush(self):
        """Nothing: zipfile asks for it after every entry."""

    def close(self):
        self._send(len(self._buffer))
        parts = [{"PartNumber": n, "ETag": tag} for n, tag in enumerate(self._tags, start=1)]
        self._client.complete_multipart_upload(
            **self._place, UploadId=self._upload, MultipartUpload={"Parts": parts}
        )

    def _send(self, size):
        body, number = bytes(self._buffer[:size]), len(self._tags) + 1
        del self._buffer[:size]
        sent = self._client.upload_part(**self._place, UploadId=self._upload, PartNumber=number, Body=body)
        self._tags.append(sent["ETag"])


def plain(count, workers):
    """Build the archive as anybody would: one photo after the other, one part after the other."""
    import boto3

    client = boto3.client("s3")

    def build():
        out = _Parts(client, Bucket="bench-bundles", Key="plain.zip")
        with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
            for number in range(count):
                key = f"originals/{_key(number)}"
                body = client.get_object(Bucket="bench-photos", Key=key)["Body"].read()
                archive.writestr(f"DSC_{number:05}.JPG", body)
        out.close()

    return measured(build)


def _ask(owner, count):
    from labels.bundles.request import request_bundle
    from labels.models import Photo
    from labels.selection.predicate import Selection

    crc32 = zlib.crc32(random.Random(1).randbytes(PHOTO))
    Photo.objects.bulk_create(
        Photo(
            owner=owner,
            original=_key(number),
            original_name=f"DSC_{number:05}.JPG",
            format="JPEG",
            size=PHOTO,
            sha256=f"{number:064x}",
            crc32=crc32,
            width=640,
            height=480,
            taken_at=TAKEN + timedelta(minutes=number),
            status=Photo.Status.LABELLED,
        )
        for number in range(count)
    )
    request_bundle(owner, Selection(everything=True), lease_owner="bench")


def ours(count, workers):
    """Build the archive as that many workers do, database and all."""
    set_up()
    # Made and asked for in another process, as it is in life: a worker neither migrates nor plans.
    if not (child := os.fork()):
        _ask(account(), count)
        os._exit(0)
    os.waitpid(child, 0)

    from django.db import connections

    import labels.tasks  # noqa: F401 (what qcluster imports)
    from labels.bundles import building
    from labels.models import Bundle
    from photomgr import aws

    bundle = Bundle.objects.get()
    # A connection must not be shared with a fork.
    connections.close_all()
    helpers = [_helper(bundle.pk) for _ in range(workers - 1)]
    # A worker keeps its client; the script's is made before the clock starts, too.
    aws.client("s3")
    found = measured(building.build, bundle)
    found["cpu"] += sum(_cpu_of_child(helper) for helper in helpers)
    bundle.refresh_from_db()
    assert bundle.status == bundle.Status.READY, bundle.failure_reason
    return found


def _helper(bundle_id):
    """Fork a worker that comes when there are chunks, as the bell of the one that leads calls it."""
    if helper := os.fork():
        return helper
    from labels.bundles.building import join_build
    from labels.models import BundleChunk
    from photomgr import aws

    aws.client("s3")
    while not BundleChunk.objects.exists():
        time.sleep(0.01)
    join_build(bundle_id)
    os._exit(0)


def _cpu_of_child(pid):
    _, _, used = os.wait4(pid, 0)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    if len(sys.argv) == 4:
        print(json.dumps({"plain": plain, "ours": ours}[sys.argv[1]](int(sys.argv[2]), int(sys.argv[3]))))
    else:
        main()
