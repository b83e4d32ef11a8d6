from pathlib import Path

from django.core.management.base import CommandError

from alarms.analysis.alarm_tests import BadTest, read_file, run_test
from alarms.config.configuration import definition_of
from alarms.models import Alarm
from photomgr.json_command import JsonCommand


class Command(JsonCommand):
    help = "Test alarms: values in shorthand, and the state expected at a time (docs/judging-alarms.md)."

    def add_arguments(self, parser):
        parser.add_argument("file", type=Path, metavar="FILE", help="TOML with [[test]] tables.")

    def run(self, file, **options):
        try:
            alarms = Alarm.objects.for_definitions()
            tests = read_file(file.read_bytes(), {alarm.name: definition_of(alarm) for alarm in alarms})
        except (OSError, BadTest) as why:
            raise CommandError(f"{file}: {why}") from None
        results = [result for test in tests for result in run_test(test)]
        failed = sum(not result.passed for result in results)
        rows = [{**vars(result), "passed": result.passed} for result in results]
        return {"tests": len(tests), "failed": failed, "results": rows}, bool(failed)

    def lines(self, document):
        for row in document["results"]:
            if not row["passed"]:
                yield f"{row['test']}: expected {row['expected']} at {row['at']}, got {row['got']}"
        yield f"{len(document['results'])} expectations, {document['failed']} failed."
