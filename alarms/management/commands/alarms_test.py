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
            tests = read_file(file.read_bytes(), _Definitions())
        except (OSError, BadTest) as why:
            raise CommandError(f"{file}: {why}") from None
        results = [result for test in tests for result in run_test(test)]
        failed = sum(not result.passed for result in results)
        document = {
            "tests": len(tests),
            "failed": failed,
            "results": [{**vars(result), "passed": result.passed} for result in results],
        }
        return document, bool(failed)

    def as_text(self, document):
        lines = [
            f"{row['test']}: expected {row['expected']} at {row['at']}, got {row['got']}"
            for row in document["results"]
            if not row["passed"]
        ]
        lines.append(f"{len(document['results'])} expectations, {document['failed']} failed.")
        return "\n".join(lines)


class _Definitions(dict):
    """The configured alarms by name, read when a test names one."""

    def __contains__(self, name):
        return super().__contains__(name) or self._found(name)

    def _found(self, name):
        alarm = Alarm.objects.filter(name=name).for_definitions().first()
        if alarm is not None:
            self[name] = definition_of(alarm)
        return alarm is not None
