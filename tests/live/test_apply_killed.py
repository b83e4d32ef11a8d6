"""`alarms_apply` dies by SIGKILL at any call; run again, it converges with the CloudWatch that lived on."""

import copy
import json
import os
import random
import signal

import pytest

from tests.alarms.cloudwatch_wire import ACCOUNT, REGION, CloudWatchWire
from tests.alarms.definitions import band, composite, static
from tests.matrix import seeds

pytestmark = pytest.mark.worker

OURS = [
    static(),
    band(),
    band("shop-errors", "errors"),
    band("shop-late", "latency"),
    composite(rule='ALARM("shop-floor") OR ALARM("shop-band")'),
    composite("shop-top", 'ALARM("shop-any")'),
]
# Reads of alarms and detectors, then two detectors (others have that of the errors) and six alarms.
CALLS = 2 + 2 + len(OURS)


@pytest.fixture
def wire():
    """A CloudWatch in which others have alarms and detectors, one of them of a metric that we watch too."""
    with CloudWatchWire() as wire:
        wire.PutMetricAlarm(static("other-floor"))
        wire.PutMetricAlarm(static("shopping"))
        wire.PutMetricAlarm(band("other-errors", "errors"))
        wire.PutCompositeAlarm(composite("other-any", 'ALARM("other-floor")'))
        wire.PutMetricAlarm(static("shop-of-somebody"))
        wire.PutAnomalyDetector(
            {"SingleMetricAnomalyDetector": {"Namespace": "Else", "MetricName": "visits", "Stat": "Sum"}}
        )
        yield wire


@pytest.fixture(scope="module")
def configured(migrated, tmp_path_factory):
    """An installation with the six alarms in its configuration."""
    folder = tmp_path_factory.mktemp("configured")
    document = {"photomgr_alarms": 1, "set": {"name": "shop", "prefix": "shop-"}}
    document["alarms"] = [{"definition": definition} for definition in OURS]
    (folder / "shop.json").write_text(json.dumps(document))
    made = migrated.copy(folder / "data")
    made.manage("alarms_import", str(folder / "shop.json"))
    yield made
    made.end()


@pytest.fixture
def installation(install, configured, wire):
    return install(
        source=configured,
        ALARMS_BACKEND="cloudwatch",
        ALARMS_CALLS_PER_SECOND="1000",
        AWS_ENDPOINT_URL=wire.url,
        AWS_ACCESS_KEY_ID=ACCOUNT,
        AWS_SECRET_ACCESS_KEY="testing",
        AWS_DEFAULT_REGION=REGION,
    )


def _killed(installation, wire, number, answered):
    """Apply, and kill the process at its call `number`: before it counted, or before its answer arrived."""
    calls = wire.calls.total()
    process = None

    def strike(moment):
        if (moment == "after") == answered and wire.calls.total() - calls == number:
            os.kill(process.pid, signal.SIGKILL)

    wire.at_call = strike
    process = installation.start("alarms_apply", "--yes")
    code = process.wait(60)
    wire.at_call = None
    assert code in (0, -signal.SIGKILL), installation.words()
    return code == -signal.SIGKILL


def _others(wire):
    """Return what is not ours, as the others know it."""
    alarms = {name: row for name, row in wire.alarms.items() if name not in {d["AlarmName"] for d in OURS}}
    composites = {n: row for n, row in wire.composites.items() if n not in {d["AlarmName"] for d in OURS}}
    theirs = [row for row in wire.detectors if _metric(row) in ("errors", "visits")]
    return copy.deepcopy((alarms, composites, theirs))


def _metric(detector):
    return detector["SingleMetricAnomalyDetector"]["MetricName"]


@pytest.mark.parametrize("seed", seeds(10))
def test_killed_at_random_calls_and_run_again_it_converges(installation, wire, seed):
    chance, before = random.Random(seed), _others(wire)

    assert _killed(installation, wire, chance.randint(1, CALLS), chance.random() < 0.5)
    # By now there may be less to do, and the next one ends before the blow.
    _killed(installation, wire, chance.randint(3, CALLS), chance.random() < 0.5)
    installation.manage("alarms_apply", "--yes")

    assert {d["AlarmName"] for d in OURS} <= {*wire.alarms, *wire.composites}
    assert sorted(map(_metric, wire.detectors)) == ["errors", "latency", "orders", "visits"]
    assert _others(wire) == before

    installation.rows("UPDATE alarms_alarm SET enabled = FALSE")
    # Both readings, six alarms and two detectors: that of the errors stays, another band uses it.
    assert _killed(installation, wire, chance.randint(1, CALLS), chance.random() < 0.5)
    # A killed run is distinguished from a live one by its lease.
    installation.rows("UPDATE alarms_run SET lease_until = '2026-01-01' WHERE lease_until IS NOT NULL")
    installation.manage("alarms_apply", "--yes")

    assert sorted(map(_metric, wire.detectors)) == ["errors", "visits"]
    assert _others(wire) == before
    assert not {d["AlarmName"] for d in OURS} & {*wire.alarms, *wire.composites}
    assert installation.rows("SELECT outcome FROM alarms_run WHERE outcome = 'running'") == []
