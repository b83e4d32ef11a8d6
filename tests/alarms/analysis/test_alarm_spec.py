"""What definitions in PutMetricAlarm's shape compare."""

import numpy as np
import pytest

from alarms.analysis import alarm_spec
from alarms.analysis.metric_math import UnknownExpression

ORDERS = {"Namespace": "Shop", "MetricName": "orders", "Dimensions": []}
STATIC = {
    "AlarmName": "floor",
    "Namespace": "Shop",
    "MetricName": "orders",
    "Dimensions": [{"Name": "Town", "Value": "Ulm"}, {"Name": "Kind", "Value": "nut"}],
    "Statistic": "Sum",
    "Period": 60,
    "EvaluationPeriods": 5,
    "ComparisonOperator": "LessThanThreshold",
    "Threshold": 1.0,
}


def _stat(metric_id, name="orders", period=60, **more):
    metric = {**ORDERS, "MetricName": name}
    return {"Id": metric_id, "MetricStat": {"Metric": metric, "Period": period, "Stat": "Sum"}, **more}


def _band(expression="ANOMALY_DETECTION_BAND(m1, 3)", operator="LessThanLowerOrGreaterThanUpperThreshold"):
    return {
        "AlarmName": "band",
        "EvaluationPeriods": 5,
        "DatapointsToAlarm": 3,
        "ThresholdMetricId": "ad1",
        "ComparisonOperator": operator,
        "Metrics": [_stat("m1"), {"Id": "ad1", "Expression": expression}],
    }


def test_a_threshold_on_a_metric():
    read = alarm_spec.spec_of(STATIC)

    assert (read.rule.n, read.rule.needed, read.rule.missing) == (5, 5, "missing")
    assert read.source.dimensions == (("Kind", "nut"), ("Town", "Ulm"))
    assert (read.source.stat, read.period, read.side) == ("Sum", 60, None)
    assert list(alarm_spec.breaching(read, [0, 1, np.nan])) == [1, 0, -1]


def test_a_percentile():
    definition = {**STATIC, "ExtendedStatistic": "p99", "EvaluateLowSampleCountPercentile": "ignore"}
    del definition["Statistic"]

    read = alarm_spec.spec_of(definition)

    assert (read.source.stat, read.keep_on_few_samples) == ("p99", True)


@pytest.mark.parametrize(
    ("expression", "k"),
    [
        ("ANOMALY_DETECTION_BAND(m1, 3)", 3),
        ("ANOMALY_DETECTION_BAND(m1,2.5)", 2.5),
        (" ANOMALY_DETECTION_BAND( m1 , 1.5e1 ) ", 15),
        ("ANOMALY_DETECTION_BAND(m1)", 2),
    ],
)
def test_a_band_and_its_width(expression, k):
    read = alarm_spec.spec_of(_band(expression))

    assert (read.k, read.side, read.expression, read.threshold) == (k, "both", "m1", None)
    assert list(alarm_spec.breaching(read, [0, 5, 9], np.full(3, 1.0), np.full(3, 8.0))) == [1, 0, 1]


def test_metric_math_over_expressions_of_expressions():
    definition = {
        "AlarmName": "errors",
        "EvaluationPeriods": 1,
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": 5,
        "Metrics": [
            _stat("m1", "errors", ReturnData=False),
            _stat("m2", "requests", ReturnData=False),
            {"Id": "rate", "Expression": "100 * m1 / m2", "ReturnData": False},
            {"Id": "e1", "Expression": "IF(m2 >= 50, rate, 0)", "ReturnData": True},
        ],
    }

    read = alarm_spec.spec_of(definition)
    values = read.values({"m1": [5, 9], "m2": [50, 20]})

    assert list(values) == [10, 0]
    assert {source.name for source in read.sources.values()} == {"errors", "requests"}


@pytest.mark.parametrize(
    "definition",
    [
        _band("ANOMALY_DETECTION_BAND(RATE(m1), 2)"),
        _band("ANOMALY_DETECTION_BAND(m1, 2-1)"),
        {**_band(), "Metrics": [{"Id": "q1", "Expression": "SELECT AVG(x) FROM y", "ReturnData": True}]},
        {
            **_band(),
            "ThresholdMetricId": None,
            "Metrics": [_stat("m1", ReturnData=False), {"Id": "a", "Expression": "a + 1"}],
        },
    ],
    ids=["band on math", "k is math", "query", "itself"],
)
def test_what_cannot_be_evaluated_here_is_said(definition):
    with pytest.raises(UnknownExpression):
        alarm_spec.spec_of(definition)
