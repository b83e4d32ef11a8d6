"""Alarms and detectors in CloudWatch's own shape: what they are, and when two mean the same.

An alarm's definition is what PutMetricAlarm or PutCompositeAlarm takes, without Tags; a detector's is
what PutAnomalyDetector takes. What CloudWatch answers is cut down to the same shape by `put_fields`.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterable
from datetime import UTC
from typing import Any

from alarms.cloudwatch.composite_rules import normal_rule
from alarms.cloudwatch.constants import ACTION_FIELDS, K_LEFT_OUT, SIDES
from alarms.cloudwatch.times import aware

Definition = dict[str, Any]
Differences = tuple[tuple[str, Any, Any], ...]  # (field, old, new)

_COMMON_FIELDS = ("AlarmName", "AlarmDescription", "ActionsEnabled", *ACTION_FIELDS)
METRIC_FIELDS = (
    *_COMMON_FIELDS,
    *("MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Dimensions", "Period", "Unit"),
    *("EvaluationPeriods", "DatapointsToAlarm", "Threshold", "ComparisonOperator", "TreatMissingData"),
    *("EvaluateLowSampleCountPercentile", "Metrics", "ThresholdMetricId", "EvaluationWindow"),
    *("WarmUpConfiguration", "EvaluationCriteria", "EvaluationInterval", "ActionConfiguration"),
)
COMPOSITE_FIELDS = (
    *(*_COMMON_FIELDS, "AlarmRule", "ActionsSuppressor", "ActionsSuppressorWaitPeriod"),
    *("ActionsSuppressorExtensionPeriod", "ActionConfiguration"),
)
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
BAND = re.compile(rf"^\s*ANOMALY_DETECTION_BAND\(\s*(\w+)\s*(?:,\s*({_NUMBER})\s*)?\)\s*$")

# What CloudWatch means by saying nothing.
_DEFAULTS = {
    "ActionsEnabled": True,
    "TreatMissingData": "missing",
    "EvaluateLowSampleCountPercentile": "evaluate",
    "EvaluationWindow": {"SlidingWindow": {}},
}


def put_fields(answer: Definition) -> Definition:
    """Return the definition within one alarm of a DescribeAlarms answer."""
    fields = COMPOSITE_FIELDS if answer.get("AlarmRule") else METRIC_FIELDS
    return _without_nothing({field: answer.get(field) for field in fields})


def is_composite(definition: Definition) -> bool:
    return "AlarmRule" in definition


def nature_of(definition: Definition) -> str:
    """Return composite, band, math or single: the kinds that CloudWatch's rules tell apart."""
    if is_composite(definition):
        return "composite"
    if definition.get("ComparisonOperator") in SIDES:
        return "band"
    return "math" if definition.get("Metrics") else "single"


def band_of(definition: Definition) -> tuple[str, float] | None:
    """Return (id of the query that is compared, k) of a band alarm, or None for any other."""
    wanted = definition.get("ThresholdMetricId")
    queries = [query for query in definition.get("Metrics") or [] if wanted and query.get("Id") == wanted]
    match = BAND.match(queries[0].get("Expression") or "") if queries else None
    return (match[1], float(match[2] or K_LEFT_OUT)) if match else None


def periods_of(definition: Definition) -> list[int]:
    """Return the periods, in seconds, that an alarm and its queries name."""
    queries = definition.get("Metrics") or []
    found = [(query.get("MetricStat") or {}).get("Period") or query.get("Period") for query in queries]
    return [period for period in (definition.get("Period"), *found) if period]


def normal(definition: Definition) -> Definition:
    """Return the definition without what makes no difference: two alarms that agree in it are the same."""
    spelt = {f: _NORMAL[f](value) if f in _NORMAL else value for f, value in definition.items()}
    result = {f: value for f, value in _without_nothing(spelt).items() if value != _DEFAULTS.get(f)}
    if result.get("DatapointsToAlarm") == result.get("EvaluationPeriods"):
        result.pop("DatapointsToAlarm", None)
    if band := band_of(definition):
        # Whether the band itself returns data differs between console, CDK and Terraform, to no effect.
        for query in result["Metrics"]:
            if query["Id"] in (band[0], definition["ThresholdMetricId"]):
                query.pop("ReturnData", None)
    return result


def differences(old: Definition, new: Definition) -> Differences:
    """Return ((field, old, new), …) of two alarms' definitions, by field; empty when they mean the same."""
    return _compared(normal(old), normal(new))


def detector_differences(old: Definition, new: Definition) -> Differences:
    return _compared(detector_settings(old), detector_settings(new))


def _compared(before: Definition, after: Definition) -> Differences:
    fields = sorted({*before, *after})
    return tuple((f, before.get(f), after.get(f)) for f in fields if before.get(f) != after.get(f))


def detector_of(definition: Definition) -> Definition | None:
    """Return the detector a band alarm learns from, or None for any other alarm."""
    band = band_of(definition)
    if not band:
        return None
    compared_id, _ = band
    queries = [query for query in definition["Metrics"] if query["Id"] != definition["ThresholdMetricId"]]
    compared = next((query for query in queries if query["Id"] == compared_id), None)
    if compared is None:
        return None
    stat = compared.get("MetricStat")
    if not stat:
        returned = [{**query, "ReturnData": query["Id"] == compared_id} for query in queries]
        return {"MetricMathAnomalyDetector": {"MetricDataQueries": returned}}
    single = {**stat["Metric"], "Stat": stat["Stat"]}
    if compared.get("AccountId"):
        single["AccountId"] = compared["AccountId"]
    return {"SingleMetricAnomalyDetector": single}


def detectors_of(definitions: Iterable[Definition]) -> dict[str, Definition]:
    """Return the detectors that these alarms learn from, by key."""
    return {detector_key(found): found for found in map(detector_of, definitions) if found}


def detector_metric(detector: Definition) -> Definition:
    """Return what a detector learns from, in any of its three spellings (the third is the old one)."""
    if math := detector.get("MetricMathAnomalyDetector"):
        return {"MetricMathAnomalyDetector": math}
    single = detector.get("SingleMetricAnomalyDetector") or detector
    fields = ("AccountId", "Namespace", "MetricName", "Dimensions", "Stat")
    return {"SingleMetricAnomalyDetector": _without_nothing({f: single.get(f) for f in fields})}


def detector_key(detector: Definition) -> str:
    """Return the same short text for the same detector: there is one for each metric and statistic."""
    metric = detector_metric(detector)
    if math := metric.get("MetricMathAnomalyDetector"):
        metric = {"math": _queries(math["MetricDataQueries"])}
    else:
        single = metric["SingleMetricAnomalyDetector"]
        metric = {**single, "Dimensions": _dimensions(single.get("Dimensions") or [])}
    return hashlib.sha256(json.dumps(metric, sort_keys=True).encode()).hexdigest()


def detector_settings(detector: Definition) -> Definition:
    """Return how a detector learns, without what makes no difference."""
    configuration = detector.get("Configuration") or {}
    ranges = configuration.get("ExcludedTimeRanges") or []
    names = ("MetricTimezone", "AdaptationSpeed", "OutlierFilteringStrength")
    found = {
        **{name: configuration.get(name) for name in names},
        "ExcludedTimeRanges": sorted(
            [aware(found[end]).astimezone(UTC).isoformat() for end in ("StartTime", "EndTime")]
            for found in ranges
        ),
        "PeriodicSpikes": (detector.get("MetricCharacteristics") or {}).get("PeriodicSpikes") or None,
    }
    return _without_nothing(found)


def detector_name(detector: Definition) -> str:
    metric = detector_metric(detector)
    if math := metric.get("MetricMathAnomalyDetector"):
        queries = math["MetricDataQueries"]
        shown = next((query for query in queries if query.get("ReturnData", True)), queries[0])
        return f"metric math {shown.get('Expression') or shown['Id']}"
    single = metric["SingleMetricAnomalyDetector"]
    where = ", ".join(f"{d['Name']}={d['Value']}" for d in _dimensions(single.get("Dimensions") or []))
    return f"{single['Namespace']} {single['MetricName']} {single['Stat']}{f' ({where})' if where else ''}"


def alarm_name(name_or_arn: str) -> str:
    """Return the name within an alarm's ARN; a name is returned as it is."""
    return name_or_arn.split(":alarm:", 1)[1] if ":alarm:" in name_or_arn else name_or_arn


def _without_nothing(fields: Definition) -> Definition:
    return {field: value for field, value in fields.items() if value not in (None, "", [], {})}


def _dimensions(value: list[dict[str, str]] | None) -> list[dict[str, str]]:
    return sorted(value or [], key=lambda d: d["Name"])


def _queries(value: list[Definition] | None) -> list[Definition]:
    result = []
    for query in sorted(value or [], key=lambda q: q["Id"]):
        query = _without_nothing(query)
        if "Expression" in query:
            query["Expression"] = query["Expression"].strip()
            if band := BAND.match(query["Expression"]):
                k = float(band[2] or K_LEFT_OUT)
                query["Expression"] = f"ANOMALY_DETECTION_BAND({band[1]}, {k:g})"
        if "MetricStat" in query:
            stat = _without_nothing(query["MetricStat"])
            metric = {**stat["Metric"], "Dimensions": _dimensions(stat["Metric"].get("Dimensions"))}
            query["MetricStat"] = {**stat, "Metric": metric}
        query["ReturnData"] = query.get("ReturnData", True)
        result.append(query)
    return result


_NORMAL: dict[str, Callable[[Any], Any]] = {
    "Dimensions": _dimensions,
    "Metrics": _queries,
    **dict.fromkeys(ACTION_FIELDS, sorted),
    "AlarmRule": normal_rule,
    "ActionsSuppressor": alarm_name,
}
