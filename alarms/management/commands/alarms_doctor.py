from django.core.management.base import CommandError
from django.utils import timezone

from alarms import examination
from alarms.backends import BackendError
from alarms.doctor.sheet import SEVERITIES
from alarms.models import AlarmSet
from photomgr.json_command import JsonCommand


class Command(JsonCommand):
    help = "Examine the alarms: what can never ring, what rings for nothing, who would not hear it."

    def add_arguments(self, parser):
        parser.add_argument("alarms", nargs="*", metavar="ALARM", help="Names; all when none is given.")
        parser.add_argument("--set", action="append", default=[], dest="sets")
        parser.add_argument(
            "--fail-on",
            choices=SEVERITIES,
            default="note",
            help="The least severity that gives exit 2 (note).",
        )
        parser.add_argument("--ask-topics", action="store_true", help="Ask SNS whether the topics are heard.")

    def run(self, alarms, sets, fail_on, ask_topics, **options):
        found = list(examination.alarms_to_examine(alarms, sets))
        if unknown := sorted(set(alarms) - {alarm.name for alarm in found}):
            raise CommandError(f"There is no enabled alarm {', '.join(unknown)} that data can judge.")
        try:
            findings = _examined(self, found, ask_topics, orphans=not alarms)
        except BackendError as why:
            raise CommandError(str(why)) from None
        least = SEVERITIES.index(fail_on)
        document = {"examined": len(found), "findings": [_plain(finding) for finding in findings]}
        return document, any(finding.rank >= least for finding in findings)

    def as_text(self, document):
        lines = [
            f"{row['code']} {row['severity']:<8} {row['alarm']}: {row['message']}"
            + (f"\n    fix: {row['fix']['label']}" if row["fix"] else "")
            for row in document["findings"]
        ]
        examined = document["examined"]
        lines.append(f"{examined} alarm{'' if examined == 1 else 's'} examined, {len(lines)} findings.")
        return "\n".join(lines)


def _examined(command, alarms, ask_topics, orphans):
    now, findings = timezone.now(), []
    by_region = {}
    for alarm in alarms:
        by_region.setdefault(alarm.alarm_set.region, []).append(alarm)
    for alarm_set in AlarmSet.objects.all() if orphans else ():
        by_region.setdefault(alarm_set.region, [])
    for region, group in by_region.items():
        around = examination.surroundings(region, group, ask_topics)
        for alarm in command.progress(group, len(group), "alarms"):
            findings += examination.examine(alarm, around, now)
        for alarm_set in AlarmSet.objects.filter(region=region) if orphans else ():
            findings += examination.examine_detectors(alarm_set, around, now)
    return sorted(findings, key=lambda finding: (-finding.rank, finding.code))


def _plain(finding):
    return {
        "code": finding.code,
        "severity": finding.severity,
        "alarm": str(finding.alarm or finding.detector),
        "message": finding.message,
        "numbers": finding.numbers,
        "fix": finding.fix,
    }
