"""Rows of metrics and detectors, found or made from CloudWatch's names for them."""

from alarms.cloudwatch.definitions import detector_key, detector_metric
from alarms.models import Detector, Metric
from alarms.models.metric import metric_identity


def metric_of(single, stat, **known):
    """Return the row of a metric named by a dict with Namespace, MetricName, Dimensions and perhaps Unit.

    `known` is what else is known of a new one: kind, natural_min, natural_max.
    """
    dimensions = {pair["Name"]: pair["Value"] for pair in single.get("Dimensions") or []}
    fields = {"namespace": single["Namespace"], "name": single["MetricName"], "dimensions": dimensions}
    fields |= {"stat": stat, "unit": single.get("Unit") or ""}
    identity = metric_identity(*fields.values())
    return Metric.objects.get_or_create(identity=identity, defaults={**fields, **known})[0]


def detector_row(alarm_set, detector, metric=None):
    """Return the set's row of a detector, made without settings when there is none; `metric` is its row."""
    watched = detector_metric(detector)
    single = watched.get("SingleMetricAnomalyDetector")
    math = watched.get("MetricMathAnomalyDetector") or {}
    metric = metric or (metric_of(single, single["Stat"]) if single else None)
    fields = {"metric": metric, "queries": math.get("MetricDataQueries", [])}
    key = detector_key(detector)
    return Detector.objects.get_or_create(alarm_set=alarm_set, identity=key, defaults=fields)[0]
