"""Pure: what a definition in PutMetricAlarm's shape watches, and when its datapoints breach.

The same reading serves the local backend, the backtest, the doctor and the charts, whether the
definition is what was applied or what is only planned.
"""

import re
from dataclasses import dataclass

from alarms.analysis.evaluation import Rule, beyond, outside
from alarms.analysis.metric_math import UnknownExpression, compute, names_in
from alarms.cloudwatch.constants import SIDES
from alarms.cloudwatch.definitions import band_of


@dataclass(frozen=True)
class Source:
    """One statistic of one metric."""

    namespace: str
    name: str
    dimensions: tuple  # ((name, value), ...) by name
    stat: str
    period: int


@dataclass(frozen=True)
class AlarmSpec:
    """One metric alarm, read."""

    name: str
    rule: Rule
    operator: str
    period: int
    sources: dict  # id -> Source
    expression: str  # over the ids; "m1" for a plain metric
    threshold: float | None = None
    k: float | None = None
    keep_on_few_samples: bool = False

    @property
    def side(self):
        """Return both, lower or upper for a band, None for a threshold."""
        return SIDES.get(self.operator)

    @property
    def source(self):
        """Return the metric that is watched; of metric math, the first one in the expression."""
        return self.sources[self._ids()[0]]

    def values(self, columns):
        """Return what is compared, from {id: values}; raise UnknownExpression for unsupported math."""
        return compute(self.expression, columns)

    def _ids(self):
        return [name for name in names_in(self.expression) if name in self.sources] or list(self.sources)


def read(definition):
    """Return the Watch of a definition; raise UnknownExpression when it cannot be evaluated here."""
    n = definition.get("EvaluationPeriods", 1)
    rule = Rule(
        n=n,
        m=definition.get("DatapointsToAlarm") or n,
        missing=definition.get("TreatMissingData") or "missing",
    )
    common = {
        "name": definition.get("AlarmName", ""),
        "rule": rule,
        "operator": definition["ComparisonOperator"],
        "threshold": definition.get("Threshold"),
        "keep_on_few_samples": definition.get("EvaluateLowSampleCountPercentile") == "ignore",
    }
    if "Metrics" in definition:
        return AlarmSpec(**common, **_queries(definition))
    source = Source(
        namespace=definition["Namespace"],
        name=definition["MetricName"],
        dimensions=_dimensions(definition.get("Dimensions")),
        stat=definition.get("Statistic") or definition["ExtendedStatistic"],
        period=definition["Period"],
    )
    return AlarmSpec(**common, period=source.period, sources={"m1": source}, expression="m1")


def _queries(definition):
    sources, expressions = {}, {}
    for query in definition["Metrics"]:
        if "MetricStat" in query:
            sources[query["Id"]] = _source(query["MetricStat"])
        else:
            expressions[query["Id"]] = query["Expression"]
    if not sources:
        raise UnknownExpression(
            "The alarm names no metric; queries over many metrics are not evaluated here."
        )
    k, watched = None, None
    expression = expressions.pop(definition.get("ThresholdMetricId"), None)
    if expression is not None:
        band = band_of(definition)
        if band is None:
            raise UnknownExpression(f"{expression} is not ANOMALY_DETECTION_BAND(id, k).")
        watched, k = band
    else:
        watched = next(q["Id"] for q in definition["Metrics"] if q.get("ReturnData", True))
    return {
        "sources": sources,
        "expression": _inlined(watched, expressions),
        "period": max(source.period for source in sources.values()),
        "k": k,
    }


def _inlined(watched, expressions, depth=10):
    """Return the expression of an id with the ids of other expressions replaced by what they stand for."""
    text = watched
    while depth and (used := [name for name in names_in(text) if name in expressions]):
        for name in used:
            text = re.sub(rf"\b{name}\b", f"({expressions[name]})", text)
        depth -= 1
    if any(name in expressions for name in names_in(text)):
        raise UnknownExpression(f"{watched} refers to itself.")
    return text


def _source(stat):
    metric = stat["Metric"]
    return Source(
        namespace=metric["Namespace"],
        name=metric["MetricName"],
        dimensions=_dimensions(metric.get("Dimensions")),
        stat=stat["Stat"],
        period=stat["Period"],
    )


def _dimensions(pairs):
    return tuple(sorted((pair["Name"], pair["Value"]) for pair in pairs or []))


def breaching(watch, values, lower=None, upper=None):
    """Return int8: 1 breaching, 0 not, -1 missing (no value, or no band yet)."""
    if watch.side is None:
        return beyond(values, watch.operator, watch.threshold)
    return outside(values, lower, upper, watch.side)
