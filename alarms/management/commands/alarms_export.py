import json
from pathlib import Path

from django.core.management.base import CommandError
from django.forms.models import model_to_dict

from alarms.apply.mutes import rules_to_export
from alarms.backends import backend_for
from alarms.config import configuration
from alarms.config.export.cloudformation import TooMany, cloudformation
from alarms.config.export.document import document
from alarms.config.export.terraform import terraform
from alarms.management.base import AlarmCommand, chosen_sets, names_of
from alarms.models import Alarm


class Command(AlarmCommand):
    help = "Write a set's alarms as a CloudFormation template, Terraform JSON, or a document of our own."
    refusals = (TooMany,)

    def add_arguments(self, parser):
        parser.add_argument("--to", choices=("cloudformation", "terraform", "json"), required=True)
        parser.add_argument("--set", dest="set_name", help="Which set, when there are several.")
        parser.add_argument("--output", help="A file; without it, standard output.")

    def run(self, to, set_name, output, **options):
        sets = chosen_sets(set_name)
        if len(sets) != 1:
            raise CommandError(f"Name one set with --set. There are: {names_of(sets)}.")
        [alarm_set] = sets
        wanted, problems = configuration.load(alarm_set)
        if problems and to != "json":
            raise CommandError("; ".join(f"{problem.alarm}: {problem}" for problem in problems))
        document = _document(alarm_set, wanted, to)
        if output:
            Path(output).write_text(self.as_text(document) + "\n")
            return {"file": output, "alarms": len(wanted.alarms)}, False
        return document, False

    def as_text(self, document):
        return json.dumps(document, ensure_ascii=False, indent=2)


def _document(alarm_set, wanted, to):
    mutes = rules_to_export(alarm_set, wanted.alarms)
    if to == "cloudformation":
        return cloudformation(wanted, f"Alarms of the set {alarm_set.name}", mutes)
    if to == "terraform":
        backend = backend_for(alarm_set.region)
        in_cloudwatch = backend.name == "cloudwatch"
        # What the local backend holds does not exist in CloudWatch.
        existing = backend.alarms()[0].keys() if in_cloudwatch else ()
        return terraform(wanted, existing, mutes, in_cloudwatch)
    rows = [
        (configuration.definition_of(alarm), configuration.tags_of(alarm), _further(alarm))
        for alarm in Alarm.objects.filter(alarm_set=alarm_set).for_definitions()
    ]
    detectors = [wanted.detectors[key] for key in sorted(wanted.detectors)]
    return document(alarm_set, rows, detectors)


def _further(alarm):
    fields = model_to_dict(alarm, ["role", "reason", "threshold_rule", "enabled"])
    return {**fields, "guard": alarm.guard.name if alarm.guard else ""}
