"""The page of an alarm's chart over two weeks by the minute: `python -m benchmarks.alarm_chart`."""

import os

# Before numpy is imported: one core is what the figures are about.
os.environ["OMP_NUM_THREADS"] = "1"

import sys
import time
from datetime import timedelta

import numpy as np

from benchmarks.workbench import installation, table

ROUNDS = 7
POINTS = 20_160


def main():
    owner = installation()
    from django.core.management import call_command

    call_command("collectstatic", verbosity=0, interactive=False)
    alarm = fill(owner)
    rows = [measure(owner, alarm, span) for span in ("3h", "1d", "2w")]
    print(f"{POINTS:,} datapoints, band and what-ifs, SQLite, in this process (no network); goal 500 ms.\n")
    print(table(("span", "processor ms", "wall ms", "kB"), *rows))
    print(f"\nThe best of {ROUNDS}.")
    return 0


def fill(owner):
    """Store two weeks of orders and make a band alarm on them."""
    from django.utils import timezone

    from alarms.experiments import series
    from alarms.models import Alarm, AlarmSet, Datapoint, Metric, Series

    owner.is_staff = owner.is_superuser = True
    owner.save()
    now = timezone.now().replace(second=0, microsecond=0)
    stored = Series.objects.named("Shop", "orders", {})
    Datapoint.objects.bulk_create(
        Datapoint(
            series=stored,
            at=now - timedelta(minutes=POINTS - number),
            count=1,
            sum=value,
            minimum=value,
            maximum=value,
        )
        for number, value in enumerate(series.orders(np.random.default_rng(4), POINTS))
    )
    return Alarm.objects.create(
        alarm_set=AlarmSet.objects.create(name="shop", prefix="shop-"),
        metric=Metric.objects.create(namespace="Shop", name="orders", stat="Sum", natural_min=0.0),
        name="shop-band",
        kind=Alarm.Kind.BAND,
        k=3.0,
        side=Alarm.Side.BOTH,
        evaluation_periods=5,
        datapoints=3,
    )


def measure(owner, alarm, span):
    """Return the row of one span."""
    from django.test import Client
    from django.urls import reverse

    client = Client(headers={"host": "localhost"})
    client.force_login(owner)
    busy, waited = [], []
    for _ in range(ROUNDS):
        processor, wall = time.process_time(), time.perf_counter()
        answer = client.get(reverse("alarm_chart", args=[alarm.pk], query={"span": span}))
        busy.append(time.process_time() - processor)
        waited.append(time.perf_counter() - wall)
        if answer.status_code != 200 or b'class="chart-band"' not in answer.content:
            sys.exit(f"The page is not what it should be: {answer.status_code}")
    return [span, f"{min(busy) * 1000:.0f}", f"{min(waited) * 1000:.0f}", len(answer.content) // 1000]


if __name__ == "__main__":
    sys.exit(main())
