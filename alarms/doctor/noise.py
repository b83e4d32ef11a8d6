"""Findings about false alarms and about what the band can learn."""

import numpy as np

from alarms.analysis.alarm_spec import breaching
from alarms.analysis.backtest import band_points, judge, k_table, suggested_k
from alarms.analysis.evaluation import Rule
from alarms.analysis.periodicity import find_period, find_regime_change
from alarms.doctor.context import ERROR, NOTE, WARNING, Finding, Fix

# With less, a rate per week says nothing.
_LEAST_WEEKS = 0.5


def too_narrow(sheet):
    """A05: more false alarms than the budget allows."""
    if not sheet.has_band or sheet.history.weeks < _LEAST_WEEKS:
        return None
    verdict = judge(sheet.history, _points(sheet), sheet.watch.rule, sheet.watch.k)
    if verdict.false_alarms_per_week <= sheet.budget:
        return None
    table = k_table(sheet.history, sheet.watch.rule, sheet.watch.side)
    k = suggested_k(table, sheet.budget)
    told = f"k = {k:g} keeps it" if k else "no k up to 10 keeps it"
    return Finding(
        "A05",
        WARNING,
        f"{verdict.false_alarms_per_week:.1f} false alarms a week at k = {sheet.watch.k:g}, "
        f"the budget is {sheet.budget:g}: {told}.",
        {"per_week": verdict.false_alarms_per_week, "budget": sheet.budget, "suggested_k": k},
        Fix(f"Set k to {k:g}", "change_alarm", {"k": k}) if k else None,
    )


def one_of_one(sheet):
    """A10: a single datapoint rings, and single datapoints stray."""
    rule = sheet.watch.rule
    if rule.n != 1 or not len(sheet.seen) or sheet.history.weeks < _LEAST_WEEKS:
        return None
    if sheet.watch.k is not None and not sheet.has_band:
        return None
    points = _points(sheet)
    alone = judge(sheet.history, points, rule).false_alarms_per_week
    patient = Rule(n=5, m=3, missing=rule.missing)
    calmer = judge(sheet.history, points, patient).false_alarms_per_week
    if alone <= sheet.budget or calmer >= alone / 2:
        return None
    return Finding(
        "A10",
        WARNING,
        f"One stray datapoint rings: {alone:.1f} false alarms a week. With 3 of 5 it would be {calmer:.1f}.",
        {"per_week": alone, "per_week_3_of_5": calmer},
        Fix("Ask for 3 of 5", "change_alarm", {"evaluation_periods": 5, "datapoints": 3}),
    )


def unsupported_period(sheet):
    """A07: it repeats, but not by the hour, day or week."""
    if sheet.watch.k is None:
        return None
    found = find_period(sheet.values, sheet.watch.period)
    if found is None or found.season is not None:
        return None
    return Finding(
        "A07",
        WARNING,
        f"It repeats every {found.seconds / 60:.0f} min (strength {found.strength:.2f}), which is "
        "not hourly, daily or weekly: no band learns that. "
        "Start the cause by the clock, or allow periodic spikes.",
        {"minutes": found.seconds / 60, "strength": found.strength},
        Fix("Allow periodic spikes", "change_detector", {"periodic_spikes": True}),
    )


def no_season(sheet):
    """A08: the band is a pair of thresholds at three times the price."""
    if not sheet.has_band or sheet.days < 3 or find_period(sheet.values, sheet.watch.period):
        return None
    lower, upper = sheet.edges
    moves = np.subtract(*np.quantile((lower + upper) / 2, [0.95, 0.05]))
    width = float(np.median(upper - lower))
    if moves > width / 2:
        return None
    both = {"floor", "ceiling"} <= sheet.guarded
    return Finding(
        "A08",
        NOTE,
        f"No season at all: the expected value moves by {moves:.3g} within a band {width:.3g} wide. "
        "Static bounds do the same for a third of the price.",
        {"moves": float(moves), "width": width, "lower": float(lower.mean()), "upper": float(upper.mean())},
        Fix("Switch the band off; floor and ceiling stay", "change_alarm", {"enabled": False})
        if both
        else None,
    )


def too_little_history(sheet):
    """A09: there is no band yet, or it has not seen its season twice."""
    if sheet.watch.k is None:
        return None
    if sheet.detector_state in ("PENDING_TRAINING", "TRAINED_INSUFFICIENT_DATA"):
        return Finding(
            "A09",
            WARNING,
            f"CloudWatch's detector says {sheet.detector_state}: until it is trained nothing rings.",
            {"days": sheet.days, "detector": sheet.detector_state},
        )
    if sheet.days >= 14:
        return None
    silent = not sheet.has_band
    return Finding(
        "A09",
        ERROR if silent else NOTE,
        f"{sheet.days:.1f} days of history: "
        + ("there is no band yet and nothing can ring." if silent else "a weekly pattern needs 14."),
        {"days": sheet.days},
    )


def regime_changed(sheet):
    """A18: it repeats otherwise than it did."""
    if sheet.watch.k is None:
        return None
    change = find_regime_change(sheet.values, sheet.watch.period)
    if change is None:
        return None
    before, after = change.before.seconds / 60, change.after.seconds / 60
    return Finding(
        "A18",
        WARNING,
        f"The pattern changed: it repeated every {before:.0f} min and now does every {after:.0f} min. "
        "What it learnt before misleads the band.",
        {"before_minutes": before, "after_minutes": after},
        Fix("Forget what was before", "exclude", {"places": [0, change.since]}),
    )


def _points(sheet):
    if sheet.watch.k is None:
        return breaching(sheet.watch, sheet.values)
    return band_points(sheet.history, sheet.watch.k, sheet.watch.side)


RULES = (too_narrow, one_of_one, unsupported_period, no_season, too_little_history, regime_changed)
