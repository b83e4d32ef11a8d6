"""Metrics, sets and alarms with defaults."""

from alarms.models import Alarm, AlarmSet, Metric


def metric(name="orders", **fields):
    values = {"namespace": "Shop", "stat": "Sum", "dimensions": {}, **fields}
    return Metric.objects.create(name=name, **values)


def alarm_set(name="shop", **fields):
    return AlarmSet.objects.create(name=name, **{"prefix": f"{name}-", **fields})


def static(alarm_set, metric, **fields):
    values = {
        "name": f"{alarm_set.prefix}floor",
        "operator": Alarm.Operator.LT,
        "threshold": 1.0,
        "evaluation_periods": 3,
    }
    return Alarm.objects.create(alarm_set=alarm_set, metric=metric, **{**values, **fields})


def band(alarm_set, metric, **fields):
    values = {
        "name": f"{alarm_set.prefix}band",
        "kind": Alarm.Kind.BAND,
        "k": 3.0,
        "side": Alarm.Side.BOTH,
        "evaluation_periods": 5,
        "datapoints": 3,
    }
    return Alarm.objects.create(alarm_set=alarm_set, metric=metric, **{**values, **fields})
