"""How much of Amazon's quotas 16 workers use, how often they are throttled, and how the article fares.

Real boto3 in every process against the fake of the tests, whose Regions have buckets of tokens that
hold one second of their rate. The article picks a Region at random by weight, keeps no count and lets
the SDK retry; here it keeps its clients, which is kinder than building one for every call.
"""

import io
import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field

from PIL import Image

from benchmarks.workbench import installation, table

WORKERS = 16
LATENCY = 0.03
WARM_UP = 5.0
EAST, WEST, OHIO, CALIFORNIA = "us-east-1", "us-west-2", "us-east-2", "us-west-1"


@dataclass(frozen=True)
class Scenario:
    """Quotas as configured, and what changes when: (second, Region, {attribute of the fake: value})."""

    name: str
    quotas: dict
    seconds: float
    changes: list = field(default_factory=list)
    measured_from: float = WARM_UP

    def possible(self):
        """Return how many calls the Regions allow while it is measured."""
        total = 0.0
        for region, quota in self.quotas.items():
            at, rate = 0.0, quota
            for second, changed, change in [*self.changes, (self.seconds, region, {})]:
                if changed == region:
                    total += rate * max(0.0, second - max(self.measured_from, at))
                    at, rate = second, 0.0 if change.get("always") else change.get("tps", quota)
        return total


SCENARIOS = [
    Scenario("50 + 50", {EAST: 50, WEST: 50}, 45),
    Scenario("50 + 50 + 5 + 5", {EAST: 50, WEST: 50, OHIO: 5, CALIFORNIA: 5}, 45),
    # Until it is back: from then on the breaker's pause, at most 30 s, decides.
    Scenario(
        "one Region down for 60 s",
        {EAST: 50, WEST: 50},
        68,
        [(8, WEST, {"always": "unavailable"})],
        measured_from=8,
    ),
    Scenario("one quota silently halved", {EAST: 50, WEST: 50}, 70, [(10, WEST, {"tps": 25})]),
]


def main():
    rows = []
    ways = [("SQLite", "limiter", None), ("the article's method", "article", None)]
    if url := os.environ.get("BENCH_POSTGRES_URL"):
        ways.insert(1, ("PostgreSQL", "limiter", url))
    for name, how, url in ways:
        if url:
            os.environ["DATABASE_URL"] = url
        rows += _measured(name, how)
    order = [scenario.name for scenario in SCENARIOS]
    print(
        f"{WORKERS} worker processes, {LATENCY * 1000:.0f} ms a call, pictures of "
        f"{len(_picture()) // 1024} KB, the first {WARM_UP:.0f} s (ramp) left out; "
        f"load of the machine {os.getloadavg()[2]:.1f} on {os.cpu_count()} cores.\n"
    )
    heading = ("Regions", "how", "labelled per second", "of the maximum", "throttled calls", "photos failed")
    print(table(heading, *sorted(rows, key=lambda row: order.index(row[0]))))
    print(
        "\nGoals: 99 % and below 0.1 % throttled; Region down 97 % of what is left; halved 95 % and below "
        "0.5 %; no photo failed. A photo failed when its caller got an exception and nothing retries it."
    )


def _measured(name, how):
    """Return the table's rows of all scenarios, run one after the other by the same processes."""
    from tests.detectors.rekognition.fake_rekognition import FakeRekognition

    with FakeRekognition(keep_calls=False) as fake:
        workers, rows = _start(how, fake.url), []
        for scenario in SCENARIOS:
            if how == "limiter":
                _empty(scenario)
            rows.append((scenario.name, name, *_run(scenario, fake, workers)))
            sys.stderr.write(f"{rows[-1]}\n")
        for worker in workers:
            worker.communicate()
    return rows


def _run(scenario, fake, workers):
    """Return calls per second, part of the maximum, throttled part of the calls and failed photos."""
    from tests.detectors.rekognition.fake_rekognition import Region

    for region, quota in scenario.quotas.items():
        fake.regions[region] = Region(tps=quota, latency=LATENCY)
    begin = time.monotonic()
    for worker in workers:
        worker.stdin.write(json.dumps({"seconds": scenario.seconds, "quotas": scenario.quotas}) + "\n")
        worker.stdin.flush()
    counted = _conduct(scenario, fake, begin)
    failed = sum(json.loads(worker.stdout.readline())["failed"] for worker in workers)
    labelled, throttled = counted["ok"], counted["throttle"]
    return (
        f"{labelled / (scenario.seconds - scenario.measured_from):.1f}",
        f"{labelled / scenario.possible():.1%}",
        f"{throttled / max(1, labelled + throttled):.2%}",
        failed,
    )


def _conduct(scenario, fake, begin):
    """Change the Regions as the scenario says; return the outcomes of what is measured."""
    marks = [(second, None, {}) for second in (scenario.measured_from, scenario.seconds)]
    snapshots = []
    for second, region, change in sorted([*scenario.changes, *marks], key=lambda event: event[0]):
        time.sleep(max(0.0, begin + second - time.monotonic()))
        if region is None:
            snapshots.append(_outcomes(fake))
        for name, value in change.items():
            setattr(fake.regions[region], name, value)
    return snapshots[1] - snapshots[0]


def _outcomes(fake):
    total = Counter()
    with fake.lock:
        for (_, outcome), number in fake.outcomes.items():
            total[outcome] += number
    return total


def _start(how, url):
    """Start the workers and wait until each of them says that it is ready."""
    os.environ.update(
        AWS_ENDPOINT_URL_REKOGNITION=url,
        AWS_ACCESS_KEY_ID="bench",
        AWS_SECRET_ACCESS_KEY="bench",  # noqa: S106 (of no account)
        LABELS_DETECTOR="rekognition",
        LOG_LEVEL="CRITICAL",
    )
    command = [sys.executable, "-m", "benchmarks.regions", how]
    workers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(WORKERS)
    ]
    for worker in workers:
        assert worker.stdout.readline() == "ready\n"
    return workers


def _empty(scenario):
    """Make the tables if need be, and the Regions' rows as they are after a long rest."""
    regions = ",".join(f"{region}={quota}" for region, quota in scenario.quotas.items())
    subprocess.run(
        [sys.executable, "-m", "benchmarks.regions", "empty"],
        env={**os.environ, "REKOGNITION_REGIONS": regions},
        check=True,
        stdout=sys.stderr,
    )


def empty():
    import django

    django.setup()
    from django.core.management import call_command

    from labels.detectors.rekognition.regions.quotas import follow_settings
    from labels.models import RegionQuota

    call_command("migrate", verbosity=0)
    RegionQuota.objects.all().delete()
    follow_settings()


def limiter():
    """Label photos as a worker does; one that must wait is tried again."""
    import django

    django.setup()
    from django.conf import settings

    from labels.detectors import get_detector
    from labels.detectors.base import PhotoRefused, Picture, RetryLater
    from labels.detectors.rekognition.regions import permits
    from photomgr import aws

    # A worker that has just started builds these first; 16 at once would keep two cores busy for seconds.
    for region in (EAST, WEST, OHIO, CALIFORNIA):
        aws.client("rekognition", region)
    detector, picture = get_detector(), Picture(_picture(), 640, 480)

    def label():
        try:
            detector.detect(picture)
        except RetryLater as turn:
            time.sleep(min(1.0, turn.seconds))
        except PhotoRefused:
            return False
        return True

    def prepare(quotas):
        permits.leases.clear()
        settings.REKOGNITION_REGIONS = quotas

    _work(prepare, label)


def article():
    """Label photos as the article does: a Region at random by weight, the SDK's own retries."""
    import boto3
    from botocore.exceptions import ClientError

    clients = {
        region: boto3.client("rekognition", region_name=region) for region in (EAST, WEST, OHIO, CALIFORNIA)
    }
    picture, weights = _picture(), {}

    def label():
        [region] = random.choices(list(weights), list(weights.values()))
        try:
            clients[region].detect_labels(Image={"Bytes": picture})
        except ClientError:
            return False
        return True

    def prepare(quotas):
        weights.clear()
        weights.update(quotas)

    _work(prepare, label)


def _work(prepare, label):
    """Label for as long as each line on stdin says, and answer with how many photos failed."""
    print("ready", flush=True)
    for line in sys.stdin:
        told = json.loads(line)
        end, failed = time.monotonic() + told["seconds"], 0
        prepare(told["quotas"])
        while time.monotonic() < end:
            failed += not label()
        print(json.dumps({"failed": failed}), flush=True)


def _picture():
    """Return a JPEG, the same in every process."""
    pixels = random.Random(1).randbytes(40 * 30 * 3)
    out = io.BytesIO()
    picture = Image.frombytes("RGB", (40, 30), pixels).resize((640, 480), Image.Resampling.BICUBIC)
    picture.save(out, "JPEG", quality=80)
    return out.getvalue()


if __name__ == "__main__":
    if sys.argv[1:]:
        {"limiter": limiter, "article": article, "empty": empty}[sys.argv[1]]()
    else:
        installation()
        main()
