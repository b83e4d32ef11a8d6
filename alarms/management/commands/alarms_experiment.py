from datetime import timedelta
from pathlib import Path

import numpy as np
from django.core.management.base import CommandError
from django.utils import timezone

from alarms.analysis.charts.chart import Chart
from alarms.analysis.charts.svg import svg
from alarms.backends import backend_for
from alarms.experiments import run, series
from alarms.management.base import AlarmCommand

NAMESPACE = "photomgr/experiments"
# PutMetricData takes nothing older than two weeks.
_MOST_MINUTES = 14 * series.DAY


class Command(AlarmCommand):
    help = "Repeat the article's experiments: who notices what, how soon, and how often for nothing."
    trouble = ""

    def add_arguments(self, parser):
        parser.add_argument("name", choices=run.EXPERIMENTS)
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--charts", type=Path, metavar="DIR", help="Write a chart of each trial there.")
        parser.add_argument("--publish", action="store_true", help="Send the series to the alarms backend.")
        words = "With --publish: only the last so many values; 1 from cron is the article's roll-a-dice."
        parser.add_argument("--minutes", type=int, default=_MOST_MINUTES, help=words)

    def run(self, name, seed, charts, publish, minutes, **options):
        if seed < 0:
            raise CommandError(f"--seed is {seed}; it must be 0 or more.")
        if not 1 <= minutes <= _MOST_MINUTES:
            raise CommandError(f"--minutes is {minutes}; it may be 1 to {_MOST_MINUTES} (two weeks).")
        if publish:
            return self._publish(name, seed, minutes), False
        outcomes = run.run(name, seed)
        document = {"experiment": name, "seed": seed, "cases": [_plain(outcome) for outcome in outcomes]}
        if charts:
            document["charts"] = _draw(outcomes, charts)
        return document, False

    def as_text(self, document):
        if "published" in document:
            return "\n".join(f"{row['metric']}: {row['values']} values" for row in document["published"])
        return "\n\n".join(_case_lines(case) for case in document["cases"])

    def _publish(self, name, seed, minutes):
        # One value alone is today's roll: the same seed every minute would be the same number.
        rng = np.random.default_rng(seed if minutes > 1 else None)
        now = timezone.now().replace(second=0, microsecond=0)
        backend, published = backend_for(), []
        for case in run.EXPERIMENTS[name](rng):
            values = case.clean[-minutes:].tolist()
            times = [now - timedelta(minutes=age) for age in range(len(values), 0, -1)]
            metric = case.name.replace(" ", "-")
            data = [
                {"MetricName": metric, "Timestamp": at, "Value": value}
                for at, value in zip(times, values, strict=True)
            ]
            for begin in range(0, len(data), 1000):
                backend.put_data(NAMESPACE, data[begin : begin + 1000])
            published.append({"metric": f"{NAMESPACE} {metric}", "values": len(data)})
        return {"published": published}


def _plain(outcome):
    return {
        "metric": outcome.case.name,
        "seconds_to_detect": outcome.delays,
        "false_alarms_per_week": outcome.per_week,
        "doctor": {
            name: [{"code": f.code, "severity": f.severity, "message": f.message} for f in findings]
            for name, findings in outcome.findings.items()
        },
    }


def _case_lines(case):
    rows = {case["metric"]: run.DETECTORS}
    for trial, delays in case["seconds_to_detect"].items():
        found = (delays[name] for name in run.DETECTORS)
        rows[trial] = ["-" if seconds is None else f"{seconds // 60} min" for seconds in found]
    rows["false alarms a week"] = [f"{case['false_alarms_per_week'][name]:.2f}" for name in run.DETECTORS]
    width = max(map(len, [*case["seconds_to_detect"], "false alarms a week"]))
    lines = ["  ".join([f"{head:<{width}}", *(f"{c:>19}" for c in cells)]) for head, cells in rows.items()]
    for name, findings in case["doctor"].items():
        lines += [f"  doctor ({name}): {f['code']} {f['message']}" for f in findings]
    return "\n".join(lines)


def _draw(outcomes, folder):
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for outcome in outcomes:
        for trial in outcome.case.trials:
            path = folder / (f"{outcome.case.name}-{trial.name}".replace(" ", "-").replace("%", "") + ".svg")
            path.write_text(svg(_chart(outcome.case, trial)), encoding="utf-8")
            paths.append(str(path))
    return paths


def _chart(case, trial):
    band, times = run.band_of(case, trial.values), run.times(trial.values)
    shown = slice(max(0, trial.first - 12 * series.HOUR), None)
    columns = (times, trial.values, band.lower(run.K), band.upper(run.K))
    times_shown, values, lower, upper = (column[shown] for column in columns)
    low, high = case.natural
    alarm = (times[trial.first], times[trial.first : trial.first + trial.length][-1] + 60)
    marks = {"floor": case.floor, "natural_min": low, "natural_max": high, "alarms": (alarm,)}
    return Chart(f"{case.name}: {trial.name}", times_shown, values, 60, lower, upper, **marks)
