"""CloudWatch's own rules, checked before any call (pure).

Source: botocore's service model and the API reference of PutMetricAlarm, PutCompositeAlarm,
PutAnomalyDetector and PutAlarmMuteRule. Every problem names the field, what was given, what is allowed.
"""

import math
import re
from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from alarms.cloudwatch import arns, composite_rules
from alarms.cloudwatch.constants import (
    ACTION_FIELDS,
    DAY,
    HOUR,
    MISSING_POLICIES,
    SIDES,
    STATIC_OPERATORS,
    STATISTICS,
    WEEK,
)
from alarms.cloudwatch.definitions import BAND, COMPOSITE_FIELDS, METRIC_FIELDS, is_composite, moment
from alarms.cloudwatch.query_rules import query_problems

UNITS = (
    *("Seconds", "Microseconds", "Milliseconds", "Percent", "Count", "Count/Second", "None"),
    *(f"{size}{what}" for size in ("", "Kilo", "Mega", "Giga", "Tera") for what in ("bytes", "bits")),
)
UNITS = tuple(unit[0].upper() + unit[1:] for unit in UNITS)
UNITS += tuple(f"{unit}/Second" for unit in UNITS if unit.lower().endswith(("bytes", "bits")))
STAT = re.compile(
    r"(?:SampleCount|Average|Sum|Minimum|Maximum|IQM"
    r"|(?:p|tc|tm|ts|wm)(?:\d{1,2}(?:\.\d{0,10})?|100)"
    r"|PR\([-+.\deE]*:[-+.\deE]*\)|(?:TM|TC|TS|WM)\([-+.\deE]*%?:[-+.\deE]*%?\))$"
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SINGLE = ("Namespace", "MetricName", "Dimensions", "Period", "Unit", "Statistic", "ExtendedStatistic")


_WHOLE, _LIST, _OBJECT = (int, "a whole number"), (list, "a list"), (dict, "an object")
_TYPES = {
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
    """What is wrong with one field."""

    field: str
    given: object
    allowed: str
    alarm: str = ""

    def __str__(self):
        return f"{self.field} is {_shown(self.given)}; {self.allowed}"

    def as_json(self):
        return {
            "alarm": self.alarm,
            "field": self.field,
            "given": self.given,
            "allowed": self.allowed,
            "message": str(self),
        }


def alarm_problems(definition):
    """Return every problem of one alarm's definition; an empty list when CloudWatch would take it."""
    checks = _COMPOSITE if is_composite(definition) else _METRIC
    name = str(definition.get("AlarmName", ""))
    # What is of another type than it should be cannot be judged further.
    wrong = [Problem(*found, alarm=name) for found in _types(definition)]
    return wrong or [Problem(*found, alarm=name) for check in checks for found in check(definition)]


def prefix_problems(definition, prefix):
    """Return the problem of an alarm whose name does not begin with the prefix of its set."""
    name = definition.get("AlarmName", "")
    if name.startswith(prefix):
        return []
    return [Problem("AlarmName", name, f"it must begin with the prefix of its set, {prefix!r}.", name)]


def _types(d):
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


def _listed(value):
    return value if isinstance(value, list) else []


def _names(d):
    name = d.get("AlarmName") or ""
    if not 1 <= len(name) <= 255:
        yield "AlarmName", name, "it needs 1 to 255 characters."
    elif _CONTROL.search(name):
        yield "AlarmName", name, "it may not hold control characters."
    if len(d.get("AlarmDescription") or "") > 1024:
        yield "AlarmDescription", f"{len(d['AlarmDescription'])} characters", "at most 1024 are allowed."


def _actions(d):
    for field in ACTION_FIELDS:
        targets = d.get(field) or []
        if len(targets) > 5:
            yield field, f"{len(targets)} actions", "at most 5 are allowed."
        for target in targets:
            if why := arns.action_problem(target, field, _nature(d)):
                yield field, target, why
    propagation = (d.get("ActionConfiguration") or {}).get("AlarmTagsPropagation") or {}
    chosen = [key for key in ("IncludedTagKeys", "ExcludedTagKeys") if propagation.get(key)]
    if len(chosen) > 1:
        yield "ActionConfiguration", " and ".join(chosen), "only one of the two may be given."
    for key in chosen:
        if len(propagation[key]) > 50:
            yield f"ActionConfiguration.{key}", f"{len(propagation[key])} keys", "1 to 50 are allowed."


def _nature(d):
    if is_composite(d):
        return "composite"
    if d.get("ComparisonOperator") in SIDES:
        return "band"
    return "math" if d.get("Metrics") else "single"


def _source(d):
    given = [field for field in ("MetricName", "Metrics", "EvaluationCriteria") if d.get(field)]
    if len(given) != 1:
        field = "Metrics" if len(given) > 1 else "MetricName"
        yield (
            field,
            " and ".join(given) or None,
            "give exactly one of MetricName, Metrics, EvaluationCriteria.",
        )
    if d.get("Metrics"):
        for field in _SINGLE:
            if d.get(field):
                yield field, d[field], "with Metrics it must be left out."
    if d.get("EvaluationInterval") is not None:
        if not d.get("EvaluationCriteria"):
            yield "EvaluationInterval", d["EvaluationInterval"], "only with EvaluationCriteria."
        elif not 10 <= d["EvaluationInterval"] <= 3600:
            yield "EvaluationInterval", d["EvaluationInterval"], "10 to 3600 seconds are allowed."
    if d.get("EvaluationCriteria"):
        for field in ("TreatMissingData", "EvaluateLowSampleCountPercentile"):
            if d.get(field):
                yield field, d[field], "not for PromQL alarms."


def _metric(d):
    if not d.get("MetricName"):
        return
    stats = [field for field in ("Statistic", "ExtendedStatistic") if d.get(field)]
    if len(stats) != 1:
        field = stats[-1] if stats else "Statistic"
        yield field, " and ".join(stats) or None, "give exactly one of Statistic and ExtendedStatistic."
    if d.get("Statistic") and d["Statistic"] not in STATISTICS:
        yield (
            "Statistic",
            d["Statistic"],
            f"one of {', '.join(STATISTICS)}; percentiles are ExtendedStatistic.",
        )
    if d.get("ExtendedStatistic") and not (
        STAT.match(d["ExtendedStatistic"]) and d["ExtendedStatistic"] not in STATISTICS
    ):
        yield (
            "ExtendedStatistic",
            d["ExtendedStatistic"],
            "such as p99, p99.9, tm90, IQM, PR(0:100), TM(10%:90%).",
        )
    yield from metric_problems("", d)
    if d.get("Period") is None:
        yield "Period", None, "it is needed: 10, 20, 30 or a multiple of 60 seconds."


def metric_problems(place, d):
    """Yield (field, given, allowed) for the names, dimensions and unit of one metric."""
    namespace, name = d.get("Namespace") or "", d.get("MetricName") or ""
    if not 1 <= len(namespace) <= 255 or namespace.startswith(":"):
        yield f"{place}Namespace", namespace, "1 to 255 characters, and no colon first."
    if not 1 <= len(name) <= 255:
        yield f"{place}MetricName", name, "1 to 255 characters are needed."
    dimensions = d.get("Dimensions") or []
    if len(dimensions) > 30:
        yield f"{place}Dimensions", f"{len(dimensions)} dimensions", "at most 30 are allowed."
    for dimension in dimensions:
        key, given = str(dimension.get("Name", "")), str(dimension.get("Value", ""))
        if not 1 <= len(key) <= 255 or key.startswith(":") or not key.isascii():
            yield f"{place}Dimensions", key, "a name has 1 to 255 ASCII characters, and no colon first."
        if not 1 <= len(given) <= 1024 or not given.isascii():
            yield f"{place}Dimensions", given, "a value has 1 to 1024 ASCII characters."
    if d.get("Unit") and d["Unit"] not in UNITS:
        yield f"{place}Unit", d["Unit"], f"one of {', '.join(UNITS)}; best left out."


def _queries(d):
    if d.get("Metrics"):
        yield from query_problems(d, metric_problems, period_problem, STAT)


def _threshold(d):
    operator = d.get("ComparisonOperator")
    if d.get("EvaluationCriteria"):
        return
    allowed = (*STATIC_OPERATORS, *SIDES)
    if operator not in allowed:
        yield "ComparisonOperator", operator, f"one of {', '.join(allowed)}."
    elif operator in STATIC_OPERATORS:
        if d.get("Threshold") is None:
            yield "Threshold", None, f"{operator} needs one."
        elif not math.isfinite(d["Threshold"]):
            yield "Threshold", d["Threshold"], "a finite number is needed."
        if d.get("ThresholdMetricId"):
            yield "ThresholdMetricId", d["ThresholdMetricId"], f"{operator} takes a Threshold instead."
    else:
        yield from _band(d, operator)


def _band(d, operator):
    if d.get("Threshold") is not None:
        yield "Threshold", d["Threshold"], f"{operator} takes a ThresholdMetricId instead."
    band = d.get("ThresholdMetricId")
    if not band:
        yield "ThresholdMetricId", None, f"{operator} needs the Id of an ANOMALY_DETECTION_BAND."
        return
    queries = {query.get("Id"): query for query in d.get("Metrics") or []}
    match = BAND.match((queries.get(band) or {}).get("Expression") or "")
    if not match:
        yield "ThresholdMetricId", band, "it must be the Id of an ANOMALY_DETECTION_BAND(id, k) in Metrics."
    elif match[1] not in queries:
        yield "Metrics", f"ANOMALY_DETECTION_BAND({match[1]})", f"there is no query with the Id {match[1]!r}."
    elif match[2] and not 0 < float(match[2]) < math.inf:
        yield "Metrics", match[0], "k must be above 0."


def period_problem(period):
    """Return what is allowed when a period is none that CloudWatch knows, else None."""
    if period in (10, 20, 30) or (isinstance(period, int) and period >= 60 and period % 60 == 0):
        return None
    return "10, 20, 30 or a multiple of 60 seconds are allowed."


def _periods(d):
    period, n, m = d.get("Period"), d.get("EvaluationPeriods"), d.get("DatapointsToAlarm")
    if period is not None and (allowed := period_problem(period)):
        yield "Period", period, allowed
    if d.get("EvaluationCriteria"):
        return
    if not isinstance(n, int) or n < 1:
        yield "EvaluationPeriods", n, "it must be 1 or more."
        return
    if m is not None and not 1 <= m <= n:
        yield "DatapointsToAlarm", m, f"it must be 1 to EvaluationPeriods, which is {n}."
    longest = max([period or 0, *_query_periods(d)])
    limit = WEEK if longest >= HOUR else DAY
    if longest * n > limit:
        yield (
            "EvaluationPeriods",
            n,
            f"{n} periods of {longest} s are {longest * n} s; at most {limit} s are allowed.",
        )
    if _nature(d) == "band" and 0 < longest < 60:
        yield "Period", longest, "a band needs 60 seconds or more."


def _query_periods(d):
    for query in d.get("Metrics") or []:
        yield (query.get("MetricStat") or {}).get("Period") or query.get("Period") or 0


def _missing(d):
    missing = d.get("TreatMissingData")
    if missing is not None and missing not in MISSING_POLICIES:
        yield "TreatMissingData", missing, f"one of {', '.join(MISSING_POLICIES)}."
    samples = d.get("EvaluateLowSampleCountPercentile")
    if samples is not None and samples not in ("evaluate", "ignore"):
        yield "EvaluateLowSampleCountPercentile", samples, "evaluate or ignore."
    elif samples and not (d.get("ExtendedStatistic") or "").startswith("p"):
        yield "EvaluateLowSampleCountPercentile", samples, "only with a percentile."
    warm_up = (d.get("WarmUpConfiguration") or {}).get("WarmUpPeriodDurationInMinutes")
    if warm_up is not None and not 1 <= warm_up <= 2880:
        yield "WarmUpConfiguration", warm_up, "1 to 2880 minutes are allowed."


def _rule(d):
    rule = d.get("AlarmRule") or ""
    if not 1 <= len(rule) <= composite_rules.MOST_CHARACTERS:
        yield "AlarmRule", f"{len(rule)} characters", f"1 to {composite_rules.MOST_CHARACTERS} are allowed."
        return
    try:
        composite_rules.read(rule)
    except composite_rules.BadRule as bad:
        yield "AlarmRule", rule[:80], f"{bad}."
        return
    children, elements = len(composite_rules.children(rule)), composite_rules.elements(rule)
    if children > composite_rules.MOST_CHILDREN:
        yield "AlarmRule", f"{children} alarms", f"at most {composite_rules.MOST_CHILDREN} are allowed."
    if elements > composite_rules.MOST_ELEMENTS:
        yield "AlarmRule", f"{elements} elements", f"at most {composite_rules.MOST_ELEMENTS} are allowed."
    if d.get("AlarmName") in composite_rules.children(rule):
        yield "AlarmRule", d["AlarmName"], "an alarm cannot ask about itself."


def _suppressor(d):
    periods = ("ActionsSuppressorWaitPeriod", "ActionsSuppressorExtensionPeriod")
    for field in periods:
        if d.get("ActionsSuppressor") and d.get(field) is None:
            yield field, None, "an ActionsSuppressor needs it, in seconds."
        if not d.get("ActionsSuppressor") and d.get(field) is not None:
            yield field, d[field], "only with an ActionsSuppressor."


_METRIC = (_names, _actions, _source, _metric, _queries, _threshold, _periods, _missing)
_COMPOSITE = (_names, _actions, _rule, _suppressor)


def detector_problems(detector, name=""):
    """Return every problem of one detector's definition."""
    return [Problem(*found, alarm=name) for found in _detector(detector)]


def _detector(detector):
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
            yield "Stat", single.get("Stat"), "such as Average, Sum, p99, TM(10%:90%)."


def is_timezone(name):
    """Return whether the time zone database knows the name."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _shown(value):
    return (
        "missing" if value is None or value == "" else repr(value) if isinstance(value, str) else str(value)
    )
