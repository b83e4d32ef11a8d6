"""Measurements as alarms see them: one value each period, the band beside them."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from alarms.analysis.bands.band import walk_forward
from alarms.analysis.series_file import BadSeries, read_series
from alarms.cloudwatch.definitions import detector_key, detector_of, detector_settings
from alarms.cloudwatch.times import aware
from alarms.models import Metric
from alarms.models.metric import metric_identity
from alarms.readings.retention import period_for

# What a band learns from; longer ago is kept by the five minutes.
LEARN = timedelta(days=14)
# These add up over a longer period; the others do not.
_SUMS = ("Sum", "SampleCount")


@dataclass(frozen=True)
class Reading:
    """times: starts of the periods in seconds since 1970; values: NaN where nothing was measured."""

    times: np.ndarray
    values: np.ndarray
    period: int


def read_values(backend, spec, start, end):
    """Return the Reading of what an alarm watches between two moments, at a period that is kept so long.

    Sums over a longer period than the alarm's are divided, so that they compare with its threshold.
    """
    period = period_for(end - start, spec.period) or 3600
    first = -(-int(start.timestamp()) // period) * period
    times = np.arange(first, end.timestamp() - period + 1, period)
    columns = {name: _column(backend, source, period, times) for name, source in spec.sources.items()}
    values = spec.values(columns) if len(times) else np.zeros(0)
    return Reading(times, values, period)


def band_of(definition, spec, reading, detectors=None, known=None):
    """Return the Band of a band alarm, or None of any other.

    `detectors`: {key: definition} for time zone and excluded ranges; `known`: {identity: Metric}.
    """
    if spec.k is None:
        return None
    tz, excluded = learning_of(definition, detectors or {})
    metric = metric_row_of(spec, metrics_by_identity() if known is None else known)
    nature = {"natural_min": metric.natural_min, "natural_max": metric.natural_max}
    return walk_forward(reading.times, reading.values, reading.period, tz=tz, excluded=excluded, **nature)


def learning_of(definition, detectors):
    """Return (time zone, excluded spans in seconds since 1970) of the detector an alarm learns from."""
    detector = detector_of(definition)
    found = detector_settings(detectors.get(detector_key(detector), {})) if detector else {}
    spans = found.get("ExcludedTimeRanges", [])
    excluded = tuple(tuple(aware(moment).timestamp() for moment in span) for span in spans)
    return found.get("MetricTimezone", "UTC"), excluded


def metric_row_of(spec, known):
    """Return the Metric of what is watched, or one that knows nothing; metric math has no row."""
    if spec.expression not in spec.sources:
        return Metric()
    source = spec.source
    identity = metric_identity(source.namespace, source.name, dict(source.dimensions), source.stat)
    return known.get(identity, Metric())


def metrics_by_identity():
    """Return {identity without unit: Metric} of all metrics."""
    rows = Metric.objects.all()
    return {metric_identity(row.namespace, row.name, row.dimensions, row.stat): row for row in rows}


def metric_like(source, stat=None):
    """Return what a backend's `statistics` takes."""
    fields = {"dimensions": dict(source.dimensions), "stat": stat or source.stat}
    return Metric(namespace=source.namespace, name=source.name, **fields)


def read_csv(lines):
    """Return the Reading of `timestamp,value` lines on even steps; raise BadSeries."""
    found = read_series(lines)
    steps = np.diff(found.seconds)
    if not (steps > 0).any():
        raise BadSeries("there are fewer than two moments in it")
    period = max(round(float(np.median(steps[steps > 0]))), 1)
    places = np.rint((found.seconds - found.seconds[0]) / period).astype(int)
    if places[-1] > 20 * len(places) + 1000:
        raise BadSeries(f"its values are too far apart for a period of {period} s")
    grid = np.full(places[-1] + 1, np.nan)
    grid[places] = found.values
    return Reading(found.seconds[0] + period * np.arange(len(grid), dtype=float), grid, period)


def _column(backend, source, period, times):
    column = np.full(len(times), np.nan)
    if not len(times):
        return column
    begin, end = float(times[0]), float(times[-1] + period)
    start, end = datetime.fromtimestamp(begin, UTC), datetime.fromtimestamp(end, UTC)
    for moment, value in backend.statistics(metric_like(source), period, start, end):
        place = round((moment.timestamp() - begin) / period)
        if 0 <= place < len(times):
            column[place] = value
    return column * (source.period / period) if source.stat in _SUMS else column
