"""What alarms cost in a month.

US dollars in us-east-1, by alarm metric: $0.10, below one minute $0.30; a band counts three metrics;
a composite alarm $0.50. The ten free alarm metrics of an account are not taken off, and GetMetricData
is billed besides.
"""

from collections.abc import Iterable

from alarms.cloudwatch.definitions import Definition, band_of, is_composite

PER_METRIC, PER_FAST_METRIC, PER_COMPOSITE = 0.10, 0.30, 0.50


def monthly(definition: Definition) -> float:
    if is_composite(definition):
        return PER_COMPOSITE
    rate = PER_FAST_METRIC if _shortest_period(definition) < 60 else PER_METRIC
    return round(rate * metrics(definition), 2)


def total(definitions: Iterable[Definition]) -> float:
    return round(sum(monthly(definition) for definition in definitions), 2)


def metrics(definition: Definition) -> int:
    """Return how many metrics the alarm is billed for."""
    queries = definition.get("Metrics") or []
    named = sum(1 for query in queries if query.get("MetricStat")) or 1
    # The upper and the lower edge of the band are metrics of their own.
    return named + 2 if band_of(definition) else named


def _shortest_period(definition: Definition) -> int:
    periods = [(query.get("MetricStat") or {}).get("Period") for query in definition.get("Metrics") or []]
    return min([period for period in [definition.get("Period"), *periods] if period], default=60)
