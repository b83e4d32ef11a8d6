"""What a definition in PutMetricAlarm's shape compares, and when its datapoints breach."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from numpy.typing import ArrayLike

from alarms.analysis.arrays import Codes, Floats
from alarms.analysis.evaluation import Rule, beyond, outside
from alarms.analysis.metric_math import UnknownExpression, compute, names_in
from alarms.cloudwatch.constants import SIDES
from alarms.cloudwatch.definitions import Definition, band_of


@dataclass(frozen=True)
class Source:
    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]  # (name, value), by name
    stat: str
    period: int


@dataclass(frozen=True)
class AlarmSpec:
    name: str
    rule: Rule
    operator: str
    period: int
    sources: dict[str, Source]  # by id
    expression: str  # over the ids; "m1" for a plain metric
    threshold: float | None = None
    k: float | None = None
    keep_on_few_samples: bool = False

    @property
    def side(self) -> str | None:
        """Return both, lower or upper for a band, None for a threshold."""
        return SIDES.get(self.operator)

    @property
    def source(self) -> Source:
        """Return the metric that is compared; of metric math, the first one in the expression."""
        names = (*names_in(self.expression), *self.sources)
        return next(self.sources[name] for name in names if name in self.sources)

    def values(self, columns: Mapping[str, ArrayLike]) -> Floats:
        """Return what is compared, from {id: values}; raise UnknownExpression for unsupported math."""
        return compute(self.expression, columns)


def spec_of(definition: Definition) -> AlarmSpec:
    """Return the AlarmSpec of a definition; raise UnknownExpression when it cannot be evaluated here."""
    n, operator = definition.get("EvaluationPeriods", 1), definition["ComparisonOperator"]
    m, missing = definition.get("DatapointsToAlarm") or n, definition.get("TreatMissingData") or "missing"
    if "Metrics" in definition:
        sources, expression, k = _queries(definition)
    else:
        stat = definition.get("Statistic") or definition["ExtendedStatistic"]
        source = _source({"Metric": definition, "Stat": stat, "Period": definition["Period"]})
        sources, expression, k = {"m1": source}, "m1", None
    return AlarmSpec(
        name=definition.get("AlarmName", ""),
        rule=Rule(n, m, missing),
        operator=operator,
        period=max(source.period for source in sources.values()),
        sources=sources,
        expression=expression,
        threshold=definition.get("Threshold"),
        k=k,
        keep_on_few_samples=definition.get("EvaluateLowSampleCountPercentile") == "ignore",
    )


def _queries(definition: Definition) -> tuple[dict[str, Source], str, float | None]:
    """Return (sources by id, the expression over them, k of a band) of an alarm on metric math."""
    queries = definition["Metrics"]
    sources = {q["Id"]: _source(q["MetricStat"]) for q in queries if "MetricStat" in q}
    expressions = {q["Id"]: q["Expression"] for q in queries if "MetricStat" not in q}
    if not sources:
        raise UnknownExpression(
            "The alarm names no metric; queries over many metrics are not evaluated here."
        )
    k = None
    expression = expressions.pop(definition.get("ThresholdMetricId"), None)
    if expression is not None:
        band = band_of(definition)
        if band is None:
            raise UnknownExpression(f"{expression} is not ANOMALY_DETECTION_BAND(id, k).")
        compared, k = band
    else:
        compared = next(q["Id"] for q in queries if q.get("ReturnData", True))
    return sources, _inlined(compared, expressions), k


def _inlined(compared: str, expressions: dict[str, str]) -> str:
    """Return the expression of an id with the ids of other expressions replaced by what they stand for."""
    text = compared
    for _ in range(11):
        used = [name for name in names_in(text) if name in expressions]
        if not used:
            return text
        for name in used:
            text = re.sub(rf"\b{name}\b", f"({expressions[name]})", text)
    raise UnknownExpression(f"{compared} refers to itself.")


def _source(stat: Definition) -> Source:
    metric = stat["Metric"]
    dimensions = sorted((pair["Name"], pair["Value"]) for pair in metric.get("Dimensions") or [])
    return Source(metric["Namespace"], metric["MetricName"], tuple(dimensions), stat["Stat"], stat["Period"])


def breaching(
    spec: AlarmSpec, values: ArrayLike, lower: Floats | None = None, upper: Floats | None = None
) -> Codes:
    """Return 1 breaching, 0 not, -1 missing (no value, or no band yet)."""
    if spec.side is not None and lower is not None and upper is not None:
        return outside(values, lower, upper, spec.side)
    if spec.threshold is None:
        raise ValueError(f"{spec.name} has neither a threshold nor a band to compare with.")
    return beyond(values, spec.operator, spec.threshold)
