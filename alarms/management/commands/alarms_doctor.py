from django.utils import timezone

from alarms.doctor.context import SEVERITIES
from alarms.doctor.runner import examine_all
from alarms.management.base import AlarmCommand, add_judged, judged_alarms


class Command(AlarmCommand):
    help = "Examine the alarms: which can never alarm, which do without cause, which notify nobody."
    trouble = ""

    def add_arguments(self, parser):
        add_judged(parser)
        parser.add_argument(
            "--fail-on",
            choices=SEVERITIES,
            default="note",
            help="The least severity that gives exit 2 (note).",
        )
        parser.add_argument(
            "--ask-topics", action="store_true", help="Ask SNS about the subscriptions of topics."
        )

    def run(self, alarms, sets, fail_on, ask_topics, **options):
        judged_alarms(alarms, sets)
        examined, findings = examine_all(
            timezone.now(), alarms, sets, ask_topics, lambda rows: self.progress(rows, len(rows), "alarms")
        )
        least = SEVERITIES.index(fail_on)
        document = {"examined": examined, "findings": [_as_json(finding) for finding in findings]}
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


def _as_json(finding):
    return {
        "code": finding.code,
        "severity": finding.severity,
        "alarm": str(finding.alarm or finding.detector),
        "message": finding.message,
        "numbers": finding.numbers,
        "fix": finding.fix,
    }
