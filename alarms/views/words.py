"""Alarms in words (pure)."""

from alarms.models import Alarm

STATES = {"OK": "OK", "ALARM": "in alarm", "INSUFFICIENT_DATA": "not enough data"}
# Which icon and colour of the site a state has.
TONES = {"OK": "good", "ALARM": "bad", "INSUFFICIENT_DATA": "waiting"}
_SIGNS = {operator.value: operator.label for operator in Alarm.Operator}


def condition(alarm):
    """Return when the alarm rings, in one line."""
    if alarm.kind == Alarm.Kind.COMPOSITE:
        return alarm.rule
    needed, looked_at = alarm.datapoints or alarm.evaluation_periods, alarm.evaluation_periods
    often = f"{needed} of {looked_at} periods of {length(alarm.period)}"
    what = str(alarm.metric) if alarm.metric else "metric math"
    if alarm.kind == Alarm.Kind.BAND:
        side = alarm.get_side_display() or Alarm.Side.BOTH.label
        return f"{what} {side}, k = {alarm.k or 0:g}, in {often}"
    value = f"{alarm.threshold:g}" if alarm.threshold is not None else "(not computed yet)"
    return f"{what} {_SIGNS.get(alarm.operator, '?')} {value} in {often}"


def length(seconds):
    """Return a period as people say it."""
    for size, word in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds % size == 0:
            return f"{seconds // size} {word}"
    return f"{seconds} s"
