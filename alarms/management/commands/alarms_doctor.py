from django.core.management.base import CommandError
from django.utils import timezone

from alarms.backends import BackendError
from alarms.doctor import runner
from alarms.doctor.context import SEVERITIES
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
        known = set(runner.alarms_to_examine(alarms, sets).values_list("name", flat=True))
        if unknown := sorted(set(alarms) - known):
            raise CommandError(f"There is no enabled alarm {', '.join(unknown)} that data can judge.")
        try:
            examined, findings = runner.examine_all(
                timezone.now(),
                alarms,
                sets,
                ask_topics,
                lambda rows: self.progress(rows, len(rows), "alarms"),
            )
        except BackendError as why:
            raise CommandError(str(why)) from None
        least = SEVERITIES.index(fail_on)
        document = {"examined": examined, "findings": [_plain(finding) for finding in findings]}
        return document, any(finding.rank >= least for finding in findings)

    def as_text(self, document):
        lines = [
            f"{row['code']} {row['severity']:<8} {row['alarm']}: {row['message']}"
            + (f"\n    fix: {row['fix']['label']}" if row["fix"] else "")
            for row in document["findings"]
        ]
        examined = document["examined"]
        found = len(lines)
        lines.append(f"{examined} alarm{'' if examined == 1 else 's'} examined, {found} findings.")
        return "\n".join(lines)


def _plain(finding):
    return {
        "code": finding.code,
        "severity": finding.severity,
        "alarm": str(finding.alarm or finding.detector),
        "message": finding.message,
        "numbers": finding.numbers,
        "fix": finding.fix,
    }
