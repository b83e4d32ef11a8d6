"""What alarms cost in a month, in US dollars in us-east-1.

The ten free alarm metrics of an account are not taken off, and GetMetricData is billed besides.
"""

from collections.abc import Iterable

from alarms.cloudwatch.definitions import Definition, band_of, is_composite


def monthly(definition: Definition) -> float:
    if is_composite(definition):
        return 0.50
    queries = definition.get("Metrics") or []
    periods = [
        definition.get("Period"),
        *((query.get("MetricStat") or {}).get("Period") for query in queries),
    ]
    fast = min(filter(None, periods), default=60) < 60
    return round((0.30 if fast else 0.10) * metrics(definition), 2)


def total(definitions: Iterable[Definition]) -> float:
    return round(sum(monthly(definition) for definition in definitions), 2)


def metrics(definition: Definition) -> int:
    """Return how many metrics the alarm is billed for."""
    queries = definition.get("Metrics") or []
    named = sum(1 for query in queries if query.get("MetricStat")) or 1
    # The upper and the lower edge of the band are metrics of their own.
    return named + 2 if band_of(definition) else named
