"""The local backend at work: measurements come in, alarms change, people are notified once."""

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from django.core.management import call_command
from django_q.models import Schedule
from moto.core import DEFAULT_ACCOUNT_ID
from moto.server import ThreadedMotoServer
from moto.sns import sns_backends

from alarms import tasks
from alarms.backends.local import Local
from alarms.experiments import series
from alarms.models import Delivery, LocalAlarm, StateChange
from alarms.readings import store
from alarms.signals import make_schedules
from alarms.tick.evaluate import tick
from photomgr import aws
from tests.alarms import factory
from tests.alarms.analysis.test_alarm_spec import _band
from tests.alarms.readings.test_readings import publish, publish_many
from tests.commands.tools import printed

pytestmark = pytest.mark.django_db
# Ahead of this machine's clock, by which what people do is dated: here it comes before the next tick.
NOW = datetime(2100, 11, 20, 12, 0, tzinfo=UTC)
TOPIC = "arn:aws:sns:us-east-1:123456789012:oncall"
FLOOR = {
    "AlarmName": "shop-floor",
    "AlarmDescription": "Nobody buys coconuts.",
    "Namespace": "Shop",
    "MetricName": "orders",
    "Statistic": "Sum",
    "Period": 60,
    "EvaluationPeriods": 3,
    "ComparisonOperator": "LessThanThreshold",
    "Threshold": 1.0,
}


class Topic:
    """A topic of a real SNS client at moto."""

    def __init__(self):
        self.topic = aws.client("sns", "us-east-1").create_topic(Name="oncall")["TopicArn"]

    def messages(self):
        sent = sns_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].topics[self.topic].sent_notifications
        return [json.loads(message[1]) for message in sent]


@pytest.fixture
def sns(aws_environment):
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    aws_environment("http://{}:{}".format(*server.get_host_and_port()))
    sns_backends.reset()
    yield Topic()
    server.stop()


@pytest.fixture(autouse=True)
def written_to(settings):
    settings.ALARMS_MAIL_TO = ["oncall@example.com"]


def put(**fields):
    Local().put_alarm({**FLOOR, **fields}, {})
    return LocalAlarm.objects.get(name=fields.get("AlarmName", "shop-floor"))


def minutes(count):
    return NOW + timedelta(minutes=count)


def actions():
    return [delivery.as_action() for delivery in Delivery.objects.order_by("pk")]


def changes():
    return list(StateChange.objects.order_by("at", "pk").values_list("old", "new"))


def test_an_alarm_notifies_once_and_says_when_it_is_over(mailoutbox):
    alarm = put()
    publish([5, 5, 5, 0, 0, 0, 0, 5], end=minutes(8))

    for minute in range(9):
        tick(minutes(minute) + timedelta(seconds=20))

    alarm.refresh_from_db()
    assert alarm.state == "OK"
    assert changes() == [
        ("INSUFFICIENT_DATA", "OK"),
        ("OK", "ALARM"),
        ("ALARM", "OK"),
    ]
    assert [mail.subject for mail in mailoutbox] == ["ALARM: shop-floor", "OK: shop-floor"]
    assert mailoutbox[0].to == ["oncall@example.com"]
    assert "3 of the last 5 periods breached the threshold 1; the newest value is 0." in mailoutbox[0].body
    assert "Nobody buys coconuts." in mailoutbox[0].body
    assert StateChange.objects.get(new="ALARM").at == minutes(6)


def test_the_command_says_who_was_notified():
    assert printed("alarms_tick") == "evaluated: 0\nchanged: 0\nnotified: 0\n"


def test_a_second_tick_of_the_minute_changes_nothing(mailoutbox):
    put()
    publish([0, 0, 0], end=minutes(3))

    first, second = tick(minutes(3)), tick(minutes(3) + timedelta(seconds=40))

    assert first == {"evaluated": 1, "changed": 1, "told": 1}
    assert second == {"evaluated": 0, "changed": 0, "told": 0}
    assert len(mailoutbox) == 1


def test_a_result_for_a_row_that_changed_meanwhile_is_not_written():
    from alarms.tick import evaluate as module

    alarm = put()
    publish([0, 0, 0], end=minutes(3))
    Local().set_state("shop-floor", "OK", "tried by hand")

    assert module._write(alarm, minutes(3), [(minutes(3), "ALARM")], "", {}) == (0, 0)
    assert LocalAlarm.objects.get().state == "OK"


def test_after_a_pause_the_past_is_written_down_and_nobody_is_woken_for_it(mailoutbox):
    put()
    publish([5, 5, 5, 0, 0, 0, 5, 5], end=minutes(8))
    tick(minutes(3))

    tick(minutes(8))

    assert changes() == [
        ("INSUFFICIENT_DATA", "OK"),
        ("OK", "ALARM"),
        ("ALARM", "OK"),
    ]
    assert mailoutbox == []


def test_what_began_in_the_pause_and_goes_on_notifies(mailoutbox):
    put()
    publish([5, 5, 5, 0, 0, 0, 0, 0], end=minutes(8))
    tick(minutes(3))

    tick(minutes(8))

    assert [mail.subject for mail in mailoutbox] == ["ALARM: shop-floor"]


def test_a_metric_that_stops_sets_off_a_floor_that_takes_missing_as_breaching(mailoutbox):
    put(TreatMissingData="breaching")
    publish([5] * 5, end=minutes(5))

    for minute in range(5, 14):
        tick(minutes(minute))

    # The last value is gone from the range of five minutes at 10, not at the first gap.
    assert StateChange.objects.get(new="ALARM").at == minutes(10)


def test_a_band_is_breached_when_orders_fall_by_half(mailoutbox):
    orders = series.orders(np.random.default_rng(3), 8 * series.DAY)
    first = len(orders) - 12 * series.HOUR
    orders[first : first + 30] //= 2
    factory.metric(natural_min=0.0)
    publish_many(orders[: first + 3], end=minutes(3))
    Local().put_alarm(_band(), {})

    tick(minutes(0))
    before = LocalAlarm.objects.get().state
    tick(minutes(3))

    assert (before, LocalAlarm.objects.get().state) == ("OK", "ALARM")
    assert "breached the band" in mailoutbox[0].body


def test_a_band_without_enough_data_knows_nothing():
    Local().put_alarm(_band(), {})
    publish([5] * 60, end=NOW)

    tick(NOW)

    assert LocalAlarm.objects.get().state == "INSUFFICIENT_DATA"


def test_a_percentile_of_few_samples_keeps_its_state():
    alarm = put(
        Statistic=None,
        ExtendedStatistic="p99",
        EvaluationPeriods=1,
        EvaluateLowSampleCountPercentile="ignore",
    )
    LocalAlarm.objects.update(definition={k: v for k, v in alarm.definition.items() if v is not None})
    publish([0], end=minutes(1))
    tick(minutes(1))
    few = LocalAlarm.objects.get().state
    store.add_data(
        "Shop", [{"MetricName": "orders", "Timestamp": minutes(1), "Values": [0], "Counts": [1000]}]
    )
    tick(minutes(2))

    assert (few, LocalAlarm.objects.get().state) == ("INSUFFICIENT_DATA", "ALARM")


def test_what_cannot_be_evaluated_says_so(mailoutbox):
    alarm = put()
    definition = {**alarm.definition, "ExtendedStatistic": "tm99"}
    del definition["Statistic"]
    LocalAlarm.objects.update(definition=definition, state="OK")
    publish([5], end=NOW)

    tick(NOW)

    alarm.refresh_from_db()
    assert (alarm.state, "tm99" in alarm.state_reason) == ("INSUFFICIENT_DATA", True)


def test_composites_follow_their_children_in_the_same_minute(mailoutbox):
    put()
    put(AlarmName="shop-late", ComparisonOperator="GreaterThanThreshold")
    for name, rule in (
        ("shop-outer", 'ALARM("shop-inner")'),
        ("shop-inner", 'ALARM("shop-floor") AND NOT ALARM("shop-late")'),
    ):
        Local().put_alarm({"AlarmName": name, "AlarmRule": rule}, {})
    publish([0, 0, 0], end=minutes(3))

    tick(minutes(3))

    assert dict(LocalAlarm.objects.values_list("name", "state")) == {
        "shop-floor": "ALARM",
        "shop-late": "OK",
        "shop-inner": "ALARM",
        "shop-outer": "ALARM",
    }


@pytest.mark.parametrize("silence", ["muted", "off", "suppressed"])
def test_silenced_alarms_are_evaluated_and_tell_no_one(silence, mailoutbox):
    if silence == "muted":
        mute = factory.alarm_set().mutes.create(name="shop-night", schedule="cron(0 12 * * *)", minutes=10)
        mute.alarms.add(factory.static(mute.alarm_set, factory.metric()))
    put(**({"ActionsEnabled": False} if silence == "off" else {}))
    if silence == "suppressed":
        LocalAlarm.objects.create(
            name="deploying", definition={}, composite=True, state="ALARM", state_at=NOW, configured_at=NOW
        )
        LocalAlarm.objects.filter(name="deploying").update(definition={"AlarmRule": "TRUE"})
        alarm = LocalAlarm.objects.get(name="shop-floor")
        alarm.definition["ActionsSuppressor"] = "deploying"
        alarm.save()
    publish([0, 0, 0], end=minutes(3))

    tick(minutes(3))

    change = StateChange.objects.get(alarm_name="shop-floor")
    assert (change.new, mailoutbox) == ("ALARM", [])
    assert [action["outcome"] for action in actions()] == [silence]


def test_topics_are_notified_as_by_cloudwatch(sns, mailoutbox):
    put(AlarmActions=[sns.topic])
    publish([0, 0, 0], end=minutes(3))

    tick(minutes(3))

    [message] = sns.messages()
    assert (message["AlarmName"], message["OldStateValue"], message["NewStateValue"]) == (
        "shop-floor",
        "INSUFFICIENT_DATA",
        "ALARM",
    )
    assert [action["outcome"] for action in actions()] == ["sent", "sent"]


def test_a_topic_that_is_gone_is_written_down_and_the_mail_still_goes(sns, mailoutbox):
    put(AlarmActions=[sns.topic + "-gone"])
    publish([0, 0, 0], end=minutes(3))

    tick(minutes(3))

    mail, topic = actions()
    assert (mail["outcome"], topic["outcome"], len(mailoutbox)) == ("sent", "pending", 1)
    assert "NotFound" in topic["error"]


def test_a_state_set_by_hand_is_notified_and_does_not_last(mailoutbox):
    put()
    publish([5] * 10, end=minutes(10))
    tick(minutes(9))
    Local().set_state("shop-floor", "ALARM", "Does the mail arrive?")

    tick(minutes(10))

    assert LocalAlarm.objects.get().state == "OK"
    assert [mail.subject for mail in mailoutbox] == ["ALARM: shop-floor", "OK: shop-floor"]


def test_without_a_setting_the_superusers_are_written_to(settings, mailoutbox, dan):
    settings.ALARMS_MAIL_TO = []
    type(dan).objects.filter(pk=dan.pk).update(is_superuser=True, email="dan@example.com")
    put()
    publish([0, 0, 0], end=minutes(3))

    tick(minutes(3))

    assert [mail.to for mail in mailoutbox] == [["dan@example.com"]]


def test_the_scheduler_ticks_every_minute_and_only_here(settings):
    make_schedules(None)
    assert Schedule.objects.filter(func="alarms.tasks.tick", minutes=1, schedule_type="I").count() == 1
    put()

    settings.ALARMS_BACKEND = "cloudwatch"
    tasks.tick()
    assert LocalAlarm.objects.get().evaluated_at is None

    settings.ALARMS_BACKEND = "local"
    tasks.tick()
    assert LocalAlarm.objects.get().evaluated_at is not None


def test_the_command_ticks(capsys):
    put()

    call_command("alarms_tick", format="json")

    assert '"evaluated": 1' in capsys.readouterr().out


def test_a_tick_of_many_alarms_asks_for_each_alarm_what_one_needs(django_assert_max_num_queries):
    for number in range(10):
        put(AlarmName=f"shop-{number}")
    publish([5, 5, 5], end=minutes(3))

    # Three for all, and for each: series, datapoints, update and savepoints, change.
    with django_assert_max_num_queries(10 + 10 * 9):
        tick(minutes(3))
