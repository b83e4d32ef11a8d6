"""Import and export: what comes in from a CloudWatch leaves nothing to plan, and goes out to other tools."""

import json
from datetime import UTC, datetime

import pytest
from cfnlint.api import ManualArgs, lint_file
from django.core.management.base import CommandError

from alarms.apply.mutes import mute
from alarms.apply.prepare import plan_for
from alarms.models import Alarm, AlarmSet, Guard, Run
from tests.alarms.definitions import TOPIC, band, composite, math, percentile, query, static
from tests.commands.tools import run

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
# It takes two seconds of processor time to read its schemas.
_CFN_LINT = pytest.mark.xdist_group("cfn-lint")

BAND_ON_MATH = [
    query("a", "errors"),
    query("b", "orders"),
    {"Id": "m1", "Expression": "a / b", "Label": "rate", "ReturnData": True},
    {"Id": "ad1", "Expression": "ANOMALY_DETECTION_BAND(m1, 2)", "ReturnData": True},
]


def fill(wire, prefix="shop-", each=10):
    """Put `each` alarms of five kinds there, as consoles and tools write them, and some of other people."""
    for n in range(each):
        name = f"{prefix}band {n}"
        dimensions = [{"Name": "Zone", "Value": str(n)}, {"Name": "Shop", "Value": "Berlin"}]
        wire.PutMetricAlarm(
            static(
                f"{prefix}floor {n}",
                Dimensions=dimensions,
                AlarmActions=[TOPIC],
                **({"Unit": "Count"} if n % 2 else {}),
            )
        )
        wire.PutMetricAlarm(
            percentile(f"{prefix}slow {n}", Dimensions=dimensions, OKActions=[TOPIC, f"{TOPIC}{n}"])
        )
        wire.PutMetricAlarm(math(f"{prefix}rate {n}", ActionsEnabled=n % 2 == 0, DatapointsToAlarm=5))
        wire.PutMetricAlarm(
            band(
                name,
                f"orders{n}",
                AlarmDescription="outside the usual ✓",
                TreatMissingData="ignore",
            )
            if n % 5
            else band(
                name,
                Metrics=BAND_ON_MATH,
                WarmUpConfiguration={"WarmUpPeriodDurationInMinutes": 5},
            )
        )
        wire.PutCompositeAlarm(
            composite(
                f"{prefix}any {n}",
                rule=f'(ALARM("{prefix}floor {n}") OR ALARM("{name}")) AND NOT ALARM("{prefix}slow {n}")',
                ActionsSuppressor=f"{prefix}floor 0",
                ActionsSuppressorWaitPeriod=60,
                ActionsSuppressorExtensionPeriod=120,
            )
        )
    zoned = {
        "MetricTimezone": "Europe/Berlin",
        "ExcludedTimeRanges": [{"StartTime": 1.7e9, "EndTime": 1.7001e9}],
    }
    wire.detectors[1]["Configuration"] = {**zoned, "AdaptationSpeed": "FAST"}
    wire.detectors[1]["MetricCharacteristics"] = {"PeriodicSpikes": True}
    wire.PutMetricAlarm(static("else-floor"))
    wire.PutMetricAlarm(band("else-band", "elsewhere"))
    wire.log_alarms["shop-log"] = {"AlarmName": "shop-log"}


def test_after_importing_250_alarms_there_is_nothing_to_plan(wire):
    fill(wire, each=50)

    code, document = run("alarms_import", "--prefix", "shop-")

    assert code == 0
    assert len(document["created"]) == 250
    assert document["refused"] == []
    assert document["unmanaged"] == ["shop-log"]
    assert len(document["detectors"]) == 41
    shop = AlarmSet.objects.get(prefix="shop-")
    code, plan = run("alarms_plan", "--detailed-exitcode")
    assert (code, plan["changes"], plan["sets"][0]["unmanaged"]) == (0, 0, [])
    assert set(shop.alarms.values_list("kind", flat=True)) == {"static", "band", "math", "composite"}
    assert Run.objects.get().kind == Run.Kind.IMPORT


def test_importing_again_changes_nothing(wire):
    fill(wire)
    run("alarms_import", "--prefix", "shop-")

    _, document = run("alarms_import", "--prefix", "shop-")

    assert (document["created"], document["updated"], len(document["unchanged"])) == ([], [], 50)


def test_an_alarm_changed_elsewhere_is_taken_over_by_the_next_import(wire):
    wire.PutMetricAlarm(static(Threshold=1.0))
    run("alarms_import", "--prefix", "shop-")
    wire.PutMetricAlarm(band("shop-floor"))

    _, document = run("alarms_import", "--prefix", "shop-")

    assert document["updated"] == ["shop-floor"]
    alarm = Alarm.objects.get()
    assert (alarm.kind, alarm.k, alarm.threshold, alarm.operator) == ("band", 3.0, None, "")
    assert plan_for(alarm.alarm_set).plan.changes == ()


def test_floor_and_band_of_one_metric_become_its_guard(wire):
    wire.PutMetricAlarm(static(Dimensions=[{"Name": "Shop", "Value": "Berlin"}]))
    wire.PutMetricAlarm(static("shop-lower", Dimensions=[{"Name": "Shop", "Value": "Berlin"}], Threshold=0.0))
    wire.PutMetricAlarm(band())

    run("alarms_import", "--prefix", "shop-")

    guard = Guard.objects.get()
    assert {alarm.name: alarm.role for alarm in guard.alarms.all()} == {
        "shop-floor": "floor",
        "shop-band": "band",
    }
    assert Alarm.objects.get(name="shop-lower").role == "custom"
    assert guard.alarms.get(role="band").queries != []
    assert not guard.alarms.filter(role="ceiling").exists()


def test_a_dry_run_leaves_nothing_behind(wire):
    fill(wire)

    _, document = run("alarms_import", "--prefix", "shop-", "--dry-run")

    assert len(document["created"]) == 50
    assert not AlarmSet.objects.exists()


@pytest.mark.parametrize("to", ["json", "cloudformation", "terraform"])
def test_an_export_changes_nothing(wire, to):
    fill(wire)
    run("alarms_import", "--prefix", "shop-")
    before = sum(wire.calls.values())

    assert run("alarms_export", "--to", to)[0] == 0

    reads = wire.calls["DescribeAlarms"] + wire.calls["DescribeAnomalyDetectors"]
    assert sum(wire.calls.values()) - before <= reads


def test_our_own_document_can_be_loaded_again(wire, tmp_path, settings):
    fill(wire)
    run("alarms_import", "--prefix", "shop-")
    Alarm.objects.filter(name="shop-floor 3").update(
        reason="Nobody buys", threshold_rule="0.5 x min over 7 d"
    )
    Alarm.objects.filter(name="shop-rate 4").update(enabled=False)
    file = tmp_path / "shop.json"
    run("alarms_export", "--to", "json", "--output", file)
    first = json.loads(file.read_text())
    AlarmSet.objects.all().delete()

    code, document = run("alarms_import", file)

    assert (code, len(document["created"])) == (0, 50)
    assert run("alarms_export", "--to", "json")[1] == first
    alarm = Alarm.objects.get(name="shop-floor 3")
    assert (alarm.reason, alarm.threshold_rule) == ("Nobody buys", "0.5 x min over 7 d")
    assert [(c.verb, c.name) for c in plan_for(AlarmSet.objects.get()).plan.changes] == [
        ("delete", "shop-rate 4")
    ]


@_CFN_LINT
def test_the_cloudformation_template_pleases_cfn_lint(wire, tmp_path):
    fill(wire)
    run("alarms_import", "--prefix", "shop-")
    # cfn-lint's schema is older than these fields of CloudWatch.
    Alarm.objects.exclude(extra={}).update(extra={})
    for row in AlarmSet.objects.get().detectors.exclude(adaptation=""):
        row.adaptation = ""
        row.save()
    file = tmp_path / "alarms.json"

    run("alarms_export", "--to", "cloudformation", "--output", file)

    resources = json.loads(file.read_text())["Resources"]
    assert len(resources) == 50 + 9
    assert resources["ShopAny3"]["DependsOn"] == ["ShopBand3", "ShopFloor0", "ShopFloor3", "ShopSlow3"]
    detector = next(r for r in resources.values() if r["Properties"].get("Configuration"))
    assert detector["Properties"]["Configuration"]["MetricTimeZone"] == "Europe/Berlin"
    assert _lint(file) == []


def _lint(file):
    """Return what cfn-lint says of a template."""
    return list(map(str, lint_file(file, ManualArgs(regions=["us-east-1"]))))


def test_terraform_gets_every_alarm_with_an_import_block(wire):
    wire.PutMetricAlarm(static("shop-${floor}", Dimensions=[{"Name": "Shop", "Value": "Berlin"}]))
    wire.PutMetricAlarm(band())
    wire.PutCompositeAlarm(composite(rule='ALARM("shop-band")'))
    wire.detectors[0]["Configuration"] = {"MetricTimezone": "Europe/Berlin"}
    run("alarms_import", "--prefix", "shop-")
    Alarm.objects.create(alarm_set=AlarmSet.objects.get(), name="shop-new", kind="composite", rule="TRUE")

    _, document = run("alarms_export", "--to", "terraform")

    metric = document["resource"]["aws_cloudwatch_metric_alarm"]
    assert metric["shop_floor"]["alarm_name"] == "shop-$${floor}"
    assert metric["shop_floor"]["dimensions"] == {"Shop": "Berlin"}
    assert metric["shop_band"]["metric_query"][1]["expression"] == "ANOMALY_DETECTION_BAND(m1, 3)"
    assert metric["shop_band"]["metric_query"][0]["metric"]["stat"] == "Sum"
    assert set(document["resource"]["aws_cloudwatch_composite_alarm"]) == {"shop_any", "shop_new"}
    (stack,) = document["resource"]["aws_cloudformation_stack"].values()
    assert "MetricTimeZone" in stack["template_body"]
    assert {row["id"] for row in document["import"]} == {"shop-$${floor}", "shop-band", "shop-any"}


def test_a_document_with_wrong_alarms_brings_in_the_right_ones_and_names_the_others(tmp_path):
    wrong = [
        {**static("shop-a"), "Period": 45},
        {**static("shop-b"), "Treshold": 1},
        static("else-c"),
        {"AlarmName": "shop-d", "AlarmRule": "ALARM("},
        {**band("shop-e"), "Metrics": [*band()["Metrics"], {"Expression": "m1 * 2", "ReturnData": False}]},
        {**band("shop-f"), "Metrics": [1]},
    ]
    file = tmp_path / "shop.json"
    alarms = [{"definition": definition} for definition in [*wrong, static("shop-right")]]
    file.write_text(
        json.dumps({"photomgr_alarms": 1, "set": {"name": "shop", "prefix": "shop-"}, "alarms": alarms})
    )

    code, document = run("alarms_import", file)

    assert (code, document["created"]) == (2, ["shop-right"])
    assert [(p["alarm"], p["field"]) for p in document["refused"]] == [
        ("shop-a", "Period"),
        ("shop-b", "Treshold"),
        ("else-c", "AlarmName"),
        ("shop-d", "AlarmRule"),
        ("shop-e", "Metrics.Id"),
        ("shop-f", "Metrics"),
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[]", "no export of alarms"),
        ("{}", "no export|needs a prefix"),
        ("{", "is no JSON"),
        (None, "cannot be read"),
    ],
)
def test_a_file_that_is_no_export_is_refused(tmp_path, content, message):
    file = tmp_path / "x.json"
    if content is not None:
        file.write_text(content)

    with pytest.raises(CommandError, match=message):
        run("alarms_import", file)


def test_a_prefix_inside_another_sets_prefix_is_refused(wire):
    AlarmSet.objects.create(name="shop", prefix="shop-")

    with pytest.raises(CommandError, match="names would belong to both"):
        run("alarms_import", "--prefix", "shop-berlin-")


@pytest.fixture
def muted(wire):
    """A set with three alarms; a mute of the night for two of them, one of one alarm, one that is over."""
    wire.PutMetricAlarm(static())
    wire.PutMetricAlarm(static("shop-off"))
    wire.PutCompositeAlarm(composite(rule='ALARM("shop-floor")'))
    run("alarms_import", "--prefix", "shop-")
    Alarm.objects.filter(name="shop-off").update(enabled=False)
    begin = datetime(2030, 1, 1, 12, 30, 15, tzinfo=UTC)
    for name, names, schedule, bounds in (
        ("shop-night", ["shop-floor", "shop-any", "shop-off"], "cron(0 2 * * SUN)", {"starts_at": begin}),
        ("shop-mute-off", ["shop-off"], "cron(0 2 * * SUN)", {}),
        ("shop-past", ["shop-floor"], "at(2026-01-01T00:00)", {}),
    ):
        alarms = Alarm.objects.filter(name__in=names)
        values = {"name": name, "schedule": schedule, "zone": "Europe/Berlin", "reason": "backup", **bounds}
        mute(alarms, "90m", "dan", **values)


@_CFN_LINT
def test_mutes_are_in_the_cloudformation_template(muted, tmp_path):
    file = tmp_path / "alarms.json"
    run("alarms_export", "--to", "cloudformation", "--output", file)

    resources = json.loads(file.read_text())["Resources"]

    assert set(resources) == {"ShopFloor", "ShopAny", "MuteShopNight"}
    assert resources["MuteShopNight"] == {
        "Type": "AWS::CloudWatch::AlarmMuteRule",
        "Properties": {
            "Name": "shop-night",
            "Description": "backup",
            "Rule": {
                "Schedule": {
                    "Expression": "cron(0 2 * * SUN)",
                    "Duration": "PT90M",
                    "Timezone": "Europe/Berlin",
                }
            },
            "MuteTargets": {"AlarmNames": ["shop-any", "shop-floor"]},
            "StartDate": "2030-01-01T13:30",
        },
        "DependsOn": ["ShopAny", "ShopFloor"],
    }
    assert _lint(file) == []


def test_mutes_are_in_the_terraform_configuration(muted):
    _, document = run("alarms_export", "--to", "terraform")

    assert document["resource"]["aws_cloudwatch_alarm_mute_rule"] == {
        "mute_shop_night": {
            "name": "shop-night",
            "description": "backup",
            "rule": {
                "schedule": {
                    "expression": "cron(0 2 * * SUN)",
                    "duration": "PT90M",
                    "timezone": "Europe/Berlin",
                }
            },
            "mute_targets": {"alarm_names": ["shop-any", "shop-floor"]},
            "start_date": "2030-01-01T12:30:00Z",
            "depends_on": [
                "aws_cloudwatch_composite_alarm.shop_any",
                "aws_cloudwatch_metric_alarm.shop_floor",
            ],
        }
    }
    assert {"to": "aws_cloudwatch_alarm_mute_rule.mute_shop_night", "id": "shop-night"} in document["import"]
