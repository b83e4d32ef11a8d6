import math
from datetime import timedelta
from functools import cache
from pathlib import Path

from django.core.management.base import CommandError
from django.utils import timezone

from alarms.analysis.alarm_spec import AlarmSpec, Source
from alarms.analysis.evaluation import Rule
from alarms.backends import BackendError
from alarms.cloudwatch.constants import BAND_OPERATORS
from alarms.cloudwatch.times import aware
from alarms.doctor.reports import BacktestCase, RegionSnapshot, case_of, history_of, report_of
from alarms.management.base import add_judged, judged_alarms, read_lines
from alarms.readings import values
from photomgr.json_command import JsonCommand

_EXAMPLE = "2026-11-20T10:00..2026-11-20T11:30"


class Command(JsonCommand):
    help = "Say what each alarm would have done: false alarms a week, for each width k and each M of N."
    nothing = "There is no alarm to judge. Make one in the admin, or give a file with --csv."

    def add_arguments(self, parser):
        add_judged(parser)
        parser.add_argument("--weeks", type=float, default=4, help="How many weeks are judged (4).")
        parser.add_argument("--budget", type=float, help="False alarms a week; else that of the set, or 0.5.")
        parser.add_argument("--incident", action="append", default=[], metavar="FROM..TO", help=_EXAMPLE)
        parser.add_argument("--csv", type=Path, help="Judge a band on timestamp,value lines instead.")
        parser.add_argument("--k", type=float, default=3.0, help="With --csv: width of the band (3).")
        parser.add_argument("--m", type=int, default=3, help="With --csv: datapoints that must breach (3).")
        parser.add_argument("--n", type=int, default=5, help="With --csv: of the last (5).")
        parser.add_argument("--side", choices=BAND_OPERATORS, default="both", help="With --csv.")

    def run(self, alarms, sets, weeks, budget, incident, csv, **options):
        if not (math.isfinite(weeks) and 0 < weeks <= 60):
            raise CommandError(f"--weeks is {weeks:g}; it must be above 0 and at most 60.")
        if budget is not None and not (math.isfinite(budget) and budget >= 0):
            raise CommandError(f"--budget is {budget:g}; it must be 0 or more.")
        incidents = [_incident(text) for text in incident]
        cases = [_of_file(csv, incidents, options)] if csv else _of_rows(alarms, sets, weeks, incidents)
        reports = [report_of(case, case.budget if budget is None else budget) for case in cases]
        return {"alarms": reports}, not all(report["within_budget"] for report in reports)

    def as_text(self, document):
        return "\n\n".join("\n".join(_report_lines(report)) for report in document["alarms"]) or self.nothing


def _of_rows(names, sets, weeks, incidents):
    snapshot, now = cache(RegionSnapshot), timezone.now()
    for alarm in judged_alarms(names, sets):
        try:
            yield case_of(alarm, snapshot(alarm.alarm_set.region), now, weeks, incidents)
        except (BackendError, ValueError) as why:
            raise CommandError(f"{alarm.name}: {why}") from None


def _of_file(path, incidents, options):
    if not 1 <= options["m"] <= options["n"]:
        raise CommandError(f"--m {options['m']} of --n {options['n']}: 1 <= m <= n is needed.")
    if not (math.isfinite(options["k"]) and options["k"] > 0):
        raise CommandError(f"--k is {options['k']:g}; it must be above 0.")
    reading = read_lines(path, values.read_csv)
    spec = AlarmSpec(
        name=path.name,
        rule=Rule(n=options["n"], m=options["m"]),
        operator=BAND_OPERATORS[options["side"]],
        period=reading.period,
        sources={"m1": Source("", path.stem, (), "Average", reading.period)},
        expression="m1",
        k=options["k"],
    )
    band = values.band_of({}, spec, reading, known={})
    learn = min(timedelta(days=14).total_seconds(), (reading.times[-1] - reading.times[0]) / 2)
    history = history_of(reading, band, reading.times[0] + learn, incidents)
    return BacktestCase(path.name, spec, history, reading.times, 0.5)


def _incident(text):
    try:
        start, end = (aware(part, timezone.get_current_timezone()) for part in text.split(".."))
    except ValueError:
        raise CommandError(f"--incident {text!r} is not like {_EXAMPLE}.") from None
    if start >= end:
        raise CommandError(f"--incident {text!r} ends before it begins.")
    return start.timestamp(), end.timestamp()


def _report_lines(report):
    k = "" if report["k"] is None else f"k = {report['k']:g}, "
    judged = f"by {report['period']} s, {report['weeks']:g} weeks judged"
    yield f"{report['alarm']}: {k}{report['m']} of {report['n']} {judged}"
    if report["weeks"] * 7 < 1:
        yield "  Less than a day of data: too little to judge by."
    rate = f"{report['false_alarms_per_week']:.2f} false alarms a week (budget {report['budget']:g})"
    yield f"  {rate}, in alarm {report['time_in_alarm']:.2%} of the time"
    for number, delay in enumerate(report["delays"], 1):
        noticed = "not noticed" if delay is None else f"noticed after {delay // 60} min"
        yield f"  incident {number}: {noticed}"
    if not report["k_table"]:
        return
    yield "  k     false alarms a week   worst week   in alarm   delays"
    for row in report["k_table"]:
        if row["k"] % 0.5 == 0 and row["k"] <= 6:
            delays = ", ".join("-" if delay is None else f"{delay // 60} min" for delay in row["delays"])
            rates = f"{row['false_alarms_per_week']:>19.2f}   {row['worst_week']:>10}"
            yield f"  {row['k']:<5g} {rates}   {row['time_in_alarm']:>8.2%}   {delays}"
    yield f"  smallest k within the budget: {_or_none(report['smallest_k'])}"
    yield f"  suggested k (no week over it, one step wider): {_or_none(report['suggested_k'])}"


def _or_none(k):
    return "none up to 10" if k is None else f"{k:g}"
