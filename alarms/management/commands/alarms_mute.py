from django.core.management.base import CommandError
from django.utils import timezone

from alarms.apply.mutes import minutes, mute, unmute
from alarms.backends import BackendError
from alarms.cloudwatch.mute_schedules import BadSchedule, check, in_force
from alarms.management.sets import find_alarm, who
from alarms.models import Mute
from photomgr.json_command import JsonCommand


class Command(JsonCommand):
    help = "Have alarms tell no one for a while, or at certain hours; they go on being evaluated."

    def add_arguments(self, parser):
        parser.add_argument("alarms", nargs="*", help="Names of alarms of one set.")
        parser.add_argument("--for", dest="length", help="How long: 90m, 2h, 3d.")
        parser.add_argument("--schedule", help="at(2026-11-21T22:00) or cron(0 2 * * SUN); now without it.")
        parser.add_argument("--timezone", default="UTC", help="Of the schedule.")
        parser.add_argument("--reason", default="")
        parser.add_argument("--end", metavar="MUTE", help="End this mute.")

    def run(self, alarms, length, end, **options):
        try:
            if end:
                self._end(end)
            elif alarms:
                self._mute([find_alarm(name) for name in alarms], length, options)
        except BadSchedule as bad:
            raise CommandError(str(bad)) from bad
        except BackendError as error:
            raise CommandError(f"Not muted: {error}") from error
        now = timezone.now()
        rows = list(Mute.objects.select_related("alarm_set").prefetch_related("alarms"))
        return {"mutes": [_as_json(row, in_force(row, now)) for row in rows]}, False

    def _mute(self, alarms, length, options):
        if not length:
            raise CommandError("Say how long with --for, such as --for 2h.")
        alarm_set = alarms[0].alarm_set
        if any(alarm.alarm_set_id != alarm_set.pk for alarm in alarms):
            raise CommandError("These alarms are of several sets; mute each set by itself.")
        if len(alarms) > 100:
            raise CommandError(f"{len(alarms)} alarms; one mute takes at most 100.")
        now = timezone.now()
        schedule = options["schedule"] or f"at({now:%Y-%m-%dT%H:%M})"
        check(schedule, options["timezone"])
        zone = options["timezone"] if options["schedule"] else "UTC"
        name = f"{alarm_set.prefix}mute-{now:%Y%m%d-%H%M%S-%f}"
        mute(alarm_set, name, alarms, schedule, minutes(length), who(), reason=options["reason"], zone=zone)

    def _end(self, name):
        row = Mute.objects.select_related("alarm_set").filter(name=name).first()
        if row is None:
            raise CommandError(f"There is no mute {name!r}.")
        unmute(row, who())

    def as_text(self, document):
        rows = document["mutes"]
        lines = (
            f"{'*' if row['active'] else ' '} {row['name']}: {row['schedule']} {row['timezone']}, "
            f"{row['minutes']} min, {len(row['alarms'])} alarms {row['reason']}".rstrip()
            for row in rows
        )
        return "\n".join(lines) or "Nothing is muted."


def _as_json(row, active):
    return {
        "name": row.name,
        "set": row.alarm_set.name,
        "schedule": row.schedule,
        "timezone": row.timezone,
        "minutes": row.minutes,
        "reason": row.reason,
        "active": active,
        "alarms": sorted(alarm.name for alarm in row.alarms.all()),
    }
