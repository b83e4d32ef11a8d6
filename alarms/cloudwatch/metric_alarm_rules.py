"""CloudWatch's rules for an alarm that is not composite; each function yields the problems it finds."""

import math
from collections.abc import Iterator

from alarms.cloudwatch.constants import (
    DAY,
    HOUR,
    MISSING_POLICIES,
    SIDES,
    STATIC_OPERATORS,
    STATISTICS,
    WEEK,
)
from alarms.cloudwatch.definitions import BAND, Definition, nature_of
from alarms.cloudwatch.metric_rules import STAT, Problems, metric_problems, period_problem
from alarms.cloudwatch.query_rules import query_problems

_SINGLE = ("Namespace", "MetricName", "Dimensions", "Period", "Unit", "Statistic", "ExtendedStatistic")


def source_problems(d: Definition) -> Problems:
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


def single_metric_problems(d: Definition) -> Problems:
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


def threshold_problems(d: Definition) -> Problems:
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


def _band(d: Definition, operator: str) -> Problems:
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


def period_problems(d: Definition) -> Problems:
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
    if nature_of(d) == "band" and 0 < longest < 60:
        yield "Period", longest, "a band needs 60 seconds or more."


def _query_periods(d: Definition) -> Iterator[int]:
    for query in d.get("Metrics") or []:
        yield (query.get("MetricStat") or {}).get("Period") or query.get("Period") or 0


def missing_data_problems(d: Definition) -> Problems:
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


METRIC_ALARM_RULES = (
    source_problems,
    single_metric_problems,
    query_problems,
    threshold_problems,
    period_problems,
    missing_data_problems,
)
