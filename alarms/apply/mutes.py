import re

from django.utils import timezone

from alarms.backends import backend_for
from alarms.cloudwatch.mute_schedules import BadSchedule, check_schedule, is_over
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


def rules_to_export(alarm_set, names):
    """Return the set's mutes that are not over, as rules for those of their alarms that are in `names`."""
    rows, now = alarm_set.mutes.prefetch_related("alarms"), timezone.now()
    found = [(row, [a for a in row.alarms.all() if a.name in names]) for row in rows if not is_over(row, now)]
    return [rule_of(row, alarms) for row, alarms in found if alarms]


def mute(alarms, length, who, user=None, reason="", schedule="", zone="UTC", **fields):
    """Mute alarms of one set, each time for a length such as 2h; return the Mute.

    Without a schedule it begins now. Raise BadSchedule for a schedule, zone or length that cannot be.
    """
    now, alarm_set = timezone.now(), alarms[0].alarm_set
    times = schedule or f"at({now:%Y-%m-%dT%H:%M})"
    check_schedule(times, zone)
    fields = {"name": f"{alarm_set.prefix}mute-{now:%Y%m%d-%H%M%S-%f}", "reason": reason, **fields}
    when = {"schedule": times, "timezone": zone if schedule else "UTC", "minutes": minutes(length)}
    row = Mute(alarm_set=alarm_set, created_by=user, **when, **fields)
    rule = rule_of(row, alarms)
    # The backend comes first: a mute that is shown here is in force there.
    backend_for(alarm_set.region).put_mute(rule)
    row.save()
    row.alarms.set(alarms)
    _record(row, "create", who, user, after=_plain(rule))
    return row


def unmute(row, who, user=None):
    backend_for(row.alarm_set.region).delete_mute(row.name)
    _record(row, "delete", who, user, before=_plain(rule_of(row, row.alarms.all())))
    row.delete()


def _record(row, verb, who, user, **rules):
    run = Run.objects.record(Run.Kind.MUTE, row.alarm_set, user, who)
    done = {"outcome": Change.Outcome.DONE, "done_at": run.finished_at}
    run.changes.create(number=1, verb=verb, subject="mute", name=row.name, **done, **rules)


def _plain(rule):
    dates = ("StartDate", "ExpireDate")
    return {name: value.isoformat() if name in dates else value for name, value in rule.items()}
