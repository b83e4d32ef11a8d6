"""Alarm definitions with defaults, one of each kind."""

TOPIC = "arn:aws:sns:us-east-1:123456789012:oncall"


def static(name="shop-floor", **fields):
    return {
        "AlarmName": name,
        "Namespace": "Shop",
        "MetricName": "orders",
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 3,
        "Threshold": 1.0,
        "ComparisonOperator": "LessThanThreshold",
        **fields,
    }


def percentile(name="shop-slow", **fields):
    changed = {
        "MetricName": "latency",
        "ExtendedStatistic": "p99.9",
        "EvaluateLowSampleCountPercentile": "ignore",
    }
    result = static(name, **{**changed, "ComparisonOperator": "GreaterThanThreshold", **fields})
    del result["Statistic"]
    return result


def query(name="m1", metric="orders", **fields):
    watched = {"Namespace": "Shop", "MetricName": metric, "Dimensions": [{"Name": "Shop", "Value": "Berlin"}]}
    return {
        "Id": name,
        "MetricStat": {"Metric": watched, "Period": 60, "Stat": "Sum"},
        "ReturnData": False,
        **fields,
    }


def math(name="shop-rate", **fields):
    rate = {
        "Id": "rate",
        "Expression": "IF(orders > 50, errors / orders, 0)",
        "Label": "error rate",
        "ReturnData": True,
    }
    return {
        "AlarmName": name,
        "Metrics": [query("errors", "errors"), query("orders"), rate],
        "EvaluationPeriods": 5,
        "DatapointsToAlarm": 3,
        "Threshold": 0.1,
        "ComparisonOperator": "GreaterThanThreshold",
        **fields,
    }


def band(name="shop-band", metric="orders", k=3, **fields):
    return {
        "AlarmName": name,
        "Metrics": [
            query("m1", metric, ReturnData=True),
            {
                "Id": "ad1",
                "Expression": f"ANOMALY_DETECTION_BAND(m1, {k})",
                "Label": "expected",
                "ReturnData": True,
            },
        ],
        "ThresholdMetricId": "ad1",
        "EvaluationPeriods": 5,
        "DatapointsToAlarm": 3,
        "ComparisonOperator": "LessThanLowerOrGreaterThanUpperThreshold",
        **fields,
    }


def composite(name="shop-any", rule='ALARM("shop-floor") OR ALARM("shop-band")', **fields):
    return {"AlarmName": name, "AlarmRule": rule, **fields}
