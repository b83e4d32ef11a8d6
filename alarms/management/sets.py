"""What the alarm commands share: which sets are meant, and who is acting."""

import getpass

from django.core.management.base import CommandError

from alarms.models import Alarm, AlarmSet


def add_set(parser):
    parser.add_argument("--set", dest="set_name", help="Only this alarm set; without it, every one.")


def chosen_sets(set_name):
    """Return the alarm sets that are meant; raise CommandError naming those there are."""
    sets = list(AlarmSet.objects.filter(name=set_name) if set_name else AlarmSet.objects.all())
    if set_name and not sets:
        names = ", ".join(AlarmSet.objects.values_list("name", flat=True)) or "none yet"
        raise CommandError(f"There is no alarm set {set_name!r}. There are: {names}.")
    return sets


def find_alarm(name):
    """Return the alarm; raise CommandError when there is none, or one in several sets."""
    found = list(Alarm.objects.select_related("alarm_set").filter(name=name))
    if len(found) != 1:
        many = ", ".join(alarm.alarm_set.name for alarm in found)
        raise CommandError(f"{name!r} is in the sets {many}." if found else f"There is no alarm {name!r}.")
    return found[0]


def who():
    """Return who runs this command, as the runs are signed with."""
    try:
        return f"{getpass.getuser()} (command)"
    except (KeyError, OSError):
        # A container without a user database.
        return "command"
