"""Tell people that an alarm of the local backend changed its state: by mail, and by SNS as CloudWatch would.

A change is told once at most: it is claimed before it is sent. What came of it stands in its row.
"""

import json
import smtplib

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.mail import EmailMessage

from alarms.cloudwatch import arns, mute_schedules
from alarms.models import LocalAlarm, Mute, StateChange
from alarms.notices import topics

_FIELDS = {"ALARM": "AlarmActions", "OK": "OKActions", "INSUFFICIENT_DATA": "InsufficientDataActions"}


def tell(now):
    """Tell of all changes that nobody was told of; return how many."""
    waiting = list(StateChange.objects.filter(told=False).order_by("at", "pk"))
    if not waiting:
        return 0
    muted = muted_names(now)
    return sum(_tell(change, muted, now) for change in waiting)


def muted_names(now):
    """Return the (region, alarm name) pairs of all mutes in force."""
    names = set()
    for mute in Mute.objects.select_related("alarm_set").prefetch_related("alarms"):
        if mute_schedules.in_force(mute, now):
            names |= {(mute.alarm_set.region, alarm.name) for alarm in mute.alarms.all()}
    return names


def mail_recipients():
    """Return who is written to: ALARMS_MAIL_TO, or the superusers who have an address."""
    if settings.ALARMS_MAIL_TO:
        return list(settings.ALARMS_MAIL_TO)
    people = get_user_model().objects.filter(is_superuser=True, is_active=True).exclude(email="")
    return sorted(people.values_list("email", flat=True))


def _tell(change, muted, now):
    if not StateChange.objects.filter(pk=change.pk, told=False).update(told=True):
        return 0
    alarm = LocalAlarm.objects.filter(region=change.region, name=change.alarm_name).first()
    if alarm is None:
        return 0
    targets = alarm.definition.get(_FIELDS[change.new]) or []
    if change.new == "ALARM" or (change.old, change.new) == ("ALARM", "OK"):
        targets = [f"mailto:{address}" for address in mail_recipients()] + targets
    silent = _silence(change, alarm, muted)
    change.actions = [
        {"arn": target, "outcome": silent, "error": ""} if silent else _send(target, change, alarm)
        for target in targets
    ]
    change.save(update_fields=["actions"])
    return 1


def _silence(change, alarm, muted):
    """Return why nobody is told, or an empty text."""
    if not alarm.definition.get("ActionsEnabled", True):
        return "off"
    if (change.region, change.alarm_name) in muted:
        return "muted"
    suppressor = alarm.definition.get("ActionsSuppressor", "").split(":alarm:")[-1]
    if (
        suppressor
        and LocalAlarm.objects.filter(region=change.region, name=suppressor, state="ALARM").exists()
    ):
        return "suppressed"
    return ""


def _send(target, change, alarm):
    try:
        if target.startswith("mailto:"):
            _mail(target.removeprefix("mailto:"), change, alarm)
        elif arns.kind(target) == "sns":
            _publish(target, change, alarm)
        else:
            error = "The local backend tells SNS topics and writes mail; it does nothing else."
            return {"arn": target, "outcome": "failed", "error": error}
    except topics.TopicError as error:
        return {"arn": target, "outcome": "failed", "error": str(error)}
    except (smtplib.SMTPException, OSError) as error:
        return {"arn": target, "outcome": "failed", "error": f"{type(error).__name__}: {error}"[:500]}
    return {"arn": target, "outcome": "sent", "error": ""}


def _mail(address, change, alarm):
    lines = [
        f"{change.alarm_name} went from {change.get_old_display()} to {change.get_new_display()} "
        f"at {change.at:%d %B %Y %H:%M} UTC.",
        change.reason,
        alarm.definition.get("AlarmDescription", ""),
        f"{settings.SITE_URL}/alarms/",
    ]
    EmailMessage(_subject(change), "\n\n".join(line for line in lines if line), to=[address]).send()


def _publish(topic, change, alarm):
    """Publish what CloudWatch publishes, so that those who read its messages can read ours."""
    message = {
        "AlarmName": change.alarm_name,
        "AlarmDescription": alarm.definition.get("AlarmDescription"),
        "NewStateValue": change.new,
        "NewStateReason": change.reason,
        "StateChangeTime": change.at.isoformat(),
        "OldStateValue": change.old,
    }
    topics.publish(topic, _subject(change), json.dumps(message, ensure_ascii=False))


def _subject(change):
    # SNS takes 99 characters of ASCII, and no line breaks.
    text = f"{change.new}: {change.alarm_name}".encode("ascii", "replace").decode()
    return " ".join(text.split())[:99]
