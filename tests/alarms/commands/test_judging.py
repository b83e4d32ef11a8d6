"""The commands that judge alarms, as they are called."""

import json
from datetime import datetime, timedelta
from io import StringIO

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from alarms.backends.local import Local
from alarms.experiments import series
from alarms.management.commands import alarms_experiment
from alarms.models import Alarm, Datapoint, Detector, Finding, Metric
from tests.alarms import factory
from tests.alarms.readings.test_readings import publish_many
from tests.commands.tools import printed

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


def call(*arguments, **options):
    """Return (document, exit code) of a command."""
    out, code = StringIO(), 0
    try:
        call_command(*arguments, stdout=out, format="json", **options)
    except SystemExit as ending:
        code = ending.code
    return json.loads(out.getvalue()), code


@pytest.fixture
def orders():
    """Two weeks of orders in the store, up to this minute, and a band on them that stands alone."""
    now = timezone.now().replace(second=0, microsecond=0)
    publish_many(series.orders(np.random.default_rng(4), 2 * series.WEEK), end=now)
    metric = factory.metric(natural_min=0.0, kind=Metric.Kind.COUNT)
    return factory.band(factory.alarm_set(), metric)


def test_backtest_of_the_store(orders):
    narrow = factory.band(orders.alarm_set, orders.metric, name="shop-narrow", k=1.5)

    document, code = call("alarms_backtest", "--weeks", "1")

    wide, tight = document["alarms"]
    assert code == 2
    assert (wide["alarm"], wide["within_budget"], tight["within_budget"]) == ("shop-band", True, False)
    assert 0.9 < wide["weeks"] <= 1
    assert tight["suggested_k"] >= tight["smallest_k"] > narrow.k
    assert [row["k"] for row in tight["k_table"]][:3] == [1.0, 1.25, 1.5]
    assert len(tight["fired"]) == tight["false_alarms"] or tight["false_alarms"] > 100
    assert call("alarms_backtest", "shop-band", "--weeks", "1")[1] == 0


def test_a_backtest_of_a_few_minutes_says_so_to_people():
    metric = factory.metric()
    publish_many([1.0] * 10, end=timezone.now().replace(second=0, microsecond=0))
    factory.static(factory.alarm_set(), metric)

    assert "Less than a day of data: too little to judge by." in printed("alarms_backtest")


def test_backtest_of_an_incident(orders):
    last = Datapoint.objects.order_by("-at").first().at
    begin = last - timedelta(hours=6)
    end = begin + timedelta(minutes=30)
    Datapoint.objects.filter(at__gte=begin, at__lt=end).update(sum=1)

    document, code = call(
        "alarms_backtest",
        "--weeks",
        "1",
        "--incident",
        f"{begin:%Y-%m-%dT%H:%M}..{end:%Y-%m-%dT%H:%M}",
    )

    [report] = document["alarms"]
    assert (code, report["delays"], report["false_alarms"]) == (0, [180], 0)


def test_backtest_of_a_static_alarm_has_no_widths(orders):
    factory.static(orders.alarm_set, orders.metric)

    document, _ = call("alarms_backtest", "shop-floor", "--weeks", "1")

    [report] = document["alarms"]
    assert (report["k"], report["k_table"], report["false_alarms"]) == (None, [], 0)


def test_backtest_of_a_file(tmp_path):
    values = series.orders(np.random.default_rng(4), 3 * series.DAY)
    begin = datetime(2026, 11, 1)
    lines = [f"{begin + timedelta(minutes=n)},{value:g}" for n, value in enumerate(values)]
    path = tmp_path / "orders.csv"
    path.write_text("\n".join(["timestamp,value", *lines]))

    document, code = call("alarms_backtest", "--csv", str(path), "--k", "1.5")

    [report] = document["alarms"]
    assert (report["alarm"], report["period"], code) == ("orders.csv", 60, 2)
    assert report["false_alarms_per_week"] > 0.5


def test_backtest_pages_through_cloudwatch_at_the_period_of_the_age(wire, orders):
    factory.static(orders.alarm_set, orders.metric)

    document, code = call("alarms_backtest", "shop-floor", "--weeks", "4")

    [report] = document["alarms"]
    assert (report["period"], code) == (300, 0)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--weeks", "0"], "--weeks is 0"),
        (["--weeks", "nan"], "--weeks is nan"),
        (["--budget", "-1"], "--budget is -1"),
        (["--incident", "yesterday"], "not like 2026-11-20T10:00"),
        (["--incident", "2026-11-20T10:00..2026-11-20T09:00"], "ends before it begins"),
        (["nobody"], "no enabled alarm nobody"),
        (["--csv", "/nowhere.csv"], "No such file"),
        (["--csv", "x.csv", "--m", "6"], "1 <= m <= n"),
        (["--csv", "x.csv", "--k", "0"], "must be above 0"),
    ],
)
def test_backtest_says_what_is_wrong(arguments, said):
    with pytest.raises(CommandError, match=said):
        call_command("alarms_backtest", *arguments)


def test_the_doctor_finds_and_keeps_what_it_found(orders, settings):
    settings.ALARMS_MAIL_TO = ["oncall@example.com"]

    document, code = call("alarms_doctor")

    assert (document["examined"], code) == (1, 2)
    assert {finding["code"] for finding in document["findings"]} == {"A01", "A02"}
    assert document["findings"][0]["fix"]["do"] == "add_floor"
    assert Finding.objects.count() == 2
    call("alarms_doctor")
    assert Finding.objects.count() == 2
    assert call("alarms_doctor", "--fail-on", "warning")[1] == 0


def test_the_doctor_sees_who_stands_beside_the_band(orders, settings):
    settings.ALARMS_MAIL_TO = ["oncall@example.com"]
    factory.static(orders.alarm_set, orders.metric, role=Alarm.Role.FLOOR)

    findings = {finding["code"]: finding for finding in call("alarms_doctor")[0]["findings"]}

    assert set(findings) == {"A02", "A11"}
    assert findings["A11"]["alarm"] == "shop-floor"


def test_the_doctor_finds_the_muted_the_unheard_and_the_orphan(orders):
    mute = orders.alarm_set.mutes.create(name="shop-always", schedule="cron(0 0 * * *)", minutes=1440)
    mute.alarms.add(orders)
    definition = {"SingleMetricAnomalyDetector": {"Namespace": "Shop", "MetricName": "old", "Stat": "Sum"}}
    Local().put_detector(definition)
    [(key, _)] = Local().detectors().items()
    Detector.objects.create(alarm_set=orders.alarm_set, identity=key, metric=factory.metric("old"))

    findings = call("alarms_doctor")[0]["findings"]

    assert [finding["message"] for finding in findings if finding["code"] == "A13"] == [
        "It notifies nobody: there is no action, neither of its own nor of its set."
    ]
    orders.alarm_set.default_actions.create(name="oncall", arn="arn:aws:sns:us-east-1:123456789012:oncall")
    again = call("alarms_doctor")[0]["findings"]
    assert ["the mute never ends" in finding["message"] for finding in again if finding["code"] == "A13"] == [
        True
    ]


def test_a_ceiling_that_its_rule_would_now_set_elsewhere(orders):
    highest = Datapoint.objects.order_by("-sum").first().sum
    ceiling = factory.static(
        orders.alarm_set,
        orders.metric,
        name="shop-ceiling",
        role=Alarm.Role.CEILING,
        operator=Alarm.Operator.GT,
        threshold=highest * 2,
        threshold_rule="1.3 x max over 30 d",
    )

    findings = call("alarms_doctor", ceiling.name)[0]["findings"]

    [stale] = [row for row in findings if row["code"] == "A17"]
    assert stale["fix"]["values"]["threshold"] == pytest.approx(1.3 * highest, rel=1e-4)


def test_an_alarm_that_cannot_be_examined_is_said(orders):
    Alarm.objects.update(
        kind="math",
        metric=None,
        operator="GreaterThanThreshold",
        threshold=1,
        k=None,
        side="",
        queries=[{"Id": "q", "Expression": "SELECT AVG(x) FROM y", "ReturnData": True}],
    )

    findings = call("alarms_doctor")[0]["findings"]

    assert [finding["code"] for finding in findings] == ["A00"]


def test_alarm_tests_of_a_configured_alarm(tmp_path):
    factory.static(factory.alarm_set(), factory.metric())
    path = tmp_path / "alarms.toml"
    path.write_text(
        '[[test]]\nname = "zero"\nalarm = "shop-floor"\nseries = "9x10 0x3"\nexpect = ["ALARM at 13m"]'
    )

    assert call("alarms_test", str(path)) == (
        {
            "tests": 1,
            "failed": 0,
            "results": [{"test": "zero", "at": "13m", "expected": "ALARM", "got": "ALARM", "passed": True}],
        },
        0,
    )
    path.write_text(path.read_text().replace("13m", "12m"))
    assert call("alarms_test", str(path))[1] == 2
    path.write_text("nonsense")
    with pytest.raises(CommandError, match="no TOML"):
        call("alarms_test", str(path))


def test_an_experiment_as_a_table_and_as_charts(tmp_path):
    document, code = call("alarms_experiment", "dice", "--charts", str(tmp_path))

    assert code == 0
    assert document["cases"][0]["seconds_to_detect"]["only 7"]["static ceiling"] == 60
    assert len(list(tmp_path.glob("*.svg"))) == len(document["charts"]) == 4
    assert "only 7" in alarms_experiment.Command().as_text(document)


def test_dice_are_published_one_value_a_minute():
    document, _ = call("alarms_experiment", "dice", "--publish", "--minutes", "30")

    assert document == {"published": [{"metric": "photomgr/experiments dice", "values": 30}]}
    moments = list(Datapoint.objects.order_by("at").values_list("at", flat=True))
    assert moments[-1] - moments[0] == timedelta(minutes=29)
    assert set(Datapoint.objects.values_list("sum", flat=True)) <= {1, 2, 3, 4, 5, 6}
    call("alarms_experiment", "dice", "--publish", "--minutes", "1")
    assert 30 <= Datapoint.objects.count() <= 31
