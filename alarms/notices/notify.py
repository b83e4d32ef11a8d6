"""Notify people and topics that an alarm of the local backend changed its state, as CloudWatch would."""

from django.conf import settings
from django.core.mail import EmailMessage
from django.utils import timezone

import photomgr.mail
from alarms.cloudwatch import arns, mute_schedules
from alarms.models import Delivery, LocalAlarm, Mute
from photomgr.outbox import PermanentFailure
from photomgr.sns import publish_to_topic


def hand_over(deliveries, now, deliver):
    """Call `deliver` with the ids of the deliveries that are due; return how many changes are new.

    `now` is the moment that mutes are looked up for. Whether a change is silenced is decided here, when all
    alarms are evaluated, and holds for its retries.
    """
    muted, new = None, set()
    for delivery in deliveries.due(timezone.now()).select_related("change"):
        if not delivery.attempts:
            new.add(delivery.change_id)
            muted = _muted_names(now) if muted is None else muted
            if silence := _silence(delivery.change, muted):
                waiting = Delivery.objects.filter(pk=delivery.pk, status=Delivery.Status.PENDING)
                waiting.update(status=Delivery.Status.SILENCED, failure_reason=silence)
                continue
        deliver(delivery.pk)
    return len(new)


def send(delivery):
    delivery.deliver(_mail if delivery.channel == Delivery.Channel.MAIL else _publish)


def _muted_names(now):
    """Return the (region, alarm name) pairs of all mutes in force."""
    names = set()
    for mute in Mute.objects.select_related("alarm_set").prefetch_related("alarms"):
        if mute_schedules.in_force(mute, now):
            names |= {(mute.alarm_set.region, alarm.name) for alarm in mute.alarms.all()}
    return names


def _silence(change, muted):
    """Return why nobody is notified, or an empty text."""
    definition = _definition(change)
    if not definition.get("ActionsEnabled", True):
        return "off"
    if (change.region, change.alarm_name) in muted:
        return "muted"
    suppressor = definition.get("ActionsSuppressor", "").split(":alarm:")[-1]
    in_alarm = LocalAlarm.objects.filter(region=change.region, name=suppressor, state="ALARM")
    return "suppressed" if suppressor and in_alarm.exists() else ""


def _definition(change):
    """Return the alarm's definition; {} when it was deleted since."""
    alarm = LocalAlarm.objects.filter(region=change.region, name=change.alarm_name).first()
    return alarm.definition if alarm else {}


def _mail(delivery):
    change = delivery.change
    lines = [
        f"{change.alarm_name} went from {change.get_old_display()} to {change.get_new_display()} "
        f"at {change.at:%d %B %Y %H:%M} UTC.",
        change.reason,
        _definition(change).get("AlarmDescription", ""),
        f"{settings.SITE_URL}/alarms/",
    ]
    body = "\n\n".join(line for line in lines if line)
    return photomgr.mail.send(EmailMessage(_subject(change), body, to=[delivery.target]))


def _publish(delivery):
    """Publish what CloudWatch publishes, so that those who read its messages can read ours."""
    if arns.kind(delivery.target) != "sns":
        raise PermanentFailure("The local backend notifies SNS topics and writes mail; it does nothing else.")
    change = delivery.change
    message = {
        "AlarmName": change.alarm_name,
        "AlarmDescription": _definition(change).get("AlarmDescription"),
        "NewStateValue": change.new,
        "NewStateReason": change.reason,
        "StateChangeTime": change.at.isoformat(),
        "OldStateValue": change.old,
    }
    return publish_to_topic(delivery.target, _subject(change), message)


def _subject(change):
    # SNS takes 99 characters of ASCII, and no line breaks.
    text = f"{change.new}: {change.alarm_name}".encode("ascii", "replace").decode()
    return " ".join(text.split())[:99]
