import getpass
import sys

from django.core.management.base import CommandError

from alarms.backends import BackendError
from alarms.config.configuration import overlaps
from alarms.models import Alarm, AlarmSet
from photomgr.json_command import JsonCommand


class AlarmCommand(JsonCommand):
    """A command that needs the backend; what goes wrong there, and `refusals`, end it with exit 1."""

    trouble = "The alarms cannot be read: "
    refusals: tuple[type[Exception], ...] = ()

    def handle(self, **options):
        try:
            super().handle(**options)
        except BackendError as error:
            raise CommandError(f"{self.trouble}{error}") from error
        except self.refusals as error:
            raise CommandError(str(error)) from error


def add_set(parser):
    parser.add_argument("--set", dest="set_name", help="Only this alarm set; without it, every one.")


def add_plan_options(parser):
    add_set(parser)
    parser.add_argument("--prune", action="store_true", help="Delete what no configuration names, too.")
    parser.add_argument("--tags", action="store_true", help="Compare tags as well: one call an alarm.")


def add_judged(parser):
    parser.add_argument("alarms", nargs="*", metavar="ALARM", help="Names; all when none is given.")
    parser.add_argument("--set", action="append", default=[], dest="sets")


def chosen_sets(set_name):
    """Return the set of that name, or without one all sets; raise CommandError naming those there are."""
    sets = list(AlarmSet.objects.all())
    chosen = [row for row in sets if not set_name or row.name == set_name]
    if set_name and not chosen:
        raise CommandError(f"There is no alarm set {set_name!r}. There are: {names_of(sets)}.")
    return chosen


def names_of(sets):
    return ", ".join(row.name for row in sets) or "none yet"


def save_new(alarm_set):
    """Save a new set and return it; raise CommandError when its prefix overlaps with another's."""
    if problems := overlaps(alarm_set):
        raise CommandError(str(problems[0]))
    alarm_set.save()
    return alarm_set


def judged_alarms(names, sets):
    alarms = Alarm.objects.judged_by_data(names, sets)
    if unknown := sorted(set(names) - set(alarms.values_list("name", flat=True))):
        raise CommandError(f"There is no enabled alarm {', '.join(unknown)} that data can judge.")
    return alarms


def find_alarm(name):
    found = list(Alarm.objects.select_related("alarm_set").filter(name=name))
    if len(found) != 1:
        many = ", ".join(alarm.alarm_set.name for alarm in found)
        raise CommandError(f"{name!r} is in the sets {many}." if found else f"There is no alarm {name!r}.")
    return found[0]


def read_lines(path, read):
    """Return what `read` makes of a file's lines, `-` being stdin; raise CommandError."""
    from alarms.analysis.series_file import BadSeries

    try:
        if str(path) == "-":
            return read(sys.stdin)
        with open(path, encoding="utf-8", newline="") as lines:
            return read(lines)
    except (OSError, UnicodeDecodeError, BadSeries) as why:
        raise CommandError(f"{path}: {why}") from None


def who():
    try:
        return f"{getpass.getuser()} (command)"
    except (KeyError, OSError):
        # A container without a user database.
        return "command"
