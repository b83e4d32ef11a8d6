"""Mutes made and ended, here and where the alarms live."""

import re

from django.utils import timezone

from alarms.backends import backend_for
from alarms.cloudwatch.mute_schedules import BadSchedule
from alarms.models import Change, Mute, Run

_LENGTH = re.compile(r"^(\d+)\s*(m|h|d)$")
LONGEST = 15 * 24 * 60


def minutes(text):
    """Return the minutes of a length such as 90m, 2h, 3d; raise BadSchedule beyond 1 minute to 15 days."""
    match = _LENGTH.match(text.strip())
    found = int(match[1]) * {"m": 1, "h": 60, "d": 1440}[match[2]] if match else 0
    if not 1 <= found <= LONGEST:
        raise BadSchedule(f"{text!r} is no length of time; write 90m, 2h or 3d, at most 15d.")
    return found


def rule_of(mute, alarms):
    """Return a Mute row for these alarms in the shape of PutAlarmMuteRule."""
    schedule = {"Expression": mute.schedule, "Duration": f"PT{mute.minutes}M", "Timezone": mute.timezone}
    rule = {
        "Name": mute.name,
        "Rule": {"Schedule": schedule},
        "MuteTargets": {"AlarmNames": sorted(alarm.name for alarm in alarms)},
    }
    if mute.reason:
        rule["Description"] = mute.reason
    for field, moment in (("StartDate", mute.starts_at), ("ExpireDate", mute.ends_at)):
        if moment:
            rule[field] = moment
    return rule


def mute(alarm_set, name, alarms, schedule, length, who, user=None, reason="", zone="UTC", **bounds):
    """Mute alarms of one set by a schedule, each time for `length` minutes; return the Mute.

    The backend is told first: a mute that is shown here is in force there.
    """
    row = Mute(
        alarm_set=alarm_set,
        name=name,
        schedule=schedule,
        minutes=length,
        timezone=zone,
        reason=reason,
        created_by=user,
        **bounds,
    )
    rule = rule_of(row, alarms)
    backend_for(alarm_set.region).put_mute(rule)
    row.save()
    row.alarms.set(alarms)
    _sign(alarm_set, "create", name, who, user, after=rule)
    return row


def unmute(row, who, user=None):
    """End a mute for good."""
    backend_for(row.alarm_set.region).delete_mute(row.name)
    _sign(row.alarm_set, "delete", row.name, who, user, before=rule_of(row, row.alarms.all()))
    row.delete()


def _sign(alarm_set, verb, name, who, user, before=None, after=None):
    now = timezone.now()
    run = Run.objects.create(
        kind=Run.Kind.MUTE,
        alarm_set=alarm_set,
        set_name=alarm_set.name,
        backend=backend_for(alarm_set.region).name,
        user=user,
        who=who,
        outcome=Run.Outcome.DONE,
        finished_at=now,
    )
    Change.objects.create(
        run=run,
        number=1,
        verb=verb,
        subject="mute",
        name=name,
        before=_plain(before),
        after=_plain(after),
        outcome=Change.Outcome.DONE,
        done_at=now,
    )


def _plain(rule):
    """Return a rule that JSON can hold."""
    dates = ("StartDate", "ExpireDate")
    return rule and {name: value.isoformat() if name in dates else value for name, value in rule.items()}
