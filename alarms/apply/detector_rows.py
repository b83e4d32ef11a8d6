"""Rows of detectors, found or made from CloudWatch's names for what they watch."""

from alarms.cloudwatch.definitions import detector_key, detector_metric
from alarms.config.metric_rows import metric_of
from alarms.models import Detector


def detector_row(alarm_set, detector, metric=None):
    """Return the set's row of a detector, made without settings when there is none; `metric` is its row."""
    watched = detector_metric(detector)
    single = watched.get("SingleMetricAnomalyDetector")
    math = watched.get("MetricMathAnomalyDetector") or {}
    metric = metric or (metric_of(single, single["Stat"]) if single else None)
    fields = {"metric": metric, "queries": math.get("MetricDataQueries", [])}
    key = detector_key(detector)
    return Detector.objects.get_or_create(alarm_set=alarm_set, identity=key, defaults=fields)[0]
