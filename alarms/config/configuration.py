"""Rows become definitions in CloudWatch's shape."""

from alarms.cloudwatch.composite_rules import normal_rule
from alarms.cloudwatch.constants import ACTION_FIELD_OF, BAND_OPERATORS
from alarms.cloudwatch.definitions import alarm_name, detector_key, detectors_of, is_composite
from alarms.cloudwatch.metric_rules import STATISTICS
from alarms.cloudwatch.plan import Wanted, dependencies
from alarms.cloudwatch.validation import Problem, alarm_problems, detector_problems, prefix_problems
from alarms.models import Alarm, AlarmSet, Detector

# Which field of PutMetricAlarm or PutCompositeAlarm an attribute of an alarm stands for.
FIELDS = {
    "name": "AlarmName",
    "description": "AlarmDescription",
    "period": "Period",
    "evaluation_periods": "EvaluationPeriods",
    "missing": "TreatMissingData",
    "datapoints": "DatapointsToAlarm",
    "operator": "ComparisonOperator",
    "threshold": "Threshold",
    "low_samples": "EvaluateLowSampleCountPercentile",
    "rule": "AlarmRule",
    "suppressor": "ActionsSuppressor",
    "suppressor_wait": "ActionsSuppressorWaitPeriod",
    "suppressor_extension": "ActionsSuppressorExtensionPeriod",
}
_EVALUATION = ("evaluation_periods", "missing", "datapoints")
_THRESHOLD = ("operator", "threshold")


def load(alarm_set):
    """Return (Wanted, problems) of a set; a set with problems is never applied."""
    alarms = list(Alarm.objects.filter(alarm_set=alarm_set).for_definitions())
    definitions = {alarm.name: definition_of(alarm) for alarm in alarms if alarm.enabled}
    detectors, known = _detectors(alarm_set, definitions)
    wanted = Wanted(
        prefix=alarm_set.prefix,
        alarms=definitions,
        detectors=detectors,
        switched_off=frozenset(alarm.name for alarm in alarms if not alarm.enabled),
        known_detectors=known,
        tags={alarm.name: tags_of(alarm) for alarm in alarms if alarm.enabled},
    )
    found = [problem for d in definitions.values() for problem in alarm_problems(d)]
    found += [problem for d in definitions.values() for problem in prefix_problems(d, alarm_set.prefix)]
    found += [problem for d in detectors.values() for problem in detector_problems(d)]
    return wanted, found + _composite_problems(alarm_set.prefix, definitions) + overlaps(alarm_set)


def overlaps(alarm_set):
    """Return the problem of a prefix that another set of the Region shares a part of."""
    ours = alarm_set.prefix
    return [
        Problem("prefix", ours, f"the set {other.name} has {other.prefix!r}: names would belong to both.")
        for other in AlarmSet.objects.filter(region=alarm_set.region).exclude(pk=alarm_set.pk)
        if other.prefix.startswith(ours) or ours.startswith(other.prefix)
    ]


def definition_of(alarm):
    """Return the alarm as PutMetricAlarm or PutCompositeAlarm takes it, without Tags."""
    result = _fields(alarm, "name", "description")
    if not alarm.actions_enabled:
        result["ActionsEnabled"] = False
    result |= _actions(alarm)
    match alarm.kind:
        case Alarm.Kind.STATIC:
            result |= _static(alarm)
        case Alarm.Kind.BAND:
            result |= _band(alarm)
        case Alarm.Kind.MATH:
            result |= {"Metrics": alarm.queries, **_fields(alarm, *_EVALUATION, *_THRESHOLD)}
        case Alarm.Kind.COMPOSITE:
            suppressor = _fields(alarm, "suppressor", "suppressor_wait", "suppressor_extension")
            result |= {"AlarmRule": alarm.rule, **suppressor}
    return {**result, **alarm.extra}


def tags_of(alarm):
    owner = {"Owner": alarm.alarm_set.owner} if alarm.alarm_set.owner else {}
    return {**owner, **alarm.tags}


def detector_definition(detector):
    if detector.metric:
        result = {"SingleMetricAnomalyDetector": _metric(detector.metric, Stat=detector.metric.stat)}
    else:
        result = {"MetricMathAnomalyDetector": {"MetricDataQueries": detector.queries}}
    configuration = {
        "ExcludedTimeRanges": [
            {"StartTime": excluded.starts_at.isoformat(), "EndTime": excluded.ends_at.isoformat()}
            for excluded in detector.excluded_ranges.all()
        ],
        "MetricTimezone": detector.timezone,
        "AdaptationSpeed": detector.adaptation,
        "OutlierFilteringStrength": detector.filtering,
    }
    if configuration := {name: value for name, value in configuration.items() if value}:
        result["Configuration"] = configuration
    if detector.periodic_spikes:
        result["MetricCharacteristics"] = {"PeriodicSpikes": True}
    return result


def _detectors(alarm_set, definitions):
    """Return (the detectors that shall be, by key; the keys of all that are or were ours)."""
    used = detectors_of(definitions.values())
    rows = Detector.objects.filter(alarm_set=alarm_set).select_related("metric")
    found, known = {}, set()
    for row in rows.prefetch_related("excluded_ranges"):
        definition = detector_definition(row)
        known.add(key := detector_key(definition))
        if row.keep or key in used:
            found[key] = definition
    return found, frozenset(known)


def _actions(alarm):
    own = {}
    for found in alarm.alarm_actions.all() if alarm.pk else ():
        own.setdefault(ACTION_FIELD_OF[found.state], []).append(found.action.arn)
    defaults = [action.arn for action in alarm.alarm_set.default_actions.all()]
    if not own and alarm.use_default_actions and defaults:
        own["AlarmActions"] = defaults
    return {field: sorted(arns) for field, arns in own.items()}


def _fields(alarm, *names):
    """Return the fields that these attributes of an alarm stand for, without empty ones."""
    values = {FIELDS[name]: getattr(alarm, name) for name in names}
    return {field: value for field, value in values.items() if value not in (None, "")}


def _metric(metric, **stat):
    dimensions = {"Dimensions": metric.dimension_list()} if metric.dimensions else {}
    return {"Namespace": metric.namespace, "MetricName": metric.name, **stat, **dimensions}


def _static(alarm):
    result = _fields(alarm, "period", *_EVALUATION, *_THRESHOLD, "low_samples")
    if alarm.metric:
        stat = "Statistic" if alarm.metric.stat in STATISTICS else "ExtendedStatistic"
        result.update(_metric(alarm.metric, **{stat: alarm.metric.stat}))
        if alarm.metric.unit:
            result["Unit"] = alarm.metric.unit
    return result


def _band(alarm):
    result = {**_fields(alarm, *_EVALUATION), "ComparisonOperator": BAND_OPERATORS.get(alarm.side or "both")}
    queries = [dict(query) for query in alarm.queries] or band_queries(alarm.metric, alarm.period)
    if band := next((q for q in queries if "ANOMALY_DETECTION_BAND" in (q.get("Expression") or "")), None):
        result["ThresholdMetricId"] = band["Id"]
        if alarm.k is not None:
            compared = band["Expression"].split("(", 1)[1].split(",")[0].strip(" )")
            band["Expression"] = f"ANOMALY_DETECTION_BAND({compared}, {alarm.k:g})"
    return {**result, "Metrics": queries}


def band_queries(metric, period):
    """Return the queries of a plain band: the metric as m1, the band around it as ad1."""
    if metric is None:
        return []
    stat = {"Metric": _metric(metric), "Period": period, "Stat": metric.stat}
    if metric.unit:
        stat["Unit"] = metric.unit
    return [
        {"Id": "m1", "MetricStat": stat, "ReturnData": True},
        {"Id": "ad1", "Expression": "ANOMALY_DETECTION_BAND(m1, 2)", "ReturnData": True},
    ]


def _composite_problems(prefix, definitions):
    """Return what only shows when all are seen: children that will not exist, and cycles."""
    needed = {name: dependencies(d) for name, d in definitions.items() if is_composite(d)}
    found = []
    for name, children in needed.items():
        for child in map(alarm_name, children):
            if child.startswith(prefix) and child not in definitions:
                found.append(Problem("AlarmRule", child, "no alarm of this set has that name.", name))
        if name in _reached(name, needed):
            rule = normal_rule(definitions[name]["AlarmRule"])[:80]
            found.append(Problem("AlarmRule", rule, "it asks about itself in a circle.", name))
    return found


def _reached(name, needed):
    seen, todo = set(), list(needed[name])
    while todo:
        child = todo.pop()
        if child not in seen:
            seen.add(child)
            todo += needed.get(child, [])
    return seen
