"""A change of state is notified by a row for each target: retried, and sent at most once."""

from datetime import timedelta

import pytest
from django.utils import timezone

from alarms import tasks
from alarms.backends.local import Local
from alarms.models import Delivery, LocalAlarm
from alarms.notices import notify
from alarms.tick.evaluate import tick
from tests.smtp_server import SMTPServer
from tests.storage.s3_server import sns_error

pytestmark = pytest.mark.django_db

TOPIC = "arn:aws:sns:eu-west-1:123456789012:oncall"


@pytest.fixture
def server(settings):
    with SMTPServer() as server:
        settings.EMAIL_BACKEND = "photomgr.mail.SMTPBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = server.host, server.port
        settings.EMAIL_TIMEOUT = 0.2
        settings.ALARMS_MAIL_TO = ["oncall@example.com"]
        yield server


@pytest.fixture
def alarm(server):
    """An alarm that goes to ALARM, with nobody notified yet."""
    Local().put_alarm({"AlarmName": "shop-floor", "AlarmRule": "TRUE"}, {})
    return LocalAlarm.objects.get()


def go_to_alarm(alarm, *actions):
    LocalAlarm.objects.filter(pk=alarm.pk).update(definition={**alarm.definition, "AlarmActions": actions})
    Local().set_state("shop-floor", "ALARM", "Nobody buys coconuts.")


def hand_over():
    """Do what the tick does when all alarms are evaluated; what waits for another attempt is due."""
    Delivery.objects.filter(status="pending").update(next_attempt_at=timezone.now())
    return notify.hand_over(Delivery.objects.all(), timezone.now(), tasks.deliver)


def statuses():
    return dict(Delivery.objects.values_list("target", "status"))


def test_the_row_is_written_with_the_change_of_state(alarm):
    go_to_alarm(alarm, TOPIC)

    assert statuses() == {"oncall@example.com": "pending", TOPIC: "pending"}


@pytest.mark.parametrize("trouble", [{"RCPT": "450 later"}, {"hello": None}], ids=["refuses", "hangs"])
def test_a_mail_server_in_trouble_gets_the_mail_later_and_once(server, alarm, trouble):
    server.plan = [trouble]
    go_to_alarm(alarm)

    hand_over()
    assert (statuses(), server.mails) == ({"oncall@example.com": "pending"}, [])
    hand_over()
    hand_over()

    assert statuses() == {"oncall@example.com": "sent"}
    assert len(server.mails) == 1
    assert "Subject: ALARM: shop-floor" in server.mails[0]


def test_a_second_delivery_of_the_task_sends_nothing(server, alarm):
    go_to_alarm(alarm)

    for _ in range(2):
        tasks.deliver(Delivery.objects.get().pk)

    assert len(server.mails) == 1


def test_a_worker_killed_while_it_sent_leads_to_no_second_mail(server, alarm):
    go_to_alarm(alarm)
    Delivery.objects.claim(Delivery.objects.get().pk)
    Delivery.objects.update(lease_until=timezone.now() - timedelta(seconds=1))

    tasks.deliver(Delivery.objects.get().pk)
    tasks.tick()
    hand_over()

    assert (statuses(), server.mails) == ({"oncall@example.com": "failed"}, [])
    assert "may or may not have gone out" in Delivery.objects.get().failure_reason


def test_an_answer_that_is_lost_leads_to_no_second_mail(server, alarm):
    server.plan = [{"content": None}]
    go_to_alarm(alarm)

    hand_over()
    hand_over()

    assert (statuses(), len(server.mails)) == ({"oncall@example.com": "failed"}, 1)


def test_a_lost_task_is_enqueued_by_the_next_tick(server, alarm):
    go_to_alarm(alarm)

    assert tick()["told"] == 1

    assert (statuses(), len(server.mails)) == ({"oncall@example.com": "sent"}, 1)
    assert tick()["told"] == 0


def test_a_server_that_stays_down_is_given_up_with_the_reason(server, alarm, settings):
    settings.MAX_ATTEMPTS = 2
    server.plan = [{"RCPT": "450 later"}] * 3
    go_to_alarm(alarm)

    for _ in range(4):
        hand_over()

    row = Delivery.objects.get()
    assert (row.status, row.attempts, server.connections) == ("failed", 2, 2)
    assert "450" in row.failure_reason


def test_a_topic_that_throttles_is_notified_later_and_keeps_no_mail(s3, server, alarm, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3.url)
    s3.rule = lambda asked: (
        sns_error(400, "Throttling", "Rate exceeded") if asked.form.get("Action") == "Publish" else None
    )
    go_to_alarm(alarm, TOPIC)

    hand_over()

    assert statuses() == {"oncall@example.com": "sent", TOPIC: "pending"}
    assert len([asked for asked in s3.asked if asked.form.get("Action") == "Publish"]) == 1
    assert "Throttling" in Delivery.objects.get(channel="topic").failure_reason


def test_a_mail_server_in_trouble_keeps_nobody_else(server, alarm, settings):
    settings.ALARMS_MAIL_TO = ["first@example.com", "second@example.com"]
    server.plan = [{"RCPT": "550 nobody of that name"}]
    go_to_alarm(alarm)

    hand_over()

    assert statuses() == {"first@example.com": "pending", "second@example.com": "sent"}


def test_a_mute_that_begins_later_silences_no_retry(server, alarm):
    server.plan = [{"RCPT": "450 later"}]
    go_to_alarm(alarm)
    hand_over()
    LocalAlarm.objects.update(definition={**alarm.definition, "ActionsEnabled": False})

    hand_over()

    assert statuses() == {"oncall@example.com": "sent"}


def test_an_alarm_that_is_gone_is_still_heard_of(server, alarm):
    go_to_alarm(alarm)
    LocalAlarm.objects.all().delete()

    hand_over()

    assert len(server.mails) == 1
