"""Findings about false alarms and about what the band can learn."""

import numpy as np

from alarms.analysis.alarm_spec import breaching
from alarms.analysis.backtest import band_points, judge, k_table, suggested_k
from alarms.analysis.evaluation import Rule
from alarms.analysis.periodicity import find_period, find_regime_change
from alarms.doctor.context import ERROR, NOTE, WARNING, Finding, Fix

# With less, a rate per week says nothing.
_LEAST_WEEKS = 0.5


def too_narrow(context):
    if not context.has_band or context.history.weeks < _LEAST_WEEKS:
        return None
    verdict = judge(context.history, _points(context), context.spec.rule, context.spec.k)
    if verdict.false_alarms_per_week <= context.budget:
        return None
    table = k_table(context.history, context.spec.rule, context.spec.side)
    k = suggested_k(table, context.budget)
    advice = f"k = {k:g} keeps it" if k else "no k up to 10 keeps it"
    return Finding(
        "A05",
        WARNING,
        f"{verdict.false_alarms_per_week:.1f} false alarms a week at k = {context.spec.k:g}, "
        f"the budget is {context.budget:g}: {advice}.",
        {"per_week": verdict.false_alarms_per_week, "budget": context.budget, "suggested_k": k},
        Fix(f"Set k to {k:g}", "change_alarm", {"k": k}) if k else None,
    )


def one_of_one(context):
    rule = context.spec.rule
    if rule.n != 1 or not len(context.seen) or context.history.weeks < _LEAST_WEEKS:
        return None
    if context.spec.k is not None and not context.has_band:
        return None
    points = _points(context)
    alone = judge(context.history, points, rule).false_alarms_per_week
    patient = Rule(n=5, m=3, missing=rule.missing)
    calmer = judge(context.history, points, patient).false_alarms_per_week
    if alone <= context.budget or calmer >= alone / 2:
        return None
    return Finding(
        "A10",
        WARNING,
        f"One stray datapoint alarms: {alone:.1f} false alarms a week. With 3 of 5 it would be {calmer:.1f}.",
        {"per_week": alone, "per_week_3_of_5": calmer},
        Fix("Ask for 3 of 5", "change_alarm", {"evaluation_periods": 5, "datapoints": 3}),
    )


def unsupported_period(context):
    if context.spec.k is None:
        return None
    found = find_period(context.values, context.spec.period)
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


def no_season(context):
    if not context.has_band or context.days < 3 or find_period(context.values, context.spec.period):
        return None
    lower, upper = context.edges
    moves = np.subtract(*np.quantile((lower + upper) / 2, [0.95, 0.05]))
    width = float(np.median(upper - lower))
    if moves > width / 2:
        return None
    fix = Fix("Switch the band off; floor and ceiling stay", "change_alarm", {"enabled": False})
    return Finding(
        "A08",
        NOTE,
        f"No season at all: the expected value moves by {moves:.3g} within a band {width:.3g} wide. "
        "Static bounds do the same for a third of the price.",
        {"moves": float(moves), "width": width, "lower": float(lower.mean()), "upper": float(upper.mean())},
        fix if {"floor", "ceiling"} <= context.guarded else None,
    )


def too_little_history(context):
    if context.spec.k is None:
        return None
    if context.detector_state in ("PENDING_TRAINING", "TRAINED_INSUFFICIENT_DATA"):
        return Finding(
            "A09",
            WARNING,
            f"CloudWatch's detector says {context.detector_state}: until it is trained nothing alarms.",
            {"days": context.days, "detector": context.detector_state},
        )
    if context.days >= 14:
        return None
    severity, why = NOTE, "a weekly pattern needs 14."
    if not context.has_band:
        severity, why = ERROR, "there is no band yet and nothing can alarm."
    message = f"{context.days:.1f} days of history: {why}"
    return Finding("A09", severity, message, {"days": context.days})


def regime_changed(context):
    if context.spec.k is None:
        return None
    change = find_regime_change(context.values, context.spec.period)
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


def _points(context):
    if context.spec.k is None:
        return breaching(context.spec, context.values)
    return band_points(context.history, context.spec.k, context.spec.side)


RULES = (too_narrow, one_of_one, unsupported_period, no_season, too_little_history, regime_changed)
