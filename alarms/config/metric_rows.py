"""Rows of metrics, found or made from CloudWatch's names for them."""

from alarms.models import Metric
from alarms.models.metric import metric_identity


def metric_of(single, stat, **known):
    """Return the row of a metric named by a dict with Namespace, MetricName, Dimensions and perhaps Unit.

    `known` is what else is known of a new one: kind, natural_min, natural_max.
    """
    dimensions = {pair["Name"]: pair["Value"] for pair in single.get("Dimensions") or []}
    unit = single.get("Unit") or ""
    return Metric.objects.get_or_create(
        identity=metric_identity(single["Namespace"], single["MetricName"], dimensions, stat, unit),
        defaults={
            "namespace": single["Namespace"],
            "name": single["MetricName"],
            "dimensions": dimensions,
            "stat": stat,
            "unit": unit,
            **known,
        },
    )[0]
