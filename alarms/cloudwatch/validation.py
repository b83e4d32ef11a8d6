"""CloudWatch's own rules, checked before any call.

Source: botocore's service model and the API reference of PutMetricAlarm, PutCompositeAlarm,
PutAnomalyDetector and PutAlarmMuteRule. Every problem names the field, what was given, what is allowed.
"""

import re
from dataclasses import dataclass
from typing import Any

from alarms.cloudwatch import arns, composite_rules
from alarms.cloudwatch.constants import ACTION_FIELDS
from alarms.cloudwatch.definitions import COMPOSITE_FIELDS, METRIC_FIELDS, Definition, is_composite, nature_of
from alarms.cloudwatch.metric_alarm_rules import METRIC_ALARM_RULES
from alarms.cloudwatch.metric_rules import Problems, metric_problems, stat_problems
from alarms.cloudwatch.times import aware, is_timezone

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
        given = repr(self.given) if isinstance(self.given, str) else str(self.given)
        return f"{self.field} is {'missing' if self.given in (None, '') else given}; {self.allowed}"

    def as_json(self) -> dict[str, Any]:
        return {"alarm": self.alarm, **vars(self), "message": str(self)}


def alarm_problems(definition: Definition) -> list[Problem]:
    checks = _COMPOSITE if is_composite(definition) else _METRIC
    name = str(definition.get("AlarmName", ""))
    # What is of another type than it should be cannot be judged further.
    wrong = [Problem(*found, alarm=name) for found in _types(definition)]
    return wrong or [Problem(*found, alarm=name) for check in checks for found in check(definition)]


def prefix_problems(definition: Definition, prefix: str) -> list[Problem]:
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
    lists = {field: given for field, given in d.items() if isinstance(given, list)}
    for field in ("Metrics", "Dimensions"):
        if not all(isinstance(part, dict) for part in lists.get(field, [])):
            yield field, d[field], "it must be a list of objects."
    for query in lists.get("Metrics", []):
        stat = query.get("MetricStat") if isinstance(query, dict) else None
        if stat is not None and not (isinstance(stat, dict) and isinstance(stat.get("Metric"), dict)):
            yield "Metrics.MetricStat", stat, "it must be an object with Metric, Period and Stat."
    for field in ACTION_FIELDS:
        if not all(isinstance(part, str) for part in lists.get(field, [])):
            yield field, d[field], "it must be a list of ARNs."


def _names(d: Definition) -> Problems:
    name = d.get("AlarmName") or ""
    if not 1 <= len(name) <= 255:
        yield "AlarmName", name, "it needs 1 to 255 characters."
    elif re.search(r"[\x00-\x1f\x7f]", name):
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
    if not 1 <= len(rule) <= 10_240:
        yield "AlarmRule", f"{len(rule)} characters", "1 to 10240 are allowed."
        return
    try:
        composite_rules.parse(rule)
    except composite_rules.BadRule as bad:
        yield "AlarmRule", rule[:80], f"{bad}."
        return
    children, elements = composite_rules.children(rule), composite_rules.count_elements(rule)
    if len(children) > 100:
        yield "AlarmRule", f"{len(children)} alarms", "at most 100 are allowed."
    if elements > 500:
        yield "AlarmRule", f"{elements} elements", "at most 500 are allowed."
    if d.get("AlarmName") in children:
        yield "AlarmRule", d["AlarmName"], "an alarm cannot ask about itself."


def _suppressor(d: Definition) -> Problems:
    for field in ("ActionsSuppressorWaitPeriod", "ActionsSuppressorExtensionPeriod"):
        if d.get("ActionsSuppressor") and d.get(field) is None:
            yield field, None, "an ActionsSuppressor needs it, in seconds."
        if not d.get("ActionsSuppressor") and d.get(field) is not None:
            yield field, d[field], "only with an ActionsSuppressor."


_METRIC = (_names, _actions, *METRIC_ALARM_RULES)
_COMPOSITE = (_names, _actions, _rule, _suppressor)


def detector_problems(detector: Definition) -> list[Problem]:
    return [Problem(*found) for found in _detector(detector)]


def _detector(detector: Definition) -> Problems:
    configuration = detector.get("Configuration") or {}
    ranges = configuration.get("ExcludedTimeRanges") or []
    if len(ranges) > 10:
        yield "ExcludedTimeRanges", f"{len(ranges)} ranges", "at most 10 are allowed."
    for found in ranges:
        if not aware(found["StartTime"]) < aware(found["EndTime"]):
            yield "ExcludedTimeRanges", str(found["StartTime"]), "it must end after it begins."
    zone = configuration.get("MetricTimezone")
    if zone and (len(zone) > 50 or not is_timezone(zone)):
        yield "MetricTimezone", zone, "a name of the time zone database, such as Europe/Berlin."
    if single := detector.get("SingleMetricAnomalyDetector"):
        yield from metric_problems("", single)
        yield from stat_problems("", single)
