"""Run the article's experiments: who notices what, after how long, and what it costs in false alarms."""

from dataclasses import dataclass, field

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
# "130 % of the maximum value you achieved in the previous month."
CEILING = 1.3


@dataclass(frozen=True)
class Trial:
    """Something goes wrong from minute `first` to `end` of the values."""

    name: str
    values: np.ndarray
    first: int
    end: int


@dataclass(frozen=True)
class Case:
    """One metric: a time in which all is well, judged after LEARN, and trials that begin alike.

    floor, ceiling: "below" and "above" thresholds; None takes 1 and 130 % of the maximum while learning.
    """

    name: str
    clean: np.ndarray
    trials: tuple
    natural: tuple = (None, None)
    floor: float = 1.0
    ceiling: float | None = None
    kind: str = "count"


@dataclass(frozen=True)
class Outcome:
    """What came of one case: seconds to detect per trial and detector, false alarms a week per detector."""

    case: Case
    delays: dict = field(default_factory=dict)  # trial -> {detector: seconds or None}
    per_week: dict = field(default_factory=dict)  # detector -> false alarms a week in the clean time
    findings: dict = field(default_factory=dict)  # trial or "clean" -> findings of the doctor


def _trial(name, values, first, length):
    return Trial(name, values, first, first + length)


def dice(rng):
    """Return one fair die, and the day somebody throws a 0 or a 7."""
    clean = series.dice(rng, LEARN + 4 * WEEK)
    at = LEARN + 12 * HOUR
    trials = [
        _trial(f"{name} {value}", series.replaced(clean[: at + HOUR], at, at + length, value), at, length)
        for value in (0, 7)
        for name, length in (("one", 1), ("only", HOUR))
    ]
    return [Case("dice", clean, tuple(trials), ceiling=6.0)]


def skyline(rng):
    """Return the CPU of the script in a loop and by cron; a run is missing, or hourly becomes two-hourly."""
    size = LEARN + 4 * WEEK
    loop = series.skyline_loop(rng, size)
    hourly = series.skyline_every(rng, size)
    at = LEARN + 12 * HOUR
    missing = series.skyline_every(rng, at + DAY, skip=[at // HOUR])
    slower = series.skyline_every(rng, LEARN + DAY), series.skyline_every(rng, 3 * DAY, 2 * HOUR)
    start = np.flatnonzero(np.diff((loop[at:] > 15).astype(int)) == 1)[0] + at + 1
    idle = series.replaced(loop[: start + DAY], start, start + series.RUN, series.IDLE)
    share = {"natural": (0.0, 100.0), "kind": "percent"}
    trials = (
        _trial("a run is missing", missing, at, series.RUN),
        _trial("hourly becomes two-hourly", np.concatenate(slower), LEARN + DAY + HOUR, series.RUN),
    )
    idling = _trial("a run is missing", idle, start, series.RUN)
    return [
        Case("skyline every 71 minutes", loop, (idling,), **share),
        Case("skyline every hour", hourly, trials, **share),
    ]


def orders(rng):
    """Return the coconut shop and its bad days."""
    clean = series.orders(rng, LEARN + 5 * WEEK)
    day = LEARN + DAY  # a Tuesday
    friday = LEARN + 4 * DAY
    plans = [
        ("orders fall by half at midday", day + 12 * HOUR, 2 * HOUR, 0.5),
        ("30 % fewer orders at midday", day + 12 * HOUR, 4 * HOUR, 0.7),
        ("zero orders at peak", day + 19 * HOUR, HOUR, 0.0),
        ("zero orders at 4 am", day + 4 * HOUR, HOUR, 0.0),
        ("Black Friday, 2.2 times as many", friday, DAY, 2.2),
    ]
    trials = [
        _trial(name, series.changed(clean[: first + length], first, first + length, factor), first, length)
        for name, first, length, factor in plans
    ]
    return [Case("orders", clean, tuple(trials), natural=(0.0, None))]


EXPERIMENTS = {"dice": dice, "skyline": skyline, "orders": orders}


def run(name, seed):
    """Return the outcomes of an experiment, the same for the same seed."""
    return [_outcome(case) for case in EXPERIMENTS[name](np.random.default_rng(seed))]


def times(values):
    return series.BEGIN + 60.0 * np.arange(len(values))


def band_of(case, values):
    low, high = case.natural
    return walk_forward(times(values), values, 60, natural_min=low, natural_max=high)


def _outcome(case):
    delays, findings = {}, {"clean": _findings(case, case.clean)}
    for trial in case.trials:
        verdicts = _verdicts(case, trial.values, ((trial.first, trial.end),), trial.first)
        delays[trial.name] = {name: verdict.delays[0] for name, verdict in verdicts.items()}
        if len(trial.values) - trial.first > DAY:
            findings[trial.name] = _findings(case, trial.values)
    clean = _verdicts(case, case.clean, (), LEARN)
    per_week = {name: verdict.false_alarms_per_week for name, verdict in clean.items()}
    return Outcome(case, delays, per_week, findings)


def _verdicts(case, values, incidents, begin):
    """Return {detector: verdict}; all of them know only what was before `begin` or before each value."""
    band = band_of(case, values)
    learnt = values[:LEARN]
    mean, deviation = learnt.mean(), learnt.std()
    ceiling = CEILING * learnt.max() if case.ceiling is None else case.ceiling
    points = (
        (beyond(values, "LessThanThreshold", case.floor), ONE_OF_ONE),
        (beyond(values, "GreaterThanThreshold", ceiling), ONE_OF_ONE),
        (outside(values, np.full(len(values), mean - K * deviation), mean + K * deviation), THREE_OF_FIVE),
        (outside(values, band.lower(K), band.upper(K)), THREE_OF_FIVE),
    )
    history = History(60, values, band, incidents, begin)
    return {name: judge(history, codes, rule) for name, (codes, rule) in zip(DETECTORS, points, strict=True)}


def _findings(case, values):
    return findings_of(context_of(case, values))


def context_of(case, values, k=K, guarded=("band",)):
    """Return the case as the doctor sees a band alarm on it that stands alone."""
    source = Source("photomgr/experiments", case.name, (), "Sum", 60)
    spec = AlarmSpec(
        name=f"{case.name}-band",
        rule=THREE_OF_FIVE,
        operator="LessThanLowerOrGreaterThanUpperThreshold",
        period=60,
        sources={"m1": source},
        expression="m1",
        k=k,
    )
    return DoctorContext(
        spec=spec,
        values=values,
        band=band_of(case, values),
        role="band",
        guarded=frozenset(guarded),
        kind=case.kind,
        natural_min=case.natural[0],
        natural_max=case.natural[1],
        actions=("arn:aws:sns:local:000000000000:experiment",),
    )
