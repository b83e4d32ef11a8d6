"""Metrics, sets and alarms with defaults."""

from alarms.models import AlarmSet, Metric


def metric(name="orders", **fields):
    values = {"namespace": "Shop", "stat": "Sum", "dimensions": {}, **fields}
    return Metric.objects.create(name=name, **values)


def alarm_set(name="shop", **fields):
    return AlarmSet.objects.create(name=name, **{"prefix": f"{name}-", **fields})
