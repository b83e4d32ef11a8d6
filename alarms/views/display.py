"""How pages show alarms: the words, and which icon and colour of the site a state has."""

from alarms.models import Alarm
from alarms.models.state import State

TONES = {
    **{"OK": "good", "ALARM": "bad", "INSUFFICIENT_DATA": "waiting"},
    **{"note": "waiting", "warning": "warn", "error": "bad"},
    **{"waiting": "waiting", "running": "waiting", "done": "good", "partial": "warn", "failed": "bad"},
}


def state_of(alarm, existing):
    """Return the state of an alarm in words and its tone; `existing` is the ExistingAlarm or None."""
    if existing and existing.state in State:
        return {"state": State(existing.state).label, "tone": TONES[existing.state]}
    return {"state": "not applied" if alarm.enabled else "off", "tone": "waiting"}


def condition(alarm):
    if alarm.kind == Alarm.Kind.COMPOSITE:
        return alarm.rule
    needed, looked_at = alarm.datapoints or alarm.evaluation_periods, alarm.evaluation_periods
    often = f"{needed} of {looked_at} periods of {period(alarm.period)}"
    what = str(alarm.metric) if alarm.metric else "metric math"
    if alarm.kind == Alarm.Kind.BAND:
        side = alarm.get_side_display() or Alarm.Side.BOTH.label
        return f"{what} {side}, k = {alarm.k or 0:g}, in {often}"
    value = f"{alarm.threshold:g}" if alarm.threshold is not None else "(not computed yet)"
    return f"{what} {alarm.get_operator_display() or '?'} {value} in {often}"


def period(seconds):
    for size, word in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds % size == 0:
            return f"{seconds // size} {word}"
    return f"{seconds} s"
