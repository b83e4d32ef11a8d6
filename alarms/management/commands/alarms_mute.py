from django.core.management.base import CommandError
from django.forms.models import model_to_dict
from django.utils import timezone

from alarms.apply.mutes import mute, unmute
from alarms.cloudwatch.mute_schedules import BadSchedule, in_force
from alarms.management.base import AlarmCommand, find_alarm, who
from alarms.models import Mute


class Command(AlarmCommand):
    help = "Have alarms notify nobody for a while, or at certain hours; they go on being evaluated."
    trouble = "Not muted: "
    refusals = (BadSchedule,)
    nothing = "Nothing is muted."

    def add_arguments(self, parser):
        parser.add_argument("alarms", nargs="*", help="Names of alarms of one set.")
        parser.add_argument("--for", dest="length", help="How long: 90m, 2h, 3d.")
        parser.add_argument("--schedule", help="at(2026-11-21T22:00) or cron(0 2 * * SUN); now without it.")
        parser.add_argument("--timezone", default="UTC", help="Of the schedule.")
        parser.add_argument("--reason", default="")
        parser.add_argument("--end", metavar="MUTE", help="End this mute.")

    def run(self, alarms, length, end, **options):
        if end:
            row = Mute.objects.select_related("alarm_set").filter(name=end).first()
            if row is None:
                raise CommandError(f"There is no mute {end!r}.")
            unmute(row, who())
        elif alarms:
            _mute([find_alarm(name) for name in alarms], length, **options)
        now = timezone.now()
        rows = Mute.objects.select_related("alarm_set").prefetch_related("alarms")
        return {"mutes": [_as_json(row, in_force(row, now)) for row in rows]}, False

    def lines(self, document):
        for row in document["mutes"]:
            when = f"{row['schedule']} {row['timezone']}, {row['minutes']} min"
            count = len(row["alarms"])
            what = f"{count} alarm{'' if count == 1 else 's'} {row['reason']}".rstrip()
            yield f"{'*' if row['active'] else ' '} {row['name']}: {when}, {what}"


def _mute(alarms, length, schedule, timezone, reason, **options):
    if not length:
        raise CommandError("Say how long with --for, such as --for 2h.")
    if len({alarm.alarm_set_id for alarm in alarms}) > 1:
        raise CommandError("These alarms are of several sets; mute each set by itself.")
    if len(alarms) > 100:
        raise CommandError(f"{len(alarms)} alarms; one mute takes at most 100.")
    mute(alarms, length, who(), reason=reason, schedule=schedule, zone=timezone)


def _as_json(row, active):
    fields = model_to_dict(row, ["name", "schedule", "timezone", "minutes", "reason"])
    names = sorted(alarm.name for alarm in row.alarms.all())
    return {**fields, "set": row.alarm_set.name, "active": active, "alarms": names}
