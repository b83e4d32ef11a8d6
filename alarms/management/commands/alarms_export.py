import json
from pathlib import Path

from django.core.management.base import CommandError
from django.utils import timezone

from alarms.apply.mutes import rule_of
from alarms.backends import backend_for
from alarms.backends.base import BackendError
from alarms.cloudwatch.mute_schedules import is_over
from alarms.config import configuration, export
from alarms.config.export.cloudformation import TooMany
from alarms.management.sets import chosen_sets
from alarms.models import Alarm
from photomgr.json_command import JsonCommand


class Command(JsonCommand):
    help = "Write a set's alarms as a CloudFormation template, Terraform JSON, or a document of our own."

    def add_arguments(self, parser):
        parser.add_argument("--to", choices=("cloudformation", "terraform", "json"), required=True)
        parser.add_argument("--set", dest="set_name", help="Which set, when there are several.")
        parser.add_argument("--output", help="A file; without it, standard output.")

    def run(self, to, set_name, output, **options):
        alarm_set = _only(chosen_sets(set_name))
        wanted, problems = configuration.load(alarm_set)
        if problems and to != "json":
            raise CommandError("; ".join(f"{problem.alarm}: {problem}" for problem in problems))
        try:
            document = _document(alarm_set, wanted, to)
        except TooMany as error:
            raise CommandError(str(error)) from error
        if output:
            Path(output).write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n")
            return {"file": output, "alarms": len(wanted.alarms)}, False
        return document, False

    def as_text(self, document):
        return json.dumps(document, ensure_ascii=False, indent=2)


def _only(sets):
    if len(sets) != 1:
        names = ", ".join(found.name for found in sets) or "none yet"
        raise CommandError(f"Name one set with --set. There are: {names}.")
    return sets[0]


def _document(alarm_set, wanted, to):
    if to == "cloudformation":
        return export.cloudformation(wanted, f"Alarms of the set {alarm_set.name}", _mutes(alarm_set, wanted))
    if to == "terraform":
        in_cloudwatch = backend_for(alarm_set.region).name == "cloudwatch"
        return export.terraform(wanted, _existing(alarm_set), _mutes(alarm_set, wanted), in_cloudwatch)
    rows = [
        (configuration.definition_of(alarm), configuration.tags_of(alarm), _further(alarm))
        for alarm in Alarm.objects.filter(alarm_set=alarm_set).for_definitions()
    ]
    detectors = [wanted.detectors[key] for key in sorted(wanted.detectors)]
    return export.document(alarm_set, rows, detectors)


def _mutes(alarm_set, wanted):
    """Return the mutes that are not over, as rules for the alarms that are exported."""
    now = timezone.now()
    rows = [row for row in alarm_set.mutes.prefetch_related("alarms") if not is_over(row, now)]
    targets = [[alarm for alarm in row.alarms.all() if alarm.name in wanted.alarms] for row in rows]
    return [rule_of(row, alarms) for row, alarms in zip(rows, targets, strict=True) if alarms]


def _existing(alarm_set):
    """Return the names that exist in CloudWatch: the local backend holds none of them."""
    backend = backend_for(alarm_set.region)
    if backend.name == "local":
        return ()
    try:
        return backend.alarms()[0].keys()
    except BackendError as error:
        raise CommandError(f"The alarms cannot be read: {error}") from error


def _further(alarm):
    return {
        "role": alarm.role,
        "guard": alarm.guard.name if alarm.guard else "",
        "reason": alarm.reason,
        "threshold_rule": alarm.threshold_rule,
        "enabled": alarm.enabled,
    }
