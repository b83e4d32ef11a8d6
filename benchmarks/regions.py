"""How much of Amazon's quotas 16 workers use, how often they are throttled, and how the article fares.

Real boto3 in every process against the fake of the tests, whose Regions have buckets of tokens that
hold one second of their rate. The article picks a Region at random by weight, keeps no count and lets
the SDK retry; here it keeps its clients, which is kinder than building one for every call.
"""

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field

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

    def possible(self, begin, end):
        """Return how many calls the Regions allow between two seconds of the run."""
        total = 0.0
        for region, quota in self.quotas.items():
            at, rate = 0.0, quota
            for second, changed, change in [*self.changes, (self.seconds, region, {})]:
                if changed == region:
                    total += rate * max(0.0, min(end, second) - max(begin, at))
                    at, rate = second, 0.0 if change.get("always") == "down" else change.get("tps", quota)
        return total


DOWN = {"always": "down"}
SCENARIOS = [
    Scenario("50 + 50", {EAST: 50, WEST: 50}, 50),
    Scenario("50 + 50 + 5 + 5", {EAST: 50, WEST: 50, OHIO: 5, CALIFORNIA: 5}, 50),
    Scenario(
        "one Region down for 60 s",
        {EAST: 50, WEST: 50},
        80,
        [(10, WEST, DOWN), (70, WEST, {"always": "ok"})],
    ),
    Scenario("one quota silently halved", {EAST: 50, WEST: 50}, 80, [(15, WEST, {"tps": 25})]),
]


def main():
    rows = []
    databases = [("SQLite", None)]
    if url := os.environ.get("BENCH_POSTGRES_URL"):
        databases.append(("PostgreSQL", url))
    for name, url in databases:
        if url:
            os.environ["DATABASE_URL"] = url
        for scenario in SCENARIOS:
            rows.append(_line(scenario.name, name, _run(scenario, "limiter")))
    for scenario in SCENARIOS:
        rows.append(_line(scenario.name, "the article's way", _run(scenario, "article")))
    print(
        f"{WORKERS} worker processes, {LATENCY * 1000:.0f} ms a call, pictures of "
        f"{len(_picture()) // 1024} KB, the first {WARM_UP:.0f} s (ramp) left out of the rate; "
        f"load of the machine meanwhile {os.getloadavg()[2]:.1f} on {os.cpu_count()} cores.\n"
    )
    heading = ("Regions", "how", "labelled a second", "of the possible", "throttled calls", "photos failed")
    print(table(heading, *rows))
    print(
        "\nGoals: 99 % and below 0.1 % throttled; Region down 97 % of what is left; halved 95 % and below "
        "0.5 %; no photo failed. A photo failed: its caller got an exception and nothing tries again."
    )


def _line(scenario, how, found):
    return (
        scenario,
        how,
        f"{found['rate']:.1f}",
        f"{found['part']:.1%}",
        f"{found['throttled']:.2%}",
        found["failed"],
    )


def _run(scenario, how):
    """Return rate, part of the possible, throttled part of the calls and failed photos of one run."""
    from tests.fake_rekognition import FakeRekognition, Region

    with FakeRekognition(keep_calls=False) as fake:
        for region, quota in scenario.quotas.items():
            fake.regions[region] = Region(tps=quota, latency=LATENCY)
        workers = _start(scenario, how, fake.url)
        begin = time.monotonic()
        for worker in workers:
            worker.stdin.write(f"{scenario.seconds}\n")
            worker.stdin.flush()
        counted = _conduct(scenario, fake, begin)
        failed = sum(json.loads(worker.communicate()[0])["failed"] for worker in workers)
    labelled = counted["ok"]
    calls = labelled + counted["throttle"]
    seconds = scenario.seconds - WARM_UP
    found = {
        "rate": labelled / seconds,
        "part": labelled / scenario.possible(WARM_UP, scenario.seconds),
        "throttled": counted["throttle"] / max(1, calls),
        "failed": failed,
    }
    sys.stderr.write(f"{how} {scenario.name}: {found}\n")
    return found


def _conduct(scenario, fake, begin):
    """Change the Regions as the scenario says; return the outcomes from WARM_UP to its end."""
    events = sorted(
        [(WARM_UP, None, None), *scenario.changes, (scenario.seconds, None, None)], key=lambda e: e[0]
    )
    snapshots = []
    for second, region, change in events:
        time.sleep(max(0.0, begin + second - time.monotonic()))
        if region is None:
            snapshots.append(_outcomes(fake))
            continue
        for name, value in change.items():
            setattr(fake.regions[region], name, "unavailable" if value == "down" else value)
    return snapshots[1] - snapshots[0]


def _outcomes(fake):
    with fake.lock:
        total = Counter()
        for (_, outcome), number in fake.outcomes.items():
            total[outcome] += number
        return total


def _start(scenario, how, url):
    """Start the workers and wait until each of them says that it is ready."""
    environment = {
        **os.environ,
        "AWS_ENDPOINT_URL_REKOGNITION": url,
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "LABELS_DETECTOR": "rekognition",
        "REKOGNITION_REGIONS": ",".join(f"{region}={quota}" for region, quota in scenario.quotas.items()),
        "LOG_LEVEL": "CRITICAL",
    }
    if how == "limiter":
        _empty(environment)
    command = [sys.executable, "-m", "benchmarks.regions", how, json.dumps(scenario.quotas)]
    workers = [
        subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(WORKERS)
    ]
    for worker in workers:
        assert worker.stdout.readline() == "ready\n"
    return workers


def _empty(environment):
    """Make the tables if need be, and the Regions' rows as they are after a long rest."""
    subprocess.run(
        [sys.executable, "-m", "benchmarks.regions", "empty"], env=environment, check=True, stdout=sys.stderr
    )


def empty():
    import django

    django.setup()
    from django.core.management import call_command

    from labels import regions
    from labels.models import RegionQuota

    call_command("migrate", verbosity=0)
    RegionQuota.objects.all().delete()
    regions.follow_settings()


def limiter(quotas):
    """Label photos as a worker does, until the time is over; one that must wait is tried again."""
    import django

    django.setup()
    from labels.detectors import get_detector
    from labels.detectors.base import NotNow, PhotoRefused, Picture
    from labels.regions import permits
    from photomgr import aws

    # A worker that has just started builds these first; 16 at once would keep two cores busy for seconds.
    for region in quotas:
        aws.client("rekognition", region)
    permits.database_now()
    detector, picture = get_detector(), Picture(_picture(), 640, 480)

    def label():
        try:
            detector.detect(picture)
        except NotNow as turn:
            time.sleep(min(1.0, turn.seconds))
        except PhotoRefused:
            return False
        return True

    _work(label)


def article(quotas):
    """Label photos as the article does: a Region at random by weight, the SDK's own retries."""
    import boto3

    clients = {region: boto3.client("rekognition", region_name=region) for region in quotas}
    picture = _picture()

    def label():
        [region] = random.choices(list(quotas), list(quotas.values()))
        try:
            clients[region].detect_labels(Image={"Bytes": picture})
        except clients[region].exceptions.ClientError:
            return False
        return True

    _work(label)


def _work(label):
    print("ready", flush=True)
    end = time.monotonic() + float(sys.stdin.readline())
    failed = 0
    while time.monotonic() < end:
        failed += not label()
    print(json.dumps({"failed": failed}))


def _picture():
    """Return a JPEG of about 25 KB, the same in every process."""
    import io

    from PIL import Image

    pixels = random.Random(1).randbytes(40 * 30 * 3)
    out = io.BytesIO()
    Image.frombytes("RGB", (40, 30), pixels).resize((640, 480), Image.Resampling.BICUBIC).save(
        out, "JPEG", quality=80
    )
    return out.getvalue()


if __name__ == "__main__":
    if sys.argv[1:] == ["empty"]:
        empty()
    elif sys.argv[1:]:
        {"limiter": limiter, "article": article}[sys.argv[1]](json.loads(sys.argv[2]))
    else:
        installation()
        main()
