"""CloudWatch's own rules, checked before any call.

Source: botocore's service model and the API reference of PutMetricAlarm, PutCompositeAlarm,
PutAnomalyDetector and PutAlarmMuteRule. Every problem names the field, what was given, what is allowed.
"""

import re
from dataclasses import dataclass
from typing import Any

from alarms.cloudwatch import arns, composite_rules
from alarms.cloudwatch.constants import ACTION_FIELDS
from alarms.cloudwatch.definitions import (
    COMPOSITE_FIELDS,
    METRIC_FIELDS,
    Definition,
    is_composite,
    moment,
    nature_of,
)
from alarms.cloudwatch.metric_alarm_rules import METRIC_ALARM_RULES
from alarms.cloudwatch.metric_rules import ALLOWED_STATS, STAT, Problems, metric_problems
from alarms.cloudwatch.times import is_timezone

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


_WHOLE, _LIST, _OBJECT = (int, "a whole number"), (list, "a list"), (dict, "an object")
_TYPES: dict[str, tuple[Any, str]] = {
    "ActionsEnabled": (bool, "true or false"),
    "Threshold": ((int, float), "a number"),
    **dict.fromkeys(("Period", "EvaluationPeriods", "DatapointsToAlarm", "EvaluationInterval"), _WHOLE),
    **dict.fromkeys(("ActionsSuppressorWaitPeriod", "ActionsSuppressorExtensionPeriod"), _WHOLE),
    **dict.fromkeys((*ACTION_FIELDS, "Dimensions", "Metrics"), _LIST),
    **dict.fromkeys(
        ("EvaluationWindow", "WarmUpConfiguration", "EvaluationCriteria", "ActionConfiguration"), _OBJECT
    ),
}


@dataclass(frozen=True)
class Problem:
    field: str
    given: object
    allowed: str
    alarm: str = ""

    def __str__(self) -> str:
        return f"{self.field} is {_shown(self.given)}; {self.allowed}"

    def as_json(self) -> dict[str, Any]:
        return {
            "alarm": self.alarm,
            "field": self.field,
            "given": self.given,
            "allowed": self.allowed,
            "message": str(self),
        }


def alarm_problems(definition: Definition) -> list[Problem]:
    """Return every problem of one alarm's definition; an empty list when CloudWatch would take it."""
    checks = _COMPOSITE if is_composite(definition) else _METRIC
    name = str(definition.get("AlarmName", ""))
    # What is of another type than it should be cannot be judged further.
    wrong = [Problem(*found, alarm=name) for found in _types(definition)]
    return wrong or [Problem(*found, alarm=name) for check in checks for found in check(definition)]


def prefix_problems(definition: Definition, prefix: str) -> list[Problem]:
    """Return the problem of an alarm whose name does not begin with the prefix of its set."""
    name = definition.get("AlarmName", "")
    if name.startswith(prefix):
        return []
    return [Problem("AlarmName", name, f"it must begin with the prefix of its set, {prefix!r}.", name)]


def _types(d: Definition) -> Problems:
    known = COMPOSITE_FIELDS if is_composite(d) else METRIC_FIELDS
    for field, given in d.items():
        kinds, word = _TYPES.get(field, (str, "text"))
        if field not in known:
            yield field, given, "an alarm of this kind has no such field."
        elif given is not None and (
            not isinstance(given, kinds) or isinstance(given, bool) != (kinds is bool)
        ):
            yield field, given, f"it must be {word}."
    for field in ("Metrics", "Dimensions"):
        if not all(isinstance(part, dict) for part in _listed(d.get(field))):
            yield field, d[field], "it must be a list of objects."
    for query in _listed(d.get("Metrics")):
        stat = query.get("MetricStat") if isinstance(query, dict) else None
        if stat is not None and not (isinstance(stat, dict) and isinstance(stat.get("Metric"), dict)):
            yield "Metrics.MetricStat", stat, "it must be an object with Metric, Period and Stat."
    for field in ACTION_FIELDS:
        if not all(isinstance(part, str) for part in _listed(d.get(field))):
            yield field, d[field], "it must be a list of ARNs."


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _names(d: Definition) -> Problems:
    name = d.get("AlarmName") or ""
    if not 1 <= len(name) <= 255:
        yield "AlarmName", name, "it needs 1 to 255 characters."
    elif _CONTROL.search(name):
        yield "AlarmName", name, "it may not hold control characters."
    if len(d.get("AlarmDescription") or "") > 1024:
        yield "AlarmDescription", f"{len(d['AlarmDescription'])} characters", "at most 1024 are allowed."


def _actions(d: Definition) -> Problems:
    for field in ACTION_FIELDS:
        targets = d.get(field) or []
        if len(targets) > 5:
            yield field, f"{len(targets)} actions", "at most 5 are allowed."
        for target in targets:
            if why := arns.action_problem(target, field, nature_of(d)):
                yield field, target, why
    propagation = (d.get("ActionConfiguration") or {}).get("AlarmTagsPropagation") or {}
    chosen = [key for key in ("IncludedTagKeys", "ExcludedTagKeys") if propagation.get(key)]
    if len(chosen) > 1:
        yield "ActionConfiguration", " and ".join(chosen), "only one of the two may be given."
    for key in chosen:
        if len(propagation[key]) > 50:
            yield f"ActionConfiguration.{key}", f"{len(propagation[key])} keys", "1 to 50 are allowed."


def _rule(d: Definition) -> Problems:
    rule = d.get("AlarmRule") or ""
    if not 1 <= len(rule) <= composite_rules.MOST_CHARACTERS:
        yield "AlarmRule", f"{len(rule)} characters", f"1 to {composite_rules.MOST_CHARACTERS} are allowed."
        return
    try:
        composite_rules.parse(rule)
    except composite_rules.BadRule as bad:
        yield "AlarmRule", rule[:80], f"{bad}."
        return
    children, elements = len(composite_rules.children(rule)), composite_rules.count_elements(rule)
    if children > composite_rules.MOST_CHILDREN:
        yield "AlarmRule", f"{children} alarms", f"at most {composite_rules.MOST_CHILDREN} are allowed."
    if elements > composite_rules.MOST_ELEMENTS:
        yield "AlarmRule", f"{elements} elements", f"at most {composite_rules.MOST_ELEMENTS} are allowed."
    if d.get("AlarmName") in composite_rules.children(rule):
        yield "AlarmRule", d["AlarmName"], "an alarm cannot ask about itself."


def _suppressor(d: Definition) -> Problems:
    for field in ("ActionsSuppressorWaitPeriod", "ActionsSuppressorExtensionPeriod"):
        if d.get("ActionsSuppressor") and d.get(field) is None:
            yield field, None, "an ActionsSuppressor needs it, in seconds."
        if not d.get("ActionsSuppressor") and d.get(field) is not None:
            yield field, d[field], "only with an ActionsSuppressor."


_METRIC = (_names, _actions, *METRIC_ALARM_RULES)
_COMPOSITE = (_names, _actions, _rule, _suppressor)


def detector_problems(detector: Definition, name: str = "") -> list[Problem]:
    return [Problem(*found, alarm=name) for found in _detector(detector)]


def _detector(detector: Definition) -> Problems:
    configuration = detector.get("Configuration") or {}
    ranges = configuration.get("ExcludedTimeRanges") or []
    if len(ranges) > 10:
        yield "ExcludedTimeRanges", f"{len(ranges)} ranges", "at most 10 are allowed."
    for found in ranges:
        if not moment(found["StartTime"]) < moment(found["EndTime"]):
            yield "ExcludedTimeRanges", str(found["StartTime"]), "it must end after it begins."
    zone = configuration.get("MetricTimezone")
    if zone and (len(zone) > 50 or not is_timezone(zone)):
        yield "MetricTimezone", zone, "a name of the time zone database, such as Europe/Berlin."
    single = detector.get("SingleMetricAnomalyDetector")
    if single:
        yield from metric_problems("", single)
        if not STAT.match(single.get("Stat") or ""):
            yield "Stat", single.get("Stat"), ALLOWED_STATS


def _shown(value: object) -> str:
    if value is None or value == "":
        return "missing"
    return repr(value) if isinstance(value, str) else str(value)
