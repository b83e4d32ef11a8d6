"""Run the article's experiments: who notices what, after how long, and what it costs in false alarms."""

from dataclasses import dataclass

import numpy as np

from alarms.analysis.alarm_spec import AlarmSpec, Source
from alarms.analysis.backtest import History, judge
from alarms.analysis.bands.band import walk_forward
from alarms.analysis.evaluation import Rule, beyond, outside
from alarms.cloudwatch.constants import DEFAULT_K
from alarms.doctor.context import DoctorContext
from alarms.doctor.rules import findings_of
from alarms.experiments import series
from alarms.experiments.series import DAY, HOUR, WEEK

ONE_OF_ONE, THREE_OF_FIVE = Rule(n=1), Rule(n=5, m=3)
DETECTORS = ("static floor", "static ceiling", "mean ± 3 deviations", "band")
LEARN = 4 * WEEK
K = DEFAULT_K


@dataclass(frozen=True)
class Trial:
    """Something goes wrong from minute `first` on, for `length` minutes."""

    name: str
    values: np.ndarray
    first: int
    length: int


@dataclass(frozen=True)
class Case:
    """One metric: a time in which all is well, judged after LEARN, and trials that begin alike."""

    name: str
    clean: np.ndarray
    trials: tuple
    natural: tuple = (None, None)
    floor: float = 1.0
    ceiling: float | None = None  # None: 130 % of the maximum while learning
    kind: str = "count"


@dataclass(frozen=True)
class Outcome:
    case: Case
    delays: dict  # trial -> {detector: seconds or None}
    per_week: dict  # detector -> false alarms a week in the clean time
    findings: dict  # trial or "clean" -> findings of the doctor


def dice(rng):
    """One fair die, and the day somebody throws a 0 or a 7."""
    clean = series.dice(rng, LEARN + 4 * WEEK)
    at = LEARN + 12 * HOUR
    trials = [
        Trial(f"{name} {value}", series.replaced(clean[: at + HOUR], at, length, value), at, length)
        for value in (0, 7)
        for name, length in (("one", 1), ("only", HOUR))
    ]
    return [Case("dice", clean, tuple(trials), ceiling=6.0)]


def skyline(rng):
    """CPU of the script in a loop and by cron; a run is missing, or hourly becomes two-hourly."""
    size = LEARN + 4 * WEEK
    loop = series.skyline_loop(rng, size)
    hourly = series.skyline_every(rng, size)
    at = LEARN + 12 * HOUR
    missing = series.skyline_every(rng, at + DAY, skip=[at // HOUR])
    slower = series.skyline_every(rng, LEARN + DAY), series.skyline_every(rng, 3 * DAY, 2 * HOUR)
    start = np.flatnonzero(np.diff((loop[at:] > 15).astype(int)) == 1)[0] + at + 1
    idle = series.replaced(loop[: start + DAY], start, series.RUN, series.IDLE)
    share = {"natural": (0.0, 100.0), "kind": "percent"}
    trials = (
        Trial("a run is missing", missing, at, series.RUN),
        Trial("hourly becomes two-hourly", np.concatenate(slower), LEARN + DAY + HOUR, series.RUN),
    )
    idling = Trial("a run is missing", idle, start, series.RUN)
    return [
        Case("skyline every 71 minutes", loop, (idling,), **share),
        Case("skyline every hour", hourly, trials, **share),
    ]


def orders(rng):
    """The coconut shop and its bad days."""
    clean = series.orders(rng, LEARN + 5 * WEEK)
    day = LEARN + DAY  # a Tuesday
    plans = [
        ("orders fall by half at midday", day + 12 * HOUR, 2 * HOUR, 0.5),
        ("30 % fewer orders at midday", day + 12 * HOUR, 4 * HOUR, 0.7),
        ("zero orders at peak", day + 19 * HOUR, HOUR, 0.0),
        ("zero orders at 4 am", day + 4 * HOUR, HOUR, 0.0),
        ("Black Friday, 2.2 times as many", day + 3 * DAY, DAY, 2.2),
    ]
    trials = [
        Trial(name, series.changed(clean[: first + length], first, length, factor), first, length)
        for name, first, length, factor in plans
    ]
    return [Case("orders", clean, tuple(trials), natural=(0.0, None))]


EXPERIMENTS = {"dice": dice, "skyline": skyline, "orders": orders}


def run(name, seed):
    return [_outcome(case) for case in EXPERIMENTS[name](np.random.default_rng(seed))]


def times(values):
    return series.BEGIN + 60.0 * np.arange(len(values))


def band_of(case, values):
    low, high = case.natural
    return walk_forward(times(values), values, 60, natural_min=low, natural_max=high)


def _outcome(case):
    delays, findings = {}, {"clean": findings_of(context_of(case, case.clean))}
    for trial in case.trials:
        verdicts = _verdicts(case, trial.values, ((trial.first, trial.first + trial.length),), trial.first)
        delays[trial.name] = {name: verdict.delays[0] for name, verdict in verdicts.items()}
        if len(trial.values) - trial.first > DAY:
            findings[trial.name] = findings_of(context_of(case, trial.values))
    clean = _verdicts(case, case.clean, (), LEARN)
    per_week = {name: verdict.false_alarms_per_week for name, verdict in clean.items()}
    return Outcome(case, delays, per_week, findings)


def _verdicts(case, values, incidents, begin):
    """Return {detector: verdict}; all of them know only what was before `begin` or before each value."""
    band = band_of(case, values)
    learnt = values[:LEARN]
    mean, deviation = learnt.mean(), learnt.std()
    # The article: "130 % of the maximum value you achieved in the previous month."
    ceiling = 1.3 * learnt.max() if case.ceiling is None else case.ceiling
    points = (
        (beyond(values, "LessThanThreshold", case.floor), ONE_OF_ONE),
        (beyond(values, "GreaterThanThreshold", ceiling), ONE_OF_ONE),
        (outside(values, np.full(len(values), mean - K * deviation), mean + K * deviation), THREE_OF_FIVE),
        (outside(values, band.lower(K), band.upper(K)), THREE_OF_FIVE),
    )
    history = History(60, values, band, incidents, begin)
    return {name: judge(history, codes, rule) for name, (codes, rule) in zip(DETECTORS, points, strict=True)}


def context_of(case, values):
    """Return the case as the doctor sees a band alarm on it that stands alone."""
    source = Source("photomgr/experiments", case.name, (), "Sum", 60)
    operator = "LessThanLowerOrGreaterThanUpperThreshold"
    return DoctorContext(
        spec=AlarmSpec(f"{case.name}-band", THREE_OF_FIVE, operator, 60, {"m1": source}, "m1", k=K),
        values=values,
        band=band_of(case, values),
        role="band",
        guarded=frozenset(["band"]),
        kind=case.kind,
        natural_min=case.natural[0],
        natural_max=case.natural[1],
        actions=("arn:aws:sns:local:000000000000:experiment",),
    )
