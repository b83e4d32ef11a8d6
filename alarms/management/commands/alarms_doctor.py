from django.forms.models import model_to_dict
from django.utils import timezone

from alarms.doctor.context import SEVERITIES
from alarms.doctor.runner import examine_all
from alarms.management.base import AlarmCommand, add_judged, judged_alarms


class Command(AlarmCommand):
    help = "Examine the alarms: which can never alarm, which do without cause, which notify nobody."
    trouble = ""

    def add_arguments(self, parser):
        add_judged(parser)
        parser.add_argument("--fail-on", choices=SEVERITIES, default="note", help="Least severity of exit 2.")
        parser.add_argument("--ask-topics", action="store_true", help="Ask SNS about topics' subscriptions.")

    def run(self, alarms, sets, fail_on, ask_topics, **options):
        judged_alarms(alarms, sets)
        examined, findings = examine_all(timezone.now(), alarms, sets, ask_topics, self._progress)
        least = SEVERITIES.index(fail_on)
        document = {"examined": examined, "findings": [_as_json(finding) for finding in findings]}
        return document, any(finding.rank >= least for finding in findings)

    def _progress(self, alarms):
        return self.progress(alarms, len(alarms), "alarms")

    def lines(self, document):
        for row in document["findings"]:
            yield f"{row['code']} {row['severity']:<8} {row['alarm']}: {row['message']}"
            if row["fix"]:
                yield f"    fix: {row['fix']['label']}"
        examined, found = document["examined"], len(document["findings"])
        yield f"{examined} alarm{'' if examined == 1 else 's'} examined, {found} findings."


def _as_json(finding):
    fields = model_to_dict(finding, ["code", "severity", "message", "numbers", "fix"])
    return {**fields, "alarm": str(finding.alarm or finding.detector)}
