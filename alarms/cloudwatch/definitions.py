"""Alarms and detectors in CloudWatch's own shape: what they are, and when two mean the same (pure).

An alarm's definition is what PutMetricAlarm or PutCompositeAlarm takes, without Tags; a detector's is
what PutAnomalyDetector takes. What CloudWatch answers is cut down to the same shape by `put_fields`.
"""

import hashlib
import json
import re
from datetime import UTC

from alarms.cloudwatch.composite_rules import tidy
from alarms.cloudwatch.constants import K_LEFT_OUT, STATISTICS
from alarms.cloudwatch.times import aware

METRIC_FIELDS = (
    "AlarmName",
    "AlarmDescription",
    "ActionsEnabled",
    "OKActions",
    "AlarmActions",
    "InsufficientDataActions",
    "MetricName",
    "Namespace",
    "Statistic",
    "ExtendedStatistic",
    "Dimensions",
    "Period",
    "Unit",
    "EvaluationPeriods",
    "DatapointsToAlarm",
    "Threshold",
    "ComparisonOperator",
    "TreatMissingData",
    "EvaluateLowSampleCountPercentile",
    "Metrics",
    "ThresholdMetricId",
    "EvaluationWindow",
    "WarmUpConfiguration",
    "EvaluationCriteria",
    "EvaluationInterval",
    "ActionConfiguration",
)
COMPOSITE_FIELDS = (
    "AlarmName",
    "AlarmDescription",
    "ActionsEnabled",
    "OKActions",
    "AlarmActions",
    "InsufficientDataActions",
    "AlarmRule",
    "ActionsSuppressor",
    "ActionsSuppressorWaitPeriod",
    "ActionsSuppressorExtensionPeriod",
    "ActionConfiguration",
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


def put_fields(answer):
    """Return the definition within one alarm of a DescribeAlarms answer."""
    fields = COMPOSITE_FIELDS if answer.get("AlarmRule") else METRIC_FIELDS
    return {field: answer[field] for field in fields if not _is_nothing(answer.get(field))}


def is_composite(definition):
    return "AlarmRule" in definition


def band_of(definition):
    """Return (id of the watched query, k) of a band alarm, or None for any other."""
    wanted = definition.get("ThresholdMetricId")
    for query in definition.get("Metrics") or []:
        if wanted and query.get("Id") == wanted:
            match = BAND.match(query.get("Expression") or "")
            return (match[1], float(match[2] or K_LEFT_OUT)) if match else None
    return None


def normal(definition):
    """Return the definition with everything that makes no difference taken out.

    M that equals N, defaults, empty lists, the order of dimensions, actions and queries, the spelling
    of a rule: two alarms with the same normal form are the same alarm.
    """
    result = {}
    for field, value in definition.items():
        value = _NORMAL.get(field, _same)(value)
        if not _is_nothing(value) and value != _DEFAULTS.get(field):
            result[field] = value
    if result.get("DatapointsToAlarm") == result.get("EvaluationPeriods"):
        result.pop("DatapointsToAlarm", None)
    if band := band_of(definition):
        # Whether the band itself returns data differs between console, CDK and Terraform, to no effect.
        for query in result["Metrics"]:
            if query["Id"] in (band[0], definition["ThresholdMetricId"]):
                query.pop("ReturnData", None)
    return result


def differences(old, new):
    """Return ((field, old, new), …) of two definitions, by field; empty when they mean the same."""
    before, after = normal(old), normal(new)
    fields = sorted({*before, *after})
    return tuple((f, before.get(f), after.get(f)) for f in fields if before.get(f) != after.get(f))


def detector_of(definition):
    """Return the detector a band alarm learns from, or None for any other alarm."""
    band = band_of(definition)
    if not band:
        return None
    queries = [query for query in definition["Metrics"] if query["Id"] != definition["ThresholdMetricId"]]
    watched = next((query for query in queries if query["Id"] == band[0]), None)
    if watched is None:
        return None
    if not watched.get("MetricStat"):
        asked = [{**query, "ReturnData": query["Id"] == band[0]} for query in queries]
        return {"MetricMathAnomalyDetector": {"MetricDataQueries": asked}}
    stat = watched["MetricStat"]
    single = {**stat["Metric"], "Stat": stat["Stat"]}
    if watched.get("AccountId"):
        single["AccountId"] = watched["AccountId"]
    return {"SingleMetricAnomalyDetector": single}


def detector_metric(detector):
    """Return what a detector watches, from any of the three ways to say it (the third is the old one)."""
    if math := detector.get("MetricMathAnomalyDetector"):
        return {"MetricMathAnomalyDetector": math}
    single = detector.get("SingleMetricAnomalyDetector") or detector
    fields = ("AccountId", "Namespace", "MetricName", "Dimensions", "Stat")
    return {"SingleMetricAnomalyDetector": {f: single[f] for f in fields if not _is_nothing(single.get(f))}}


def detector_key(detector):
    """Return the same short text for the same detector: there is one for each metric and statistic."""
    metric = detector_metric(detector)
    if math := metric.get("MetricMathAnomalyDetector"):
        metric = {"math": _queries(math["MetricDataQueries"])}
    else:
        single = metric["SingleMetricAnomalyDetector"]
        metric = {**single, "Dimensions": _dimensions(single.get("Dimensions") or [])}
    return hashlib.sha256(json.dumps(metric, sort_keys=True).encode()).hexdigest()


def detector_settings(detector):
    """Return how a detector learns, with everything that makes no difference taken out."""
    configuration = detector.get("Configuration") or {}
    ranges = configuration.get("ExcludedTimeRanges") or []
    found = {
        "MetricTimezone": configuration.get("MetricTimezone"),
        "AdaptationSpeed": configuration.get("AdaptationSpeed"),
        "OutlierFilteringStrength": configuration.get("OutlierFilteringStrength"),
        "ExcludedTimeRanges": sorted([moment(r["StartTime"]), moment(r["EndTime"])] for r in ranges),
        "PeriodicSpikes": (detector.get("MetricCharacteristics") or {}).get("PeriodicSpikes") or None,
    }
    return {name: value for name, value in found.items() if not _is_nothing(value)}


def detector_name(detector):
    """Return what people call a detector."""
    metric = detector_metric(detector)
    if math := metric.get("MetricMathAnomalyDetector"):
        queries = math["MetricDataQueries"]
        shown = next((query for query in queries if query.get("ReturnData", True)), queries[0])
        return f"metric math {shown.get('Expression') or shown['Id']}"
    single = metric["SingleMetricAnomalyDetector"]
    where = ", ".join(f"{d['Name']}={d['Value']}" for d in _dimensions(single.get("Dimensions") or []))
    return f"{single['Namespace']} {single['MetricName']} {single['Stat']}{f' ({where})' if where else ''}"


def stat_fields(stat):
    """Return the statistic as PutMetricAlarm wants it: the five have a field of their own."""
    return {"Statistic": stat} if stat in STATISTICS else {"ExtendedStatistic": stat}


def alarm_name(name_or_arn):
    """Return the name within an alarm's ARN; a name is returned as it is."""
    return name_or_arn.split(":alarm:", 1)[1] if ":alarm:" in name_or_arn else name_or_arn


def moment(value):
    """Return a time as text in UTC, the same for the same moment; taken as text or datetime."""
    return aware(value).astimezone(UTC).isoformat()


def _is_nothing(value):
    return value is None or value == "" or value == [] or value == {}


def _same(value):
    return value


def _dimensions(value):
    return sorted(value or [], key=lambda d: d["Name"])


def _band_expression(text):
    match = BAND.match(text)
    return f"ANOMALY_DETECTION_BAND({match[1]}, {float(match[2] or K_LEFT_OUT):g})" if match else text.strip()


def _queries(value):
    result = []
    for query in sorted(value or [], key=lambda q: q["Id"]):
        query = {name: part for name, part in query.items() if not _is_nothing(part)}
        if "Expression" in query:
            query["Expression"] = _band_expression(query["Expression"])
        if "MetricStat" in query:
            stat = {name: part for name, part in query["MetricStat"].items() if not _is_nothing(part)}
            metric = {**stat["Metric"], "Dimensions": _dimensions(stat["Metric"].get("Dimensions"))}
            query["MetricStat"] = {**stat, "Metric": metric}
        query["ReturnData"] = query.get("ReturnData", True)
        result.append(query)
    return result


_NORMAL = {
    "Dimensions": _dimensions,
    "Metrics": _queries,
    "OKActions": sorted,
    "AlarmActions": sorted,
    "InsufficientDataActions": sorted,
    "AlarmRule": tidy,
    "ActionsSuppressor": alarm_name,
}
