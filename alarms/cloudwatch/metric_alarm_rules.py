"""CloudWatch's rules for an alarm that is not composite; each function yields the problems it finds."""

import json
import math
import re

from alarms.cloudwatch import metric_rules
from alarms.cloudwatch.constants import DAY, HOUR, MISSING_POLICIES, SIDES, STATIC_OPERATORS, WEEK
from alarms.cloudwatch.definitions import BAND, Definition, nature_of, periods_of
from alarms.cloudwatch.metric_rules import STAT, STATISTICS, Problems

_MOST_BYTES = 120 * 1024
_SINGLE = ("Namespace", "MetricName", "Dimensions", "Period", "Unit", "Statistic", "ExtendedStatistic")


def _source(d: Definition) -> Problems:
    given = [field for field in ("MetricName", "Metrics", "EvaluationCriteria") if d.get(field)]
    if len(given) != 1:
        field, which = ("Metrics" if given else "MetricName"), " and ".join(given) or None
        yield field, which, "give exactly one of MetricName, Metrics, EvaluationCriteria."
    for field in _SINGLE:
        if d.get("Metrics") and d.get(field):
            yield field, d[field], "with Metrics it must be left out."
    interval = d.get("EvaluationInterval")
    if interval is not None and not d.get("EvaluationCriteria"):
        yield "EvaluationInterval", interval, "only with EvaluationCriteria."
    elif interval is not None and not 10 <= interval <= 3600:
        yield "EvaluationInterval", interval, "10 to 3600 seconds are allowed."
    if d.get("EvaluationCriteria"):
        for field in ("TreatMissingData", "EvaluateLowSampleCountPercentile"):
            if d.get(field):
                yield field, d[field], "not for PromQL alarms."


def _single_metric(d: Definition) -> Problems:
    if not d.get("MetricName"):
        return
    stats = [field for field in ("Statistic", "ExtendedStatistic") if d.get(field)]
    if len(stats) != 1:
        field = stats[-1] if stats else "Statistic"
        yield field, " and ".join(stats) or None, "give exactly one of Statistic and ExtendedStatistic."
    plain, extended = d.get("Statistic"), d.get("ExtendedStatistic")
    if plain and plain not in STATISTICS:
        yield "Statistic", plain, f"one of {', '.join(STATISTICS)}; percentiles are ExtendedStatistic."
    if extended and (extended in STATISTICS or not STAT.match(extended)):
        yield "ExtendedStatistic", extended, "such as p99, p99.9, tm90, IQM, PR(0:100), TM(10%:90%)."
    yield from metric_rules.metric_problems("", d)
    if d.get("Period") is None:
        yield "Period", None, "it is needed: 10, 20, 30 or a multiple of 60 seconds."


def _queries(d: Definition) -> Problems:
    queries = d.get("Metrics")
    if not queries:
        return
    size = len(json.dumps(queries, default=str).encode())
    if size > _MOST_BYTES:
        yield "Metrics", f"{size} bytes", f"at most {_MOST_BYTES} are allowed."
    ids = [query.get("Id") or "" for query in queries]
    for repeated in sorted({i for i in ids if ids.count(i) > 1}):
        yield "Metrics.Id", repeated, "every Id may stand only once."
    metrics = sum(1 for query in queries if query.get("MetricStat"))
    if metrics > 10:
        yield "Metrics", f"{metrics} metrics", "at most 10 in one alarm."
    for query in queries:
        yield from _query(query)
    yield from _returned(d, queries)


def _query(query: Definition) -> Problems:
    name, stat, expression = query.get("Id") or "", query.get("MetricStat"), query.get("Expression")
    if not re.match(r"[a-z][A-Za-z0-9_]*$", name) or len(name) > 255:
        yield "Metrics.Id", name, "a lower-case letter first, then letters, digits and _."
    if bool(stat) == bool(expression):
        yield "Metrics", name, "give exactly one of MetricStat and Expression."
    if expression and len(expression) > 2048:
        yield "Metrics.Expression", f"{len(expression)} characters", "at most 2048 are allowed."
    if query.get("Period") is not None:
        yield from metric_rules.period_problems("Metrics.", query["Period"])
    if stat:
        metric = {**stat.get("Metric", {}), "Unit": stat.get("Unit")}
        yield from metric_rules.metric_problems("Metrics.", metric)
        yield from metric_rules.period_problems("Metrics.", stat.get("Period"))
        yield from metric_rules.stat_problems("Metrics.", stat)


def _returned(d: Definition, queries: list[Definition]) -> Problems:
    """Metric math returns one series; a band alarm the one it compares, and the band or not."""
    matches = [(q.get("Id"), BAND.match(q.get("Expression") or "")) for q in queries]
    bands = {name for name, match in matches if match}
    returned = [q.get("Id") or "" for q in queries if q.get("ReturnData", True) and q.get("Id") not in bands]
    if d.get("ComparisonOperator") in SIDES:
        compared = {match[1] for _, match in matches if match}
        # A band of a query that is not there is reported elsewhere.
        if compared <= {name for name, _ in matches} and bands and set(returned) != compared:
            yield "Metrics.ReturnData", ", ".join(returned) or None, "true for the watched metric only."
    elif len(returned) != 1:
        yield "Metrics.ReturnData", ", ".join(returned) or None, "true for exactly one query."


def _threshold(d: Definition) -> Problems:
    operator = d.get("ComparisonOperator")
    if d.get("EvaluationCriteria"):
        return
    allowed = (*STATIC_OPERATORS, *SIDES)
    if operator not in allowed:
        yield "ComparisonOperator", operator, f"one of {', '.join(allowed)}."
    elif operator in SIDES:
        yield from _band(d, operator)
    else:
        threshold = d.get("Threshold")
        if threshold is None:
            yield "Threshold", None, f"{operator} needs one."
        elif not math.isfinite(threshold):
            yield "Threshold", threshold, "a finite number is needed."
        if d.get("ThresholdMetricId"):
            yield "ThresholdMetricId", d["ThresholdMetricId"], f"{operator} takes a Threshold instead."


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


def _periods(d: Definition) -> Problems:
    period, n, m = d.get("Period"), d.get("EvaluationPeriods"), d.get("DatapointsToAlarm")
    if period is not None:
        yield from metric_rules.period_problems("", period)
    if d.get("EvaluationCriteria"):
        return
    if not isinstance(n, int) or n < 1:
        yield "EvaluationPeriods", n, "it must be 1 or more."
        return
    if m is not None and not 1 <= m <= n:
        yield "DatapointsToAlarm", m, f"it must be 1 to EvaluationPeriods, which is {n}."
    longest = max(periods_of(d), default=0)
    limit = WEEK if longest >= HOUR else DAY
    if (length := longest * n) > limit:
        allowed = f"{n} periods of {longest} s are {length} s; at most {limit} s are allowed."
        yield "EvaluationPeriods", n, allowed
    if nature_of(d) == "band" and 0 < longest < 60:
        yield "Period", longest, "a band needs 60 seconds or more."


def _missing_data(d: Definition) -> Problems:
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


METRIC_ALARM_RULES = (_source, _single_metric, _queries, _threshold, _periods, _missing_data)
