"""Thresholds that follow from the past: "1.3 x max over 30 d"."""

import re
from datetime import timedelta

from django.utils import timezone

from alarms.cloudwatch.constants import RETENTION
from alarms.models import Alarm

_WORDS = {"max": max, "min": min, "average": lambda values: sum(values) / len(values)}


class BadRule(ValueError):
    """A rule that cannot be parsed, or for which there are no data."""


def read_rule(text):
    """Return (factor, function of the values, days) of a rule; raise BadRule."""
    match = re.match(r"^\s*(\d+(?:\.\d+)?)\s*[x×*]\s*(max|min|average)\s+over\s+(\d+)\s*d\s*$", text)
    if not match:
        raise BadRule(f"{text!r} is no rule; write it like 1.3 x max over 30 d (or min, average).")
    days = int(match[3])
    if not 1 <= days <= 455:
        raise BadRule(f"{days} days: data are kept for 1 to 455 days.")
    return float(match[1]), _WORDS[match[2]], days


def refresh_thresholds(alarm_set, backend):
    """Compute the thresholds of a set that have a rule; return ([(alarm, old, new)], [(alarm, why not)]).

    Periods that are no longer kept are read from longer ones: a sum over five minutes counts as five
    equal minutes, so a peak of long ago may be higher than it is taken for.
    """
    done, failed = [], []
    alarms = Alarm.objects.filter(alarm_set=alarm_set).exclude(threshold_rule="")
    for alarm in alarms.select_related("metric"):
        try:
            new = compute_threshold(alarm, backend)
        except BadRule as why:
            failed.append((alarm, str(why)))
            continue
        done.append((alarm, alarm.threshold, new))
        alarm.threshold, alarm.threshold_at = new, timezone.now()
        alarm.save(update_fields=["threshold", "threshold_at", "changed_at"])
    return done, failed


def compute_threshold(alarm, backend):
    factor, combine, days = read_rule(alarm.threshold_rule)
    if alarm.metric is None:
        raise BadRule("only the threshold of a plain metric can follow from the past.")
    now = newest = timezone.now()
    values = []
    for period, kept_for in RETENTION:
        oldest = now - min(kept_for, timedelta(days=days))
        period = max(period, alarm.period)
        points = backend.statistics(alarm.metric, period, oldest, newest) if oldest < newest else []
        scale = alarm.period / period if alarm.metric.stat in ("Sum", "SampleCount") else 1
        values += [value * scale for _, value in points]
        newest = oldest
    if not values:
        raise BadRule(f"there are no data of {alarm.metric} in the last {days} days.")
    return float(f"{factor * combine(values):.6g}")
