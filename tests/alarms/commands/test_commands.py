"""Exit codes and documents of the alarm commands."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from alarms.apply.mutes import minutes
from alarms.cloudwatch.mute_schedules import BadSchedule
from alarms.models import Action, Alarm, Mute, Run, StateChange
from tests.alarms import factory
from tests.alarms.cloudwatch_wire import Refusal
from tests.alarms.definitions import TOPIC, band, composite, static
from tests.commands.tools import printed, run

LAMBDA = "arn:aws:lambda:us-east-1:123456789012:function:page"

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(wire):
    shop = factory.alarm_set()
    shop.default_actions.add(Action.objects.create(name="oncall", arn=TOPIC))
    orders = factory.metric()
    factory.static(shop, orders)
    factory.band(shop, orders)
    return shop


def test_a_plan_says_by_its_exit_code_whether_there_are_changes(shop):
    assert run("alarms_plan")[0] == 0
    code, document = run("alarms_plan", "--detailed-exitcode")
    assert (code, document["changes"]) == (2, 3)
    (plan,) = document["sets"]
    assert [(c["verb"], c["subject"], c["name"]) for c in plan["changes"]] == [
        ("create", "detector", "Shop orders Sum"),
        ("create", "alarm", "shop-band"),
        ("create", "alarm", "shop-floor"),
    ]
    assert plan["changes"][2]["after"]["AlarmActions"] == [TOPIC]
    assert plan["cost"] == {"before": 0, "after": 0.4, "change": 0.4, "unit": "USD/month"}

    assert run("alarms_apply", "--yes")[0] == 0

    code, document = run("alarms_plan", "--detailed-exitcode")
    assert (code, document["changes"]) == (0, 0)


def test_a_wrong_configuration_ends_the_plan_with_1_and_the_field(shop):
    Alarm.objects.filter(name="shop-floor").update(period=45)

    code, document = run("alarms_plan", "--detailed-exitcode")

    assert code == 1
    assert document["sets"][0]["problems"][0]["field"] == "Period"
    assert run("alarms_apply", "--yes")[0] == 1


def test_partly_applied_is_3_and_says_what_is_left(wire, shop):
    wire.changes_left = 2

    code, document = run("alarms_apply", "--yes")

    assert code == 3
    (row,) = document["sets"]
    assert (row["outcome"], row["done"]) == ("partial", 2)
    assert [(left["name"], left["error"]) for left in row["left"]] == [("shop-floor", "away (AccessDenied)")]
    assert "command" in Run.objects.get().who


def test_without_a_person_to_ask_yes_is_needed(shop):
    with pytest.raises(CommandError, match="pass --yes"):
        run("alarms_apply")


def test_a_plan_that_changed_since_is_refused(wire, shop):
    fingerprint = run("alarms_plan")[1]["sets"][0]["fingerprint"]
    wire.PutMetricAlarm(static(Threshold=7.0))

    with pytest.raises(CommandError, match="Look at the new plan"):
        run("alarms_apply", "--yes", "--set", "shop", "--fingerprint", fingerprint)


def test_an_unknown_set_is_an_error_that_names_those_there_are(shop):
    with pytest.raises(CommandError, match="There are: shop"):
        run("alarms_plan", "--set", "shoes")


def test_a_cloudwatch_that_refuses_is_an_error(wire, shop):
    wire.refuse["DescribeAlarms"] = [Refusal("AccessDenied", "not you")]

    with pytest.raises(CommandError, match="not you"):
        run("alarms_plan")


def test_a_ceiling_follows_the_past_when_asked_to(wire, shop):
    Alarm.objects.filter(name="shop-floor").update(threshold=None, threshold_rule="1.3 x max over 7 d")
    assert run("alarms_plan")[1]["sets"][0]["problems"][0]["field"] == "Threshold"
    now = datetime.now(UTC)
    wire.values["orders"] = [(now - timedelta(minutes=m), 100.0 + m % 7) for m in range(1, 2000)]

    code, document = run("alarms_plan", "--refresh")

    assert code == 0
    assert document["sets"][0]["changes"][-1]["after"]["Threshold"] == 137.8


def test_alarms_are_muted_for_a_while_and_unmuted(wire, shop):
    _, document = run("alarms_mute", "shop-floor", "shop-band", "--for", "2h", "--reason", "moving house")

    (mute,) = document["mutes"]
    assert (mute["active"], mute["minutes"], mute["alarms"]) == (True, 120, ["shop-band", "shop-floor"])
    assert mute["name"].startswith("shop-")
    rule = wire.mutes[mute["name"]]
    assert rule["Rule"]["Schedule"]["Duration"] == "PT120M"
    assert rule["MuteTargets"] == {"AlarmNames": ["shop-band", "shop-floor"]}

    assert run("alarms_mute", "--end", mute["name"])[1] == {"mutes": []}
    assert wire.mutes == {}
    assert [run.kind for run in Run.objects.all()] == ["mute", "mute"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["shop-floor"], "how long"),
        (["shop-floor", "--for", "20d"], "at most 15d"),
        (["shop-floor", "--for", "2h", "--schedule", "cron(61 * * * *)"], "goes from 0 to 59"),
        (["shop-floor", "--for", "2h", "--schedule", "daily"], "is neither"),
        (["shop-floor", "--for", "2h", "--timezone", "Mars/Base"], "no time zone"),
        (["shop-none", "--for", "2h"], "no alarm"),
        (["--end", "shop-none"], "no mute"),
    ],
)
def test_a_mute_that_cannot_be_is_refused(shop, arguments, message):
    with pytest.raises(CommandError, match=message):
        run("alarms_mute", *arguments)

    assert not Mute.objects.exists()


def test_a_mute_of_one_alarm_is_said_in_the_singular(wire, shop):
    assert printed("alarms_mute", "shop-floor", "--for", "2h").endswith(", 120 min, 1 alarm\n")


def test_history_is_fetched_once_and_kept(wire, shop):
    run("alarms_apply", "--yes")
    data = {"oldState": {"stateValue": "OK"}, "newState": {"stateValue": "ALARM", "stateReason": "no orders"}}
    for days in (1, 2):
        wire.note("shop-floor", data, datetime.now(UTC) - timedelta(days=days))
    wire.note("else-floor", data)

    _, first = run("alarms_history")
    wire.history = []
    _, second = run("alarms_history", "shop-floor", "--days", "30")

    assert (first["fetched"], second["fetched"]) == (2, 0)
    assert [event["event"] for event in second["events"]] == ["configuration", "state", "state"]
    assert second["events"][1]["why"] == "no orders"
    assert StateChange.objects.filter(source="cloudwatch").count() == 2


def test_a_state_is_set_to_try_what_happens(wire, shop):
    run("alarms_apply", "--yes")

    assert run("alarms_set_state", "shop-floor", "ALARM")[0] == 0

    assert wire.alarms["shop-floor"]["StateValue"] == "ALARM"
    assert "Tried by hand" in wire.alarms["shop-floor"]["StateReason"]
    assert Run.objects.first().kind == "set_state"


def test_no_command_touches_what_does_not_begin_with_the_prefix(wire, shop):
    """Every command that changes anything, with alarms and a detector of other people beside ours."""
    wire.PutMetricAlarm(static("else-floor"))
    wire.PutMetricAlarm(band("else-band", "elsewhere"))
    wire.PutCompositeAlarm(composite("elsewhere", rule='ALARM("else-floor")'))
    wire.PutMetricAlarm(static("Shop-floor"))
    before = {name: dict(row) for name, row in {**wire.alarms, **wire.composites}.items()}
    detectors = list(wire.detectors)

    run("alarms_apply", "--yes", "--prune", "--tags")
    run("alarms_import", "--prefix", "shop-", "--tags")
    run("alarms_set_state", "shop-floor", "ALARM")
    run("alarms_mute", "shop-floor", "--for", "5m")
    Alarm.objects.all().delete()
    run("alarms_apply", "--yes", "--prune")

    assert {**wire.alarms, **wire.composites} == before
    assert wire.detectors == detectors
    for rule in wire.mutes.values():
        assert all(name.startswith("shop-") for name in rule["MuteTargets"]["AlarmNames"])


def test_lengths_of_mutes_are_read():
    assert [minutes(text) for text in ("90m", "2h", "15d")] == [90, 120, 21_600]
    for text in ("16d", "0m", "2 weeks", ""):
        with pytest.raises(BadSchedule, match="no length of time"):
            minutes(text)


def test_on_the_local_backend_a_state_set_by_hand_is_notified_at_once_and_says_what_became_of_it(
    settings, mailoutbox, shop, capsys
):
    settings.ALARMS_BACKEND = "local"
    settings.ALARMS_MAIL_TO = ["oncall@example.com"]
    shop.default_actions.set([Action.objects.create(name="lambda", arn=LAMBDA)])
    run("alarms_apply", "--yes")

    _, document = run("alarms_set_state", "shop-floor", "ALARM")

    assert [mail.subject for mail in mailoutbox] == ["ALARM: shop-floor"]
    assert [(action["arn"], action["outcome"]) for action in document["told"]] == [
        ("mailto:oncall@example.com", "sent"),
        (LAMBDA, "failed"),
    ]
    call_command("alarms_set_state", "shop-floor", "ALARM")
    assert "that was its state already" in capsys.readouterr().out
    assert len(mailoutbox) == 1
    call_command("alarms_mute", "shop-floor", "--for", "5m")
    call_command("alarms_set_state", "shop-floor", "OK")
    assert "mailto:oncall@example.com: muted" in capsys.readouterr().out
    assert len(mailoutbox) == 1
