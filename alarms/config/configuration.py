"""Rows become definitions: what an alarm set says shall be, and what is wrong with it."""

from alarms.cloudwatch import composite_rules
from alarms.cloudwatch.constants import ACTION_FIELD_OF, BAND_OPERATORS
from alarms.cloudwatch.definitions import (
    alarm_name,
    detector_key,
    detector_of,
    is_composite,
    stat_fields,
)
from alarms.cloudwatch.plan import Wanted, dependencies
from alarms.cloudwatch.validation import Problem, alarm_problems, detector_problems, prefix_problems
from alarms.models import Alarm, AlarmSet, Detector


def load(alarm_set):
    """Return (what shall be, [problem, …]) of a set; a set with problems is never applied."""
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
    return wanted, problems_of(alarm_set, wanted)


def problems_of(alarm_set, wanted):
    """Return what is wrong with each alarm, and with all of them together."""
    found = [problem for d in wanted.alarms.values() for problem in alarm_problems(d)]
    found += [problem for d in wanted.alarms.values() for problem in prefix_problems(d, alarm_set.prefix)]
    found += [problem for d in wanted.detectors.values() for problem in detector_problems(d)]
    return found + _composite_problems(alarm_set.prefix, wanted) + overlaps(alarm_set)


def overlaps(alarm_set):
    """Return the problem of a prefix that another set of the Region shares a part of."""
    others = AlarmSet.objects.filter(region=alarm_set.region).exclude(pk=alarm_set.pk)
    return [
        Problem(
            "prefix",
            alarm_set.prefix,
            f"the set {other.name} has {other.prefix!r}: names would belong to both.",
        )
        for other in others
        if other.prefix.startswith(alarm_set.prefix) or alarm_set.prefix.startswith(other.prefix)
    ]


def definition_of(alarm):
    """Return the alarm as PutMetricAlarm or PutCompositeAlarm takes it, without Tags."""
    result = {"AlarmName": alarm.name}
    if alarm.description:
        result["AlarmDescription"] = alarm.description
    if not alarm.actions_enabled:
        result["ActionsEnabled"] = False
    result.update(_actions(alarm))
    body = {
        Alarm.Kind.STATIC: _static,
        Alarm.Kind.BAND: _band,
        Alarm.Kind.MATH: _math,
        Alarm.Kind.COMPOSITE: _composite,
    }[alarm.kind](alarm)
    return {**result, **body, **alarm.extra}


def tags_of(alarm):
    owner = {"Owner": alarm.alarm_set.owner} if alarm.alarm_set.owner else {}
    return {**owner, **alarm.tags}


def detector_definition(detector):
    """Return the detector as PutAnomalyDetector takes it."""
    metric = detector.metric
    if metric:
        single = {"Namespace": metric.namespace, "MetricName": metric.name, "Stat": metric.stat}
        if metric.dimensions:
            single["Dimensions"] = metric.dimension_list()
        result = {"SingleMetricAnomalyDetector": single}
    else:
        result = {"MetricMathAnomalyDetector": {"MetricDataQueries": detector.queries}}
    ranges = [
        {"StartTime": excluded.starts_at.isoformat(), "EndTime": excluded.ends_at.isoformat()}
        for excluded in detector.excluded_ranges.all()
    ]
    configuration = {
        "ExcludedTimeRanges": ranges,
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
    used = {detector_key(d) for d in map(detector_of, definitions.values()) if d}
    rows = Detector.objects.filter(alarm_set=alarm_set).select_related("metric")
    found = {}
    known = set()
    for row in rows.prefetch_related("excluded_ranges"):
        definition = detector_definition(row)
        key = detector_key(definition)
        known.add(key)
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


def _periods(alarm):
    result = {"EvaluationPeriods": alarm.evaluation_periods, "TreatMissingData": alarm.missing}
    if alarm.datapoints is not None:
        result["DatapointsToAlarm"] = alarm.datapoints
    return result


def _threshold(alarm):
    result = {"ComparisonOperator": alarm.operator}
    if alarm.threshold is not None:
        result["Threshold"] = alarm.threshold
    return result


def _static(alarm):
    metric = alarm.metric
    result = {"Period": alarm.period, **_periods(alarm), **_threshold(alarm)}
    if alarm.low_samples:
        result["EvaluateLowSampleCountPercentile"] = alarm.low_samples
    if metric is None:
        return result
    result.update({"Namespace": metric.namespace, "MetricName": metric.name, **stat_fields(metric.stat)})
    if metric.dimensions:
        result["Dimensions"] = metric.dimension_list()
    if metric.unit:
        result["Unit"] = metric.unit
    return result


def _band(alarm):
    result = {**_periods(alarm), "ComparisonOperator": BAND_OPERATORS.get(alarm.side or "both")}
    queries = [dict(query) for query in alarm.queries] or band_queries(alarm.metric, alarm.period)
    band = next((q for q in queries if "ANOMALY_DETECTION_BAND" in (q.get("Expression") or "")), None)
    if band:
        result["ThresholdMetricId"] = band["Id"]
        watched = band["Expression"].split("(", 1)[1].split(",")[0].strip(" )")
        if alarm.k is not None:
            band["Expression"] = f"ANOMALY_DETECTION_BAND({watched}, {alarm.k:g})"
    return {**result, "Metrics": queries}


def band_queries(metric, period):
    """Return the queries of a plain band: the metric as m1, the band around it as ad1."""
    if metric is None:
        return []
    watched = {"Namespace": metric.namespace, "MetricName": metric.name}
    if metric.dimensions:
        watched["Dimensions"] = metric.dimension_list()
    stat = {"Metric": watched, "Period": period, "Stat": metric.stat}
    if metric.unit:
        stat["Unit"] = metric.unit
    return [
        {"Id": "m1", "MetricStat": stat, "ReturnData": True},
        {"Id": "ad1", "Expression": "ANOMALY_DETECTION_BAND(m1, 2)", "ReturnData": True},
    ]


def _math(alarm):
    return {"Metrics": alarm.queries, **_periods(alarm), **_threshold(alarm)}


def _composite(alarm):
    result = {"AlarmRule": alarm.rule}
    if alarm.suppressor:
        result["ActionsSuppressor"] = alarm.suppressor
    if alarm.suppressor_wait is not None:
        result["ActionsSuppressorWaitPeriod"] = alarm.suppressor_wait
    if alarm.suppressor_extension is not None:
        result["ActionsSuppressorExtensionPeriod"] = alarm.suppressor_extension
    return result


def _composite_problems(prefix, wanted):
    """Return what only shows when all are seen: children that will not exist, and cycles."""
    composites = {name: d for name, d in wanted.alarms.items() if is_composite(d)}
    asked = {name: dependencies(d) for name, d in composites.items()}
    found = []
    for name, children in asked.items():
        for child in map(alarm_name, children):
            if child.startswith(prefix) and child not in wanted.alarms:
                found.append(Problem("AlarmRule", child, "no alarm of this set has that name.", name))
        if name in _reached(name, asked):
            found.append(
                Problem(
                    "AlarmRule",
                    composite_rules.normal_rule(composites[name]["AlarmRule"])[:80],
                    "it asks about itself in a circle.",
                    name,
                )
            )
    return found


def _reached(name, asked):
    """Return all that a composite depends on."""
    seen, todo = set(), list(asked[name])
    while todo:
        child = todo.pop()
        if child not in seen:
            seen.add(child)
            todo += asked.get(child, [])
    return seen
