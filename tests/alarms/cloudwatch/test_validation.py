"""Each of CloudWatch's rules refuses what breaks it, names the field, and lets right alarms through."""

import pytest

from alarms.cloudwatch.validation import alarm_problems, detector_problems
from tests.alarms.definitions import TOPIC, band, composite, math, percentile, query, static

SCALE = "arn:aws:autoscaling:us-east-1:123456789012:scalingPolicy:id:autoScalingGroupName/a:policyName/b"
STOP = "arn:aws:automate:us-east-1:ec2:stop"
OPS = "arn:aws:ssm:us-east-1:123456789012:opsitem:1#CATEGORY=Availability"
WATCHED_BAND = {"Id": "ad1", "Expression": "ANOMALY_DETECTION_BAND(m1, 3)"}


def without(definition, *fields):
    return {name: value for name, value in definition.items() if name not in fields}


RIGHT = {
    "static": static(),
    "percentile": percentile(),
    "math": math(),
    "band": band(),
    "band of the default width": band(
        Metrics=[query("m1", ReturnData=True), {"Id": "ad1", "Expression": "ANOMALY_DETECTION_BAND(m1)"}]
    ),
    "composite": composite(),
    "suppressed": composite(
        ActionsSuppressor="shop-deploy", ActionsSuppressorWaitPeriod=60, ActionsSuppressorExtensionPeriod=0
    ),
    "every action": static(AlarmActions=[TOPIC, STOP, SCALE, OPS]),
    "10 seconds": static(Period=10),
    "a whole day of minutes": static(EvaluationPeriods=1440),
    "a week of hours": static(Period=3600, EvaluationPeriods=168),
    "a topic of China": static(AlarmActions=["arn:aws-cn:sns:cn-north-1:123456789012:oncall"]),
    "letters of every script": static("shop-Bestellungen für Köln ✓"),
}
WRONG = {
    "text for a number": (static(Threshold="low"), "Threshold"),
    "a number for text": (static(AlarmDescription=7), "AlarmDescription"),
    "yes for true": (static(ActionsEnabled="yes"), "ActionsEnabled"),
    "true for a number": (static(Period=True), "Period"),
    "one action for a list": (static(AlarmActions=TOPIC), "AlarmActions"),
    "a metric without its names": (math(Metrics=[{"Id": "a", "MetricStat": "orders"}]), "Metrics.MetricStat"),
    "a field there is not": (static(Treshold=1.0), "Treshold"),
    "a field of the other kind": (composite(Period=60), "Period"),
    "no metric": (without(static(), "MetricName"), "MetricName"),
    "metric and queries": ({**math(), "EvaluationCriteria": {"PromQLCriteria": {"Query": "up"}}}, "Metrics"),
    "queries and a period": (math(Period=60), "Period"),
    "queries and a namespace": (math(Namespace="Shop"), "Namespace"),
    "queries and a statistic": (math(Statistic="Sum"), "Statistic"),
    "both statistics": (static(ExtendedStatistic="p99"), "ExtendedStatistic"),
    "no statistic": (without(static(), "Statistic"), "Statistic"),
    "unknown statistic": (static(Statistic="Median"), "Statistic"),
    "unknown percentile": (static(Statistic=None, ExtendedStatistic="p999"), "ExtendedStatistic"),
    "no period": (without(static(), "Period"), "Period"),
    "period 45": (static(Period=45), "Period"),
    "period 90": (static(Period=90), "Period"),
    "no threshold": (without(static(), "Threshold"), "Threshold"),
    "threshold not a number": (static(Threshold=float("nan")), "Threshold"),
    "static with a band's id": (static(ThresholdMetricId="ad1"), "ThresholdMetricId"),
    "band operator without a band": (without(band(), "ThresholdMetricId"), "ThresholdMetricId"),
    "band operator on one metric": (
        static(Threshold=None, ComparisonOperator="LessThanLowerThreshold"),
        "ThresholdMetricId",
    ),
    "band with a threshold": (band(Threshold=1.0), "Threshold"),
    "band that is no band": (band(ThresholdMetricId="m1"), "ThresholdMetricId"),
    "band of nothing": (
        band(
            Metrics=[
                query("m1", ReturnData=False),
                {"Id": "ad1", "Expression": "ANOMALY_DETECTION_BAND(m2, 3)"},
            ]
        ),
        "Metrics",
    ),
    "band of width 0": (band(k=0), "Metrics"),
    "band of seconds": (
        band(
            Metrics=[
                {**query("m1", ReturnData=True), "MetricStat": {**query()["MetricStat"], "Period": 10}},
                WATCHED_BAND,
            ]
        ),
        "Period",
    ),
    "watched metric not returned": (band(Metrics=[query("m1"), WATCHED_BAND]), "Metrics.ReturnData"),
    "unknown operator": (static(ComparisonOperator="Below"), "ComparisonOperator"),
    "two results": (
        math(Metrics=[query("a", ReturnData=True), query("b", ReturnData=True)]),
        "Metrics.ReturnData",
    ),
    "no result": (math(Metrics=[query("a")]), "Metrics.ReturnData"),
    "eleven metrics": (math(Metrics=[query(f"m{n}", ReturnData=n == 0) for n in range(11)]), "Metrics"),
    "one id twice": (math(Metrics=[query("a", ReturnData=True), query("a")]), "Metrics.Id"),
    "an id in capitals": (math(Metrics=[query("M1", ReturnData=True)]), "Metrics.Id"),
    "query of both kinds": (math(Metrics=[query("a", Expression="b*2", ReturnData=True)]), "Metrics"),
    "long expression": (math(Metrics=[{"Id": "a", "Expression": "1+" * 1100 + "1"}]), "Metrics.Expression"),
    "M above N": (static(DatapointsToAlarm=4), "DatapointsToAlarm"),
    "M 0": (static(DatapointsToAlarm=0), "DatapointsToAlarm"),
    "N 0": (static(EvaluationPeriods=0), "EvaluationPeriods"),
    "more than a day": (static(EvaluationPeriods=1441), "EvaluationPeriods"),
    "more than a week": (static(Period=3600, EvaluationPeriods=169), "EvaluationPeriods"),
    "unknown policy": (static(TreatMissingData="ignored"), "TreatMissingData"),
    "few samples of a sum": (
        static(EvaluateLowSampleCountPercentile="ignore"),
        "EvaluateLowSampleCountPercentile",
    ),
    "few samples misspelt": (
        percentile(EvaluateLowSampleCountPercentile="skip"),
        "EvaluateLowSampleCountPercentile",
    ),
    "six actions": (static(AlarmActions=[f"{TOPIC}{n}" for n in range(6)]), "AlarmActions"),
    "an action that is none": (static(OKActions=["oncall@example.com"]), "OKActions"),
    "a band that scales": (band(AlarmActions=[SCALE]), "AlarmActions"),
    "math that stops a machine": (math(AlarmActions=[STOP]), "AlarmActions"),
    "a composite that stops a machine": (composite(AlarmActions=[STOP]), "AlarmActions"),
    "an ops item when all is well": (static(OKActions=[OPS]), "OKActions"),
    "no name": (static(""), "AlarmName"),
    "a long name": (static("x" * 256), "AlarmName"),
    "a name of two lines": (static("shop\nfloor"), "AlarmName"),
    "a long description": (static(AlarmDescription="x" * 1025), "AlarmDescription"),
    "a colon first": (static(Namespace=":Shop"), "Namespace"),
    "31 dimensions": (static(Dimensions=[{"Name": f"d{n}", "Value": "1"} for n in range(31)]), "Dimensions"),
    "a dimension of nothing": (static(Dimensions=[{"Name": "Shop", "Value": ""}]), "Dimensions"),
    "unknown unit": (static(Unit="Orders"), "Unit"),
    "interval without criteria": (static(EvaluationInterval=60), "EvaluationInterval"),
    "policy for PromQL": (
        {
            "AlarmName": "shop-p",
            "EvaluationCriteria": {"PromQLCriteria": {"Query": "up"}},
            "TreatMissingData": "missing",
        },
        "TreatMissingData",
    ),
    "tags in and out": (
        static(
            ActionConfiguration={
                "AlarmTagsPropagation": {"Enabled": True, "IncludedTagKeys": ["a"], "ExcludedTagKeys": ["b"]}
            }
        ),
        "ActionConfiguration",
    ),
    "a warm-up of a week": (
        static(WarmUpConfiguration={"WarmUpPeriodDurationInMinutes": 10_080}),
        "WarmUpConfiguration",
    ),
    "a rule of nothing": (composite(rule=""), "AlarmRule"),
    "an open bracket": (composite(rule='(ALARM("a") OR ALARM("b")'), "AlarmRule"),
    "two alarms and no word": (composite(rule='ALARM("a") ALARM("b")'), "AlarmRule"),
    "a rule about itself": (composite("shop-any", rule='ALARM("shop-any")'), "AlarmRule"),
    "101 children": (composite(rule=" OR ".join(f'ALARM("a{n}")' for n in range(101))), "AlarmRule"),
    "501 elements": (composite(rule=" OR ".join(["TRUE"] * 251)), "AlarmRule"),
    "a suppressor without times": (
        composite(ActionsSuppressor="shop-deploy", ActionsSuppressorExtensionPeriod=60),
        "ActionsSuppressorWaitPeriod",
    ),
    "times without a suppressor": (composite(ActionsSuppressorWaitPeriod=60), "ActionsSuppressorWaitPeriod"),
}


@pytest.mark.parametrize("definition", RIGHT.values(), ids=RIGHT)
def test_right_alarms_have_no_problem(definition):
    assert alarm_problems(definition) == []


@pytest.mark.parametrize(("definition", "field"), WRONG.values(), ids=WRONG)
def test_a_wrong_alarm_is_refused_by_the_name_of_its_field(definition, field):
    problems = alarm_problems(definition)

    assert {problem.field for problem in problems} == {field}
    assert all(field in str(problem) and problem.allowed for problem in problems)


def test_a_problem_says_what_was_given_and_what_is_allowed():
    (problem,) = alarm_problems(static(Period=45))

    assert str(problem) == "Period is 45; 10, 20, 30 or a multiple of 60 seconds are allowed."
    assert problem.as_json()["alarm"] == "shop-floor"


@pytest.mark.parametrize(
    ("configuration", "field"),
    [
        ({"MetricTimezone": "Europe/Atlantis"}, "MetricTimezone"),
        (
            {
                "ExcludedTimeRanges": [
                    {"StartTime": f"2026-01-{d:02}", "EndTime": f"2026-01-{d + 1:02}"} for d in range(1, 12)
                ]
            },
            "ExcludedTimeRanges",
        ),
        (
            {"ExcludedTimeRanges": [{"StartTime": "2026-01-02", "EndTime": "2026-01-01"}]},
            "ExcludedTimeRanges",
        ),
    ],
    ids=["unknown zone", "eleven ranges", "backwards"],
)
def test_a_wrong_detector_is_refused_by_the_name_of_its_field(configuration, field):
    single = {"Namespace": "Shop", "MetricName": "orders", "Stat": "Sum"}

    problems = detector_problems({"SingleMetricAnomalyDetector": single, "Configuration": configuration})

    assert [problem.field for problem in problems] == [field]
