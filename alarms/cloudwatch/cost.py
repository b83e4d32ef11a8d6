"""What alarms cost in a month (pure).

US dollars in us-east-1, by alarm metric: $0.10, below one minute $0.30; a band counts three metrics;
a composite alarm $0.50. The ten free alarm metrics of an account are not taken off, and GetMetricData
is billed besides.
"""

from alarms.cloudwatch.definitions import band_of, is_composite

PER_METRIC, PER_FAST_METRIC, PER_COMPOSITE = 0.10, 0.30, 0.50


def monthly(definition):
    """Return what one alarm costs a month."""
    if is_composite(definition):
        return PER_COMPOSITE
    rate = PER_FAST_METRIC if _shortest_period(definition) < 60 else PER_METRIC
    return round(rate * metrics(definition), 2)


def total(definitions):
    """Return what the alarms cost a month together."""
    return round(sum(monthly(definition) for definition in definitions), 2)


def metrics(definition):
    """Return how many metrics the alarm is billed for."""
    queries = definition.get("Metrics") or []
    watched = sum(1 for query in queries if query.get("MetricStat")) or 1
    # The upper and the lower edge of the band are metrics of their own.
    return watched + 2 if band_of(definition) else watched


def _shortest_period(definition):
    periods = [(query.get("MetricStat") or {}).get("Period") for query in definition.get("Metrics") or []]
    return min([period for period in [definition.get("Period"), *periods] if period], default=60)
