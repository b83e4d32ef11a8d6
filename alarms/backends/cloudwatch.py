"""The only file that knows CloudWatch. Every list is read to its last page; every call waits its turn."""

import json
import random
import re
import time
from contextlib import suppress
from datetime import UTC

from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings

from alarms.backends.base import Backend, BackendError, Transition
from alarms.backends.pacing import Pace
from alarms.cloudwatch.definitions import detector_key, detector_metric, is_composite, put_fields
from alarms.cloudwatch.plan import ExistingAlarm
from photomgr import aws

_TRANSIENT = re.compile(r"Throttling|TooManyRequests|RequestLimit|Internal|ServiceUnavailable|RequestTimeout")
_GONE = {"ResourceNotFound", "ResourceNotFoundException"}
_ATTEMPTS = 6
_PAGE = 100
# CloudWatch takes three changes a second, three times as many reads, and far more data.
_PACES = {"describe": ("reads", 3), "list": ("reads", 3), "data": ("data", 10)}
# Alarms on logs have a shape of their own; they are read so that they are named and left alone.
_KINDS = ["MetricAlarm", "CompositeAlarm", "LogAlarm"]

_pace_of: dict[tuple[str, str], Pace] = {}


class CloudWatch(Backend):
    name = "cloudwatch"

    def alarms(self, tags=False):
        found, foreign = {}, []
        for page in self._pages("describe_alarms", AlarmTypes=_KINDS, MaxRecords=_PAGE):
            described = _described(page)
            found |= {answer["AlarmName"]: self._alarm(answer, tags) for answer in described}
            foreign += page.get("LogAlarms", []) + [a for a in described if a.get("EvaluationCriteria")]
        return found, frozenset(answer["AlarmName"] for answer in foreign)

    def _alarm(self, answer, tags):
        return ExistingAlarm(
            put_fields(answer),
            answer["AlarmArn"],
            answer.get("StateValue", ""),
            answer.get("StateReason", ""),
            answer.get("StateTransitionedTimestamp") or answer.get("StateUpdatedTimestamp"),
            self._tags(answer["AlarmArn"]) if tags else None,
        )

    def _tags(self, arn):
        answer = self._call("list_tags_for_resource", ResourceARN=arn)
        return {tag["Key"]: tag["Value"] for tag in answer.get("Tags", [])}

    def detectors(self):
        return {detector_key(answer): _detector(answer) for answer in self._detectors()}

    def detector_states(self):
        return {detector_key(answer): answer.get("StateValue", "") for answer in self._detectors()}

    def _detectors(self):
        kinds = ["SINGLE_METRIC", "METRIC_MATH"]
        for page in self._pages("describe_anomaly_detectors", AnomalyDetectorTypes=kinds, MaxResults=_PAGE):
            yield from page.get("AnomalyDetectors", [])

    def put_alarm(self, definition, tags):
        operation = "put_composite_alarm" if is_composite(definition) else "put_metric_alarm"
        self._call(operation, **definition, **({"Tags": _listed(tags)} if tags else {}))

    def delete_alarm(self, name):
        with suppress(_Gone):
            self._call("delete_alarms", AlarmNames=[name])

    def retag_alarm(self, name, tags):
        page = self._call("describe_alarms", AlarmNames=[name], AlarmTypes=_KINDS)
        for answer in _described(page):
            arn = answer["AlarmArn"]
            if stale := sorted(self._tags(arn).keys() - tags.keys()):
                self._call("untag_resource", ResourceARN=arn, TagKeys=stale)
            if tags:
                self._call("tag_resource", ResourceARN=arn, Tags=_listed(tags))

    def put_detector(self, definition):
        self._call("put_anomaly_detector", **definition)

    def delete_detector(self, definition):
        with suppress(_Gone):
            self._call("delete_anomaly_detector", **detector_metric(definition))

    def set_state(self, name, state, reason):
        self._call("set_alarm_state", AlarmName=name, StateValue=state, StateReason=reason)

    def transitions(self, since, name=None):
        pages = self._pages(
            "describe_alarm_history",
            AlarmTypes=["MetricAlarm", "CompositeAlarm"],
            HistoryItemType="StateUpdate",
            StartDate=since,
            ScanBy="TimestampAscending",
            MaxRecords=_PAGE,
            **({"AlarmName": name} if name else {}),
        )
        return [_transition(item) for page in pages for item in page.get("AlarmHistoryItems", [])]

    def put_mute(self, rule):
        self._call("put_alarm_mute_rule", **rule)

    def delete_mute(self, name):
        with suppress(_Gone):
            self._call("delete_alarm_mute_rule", AlarmMuteRuleName=name)

    def put_data(self, namespace, data):
        self._call("put_metric_data", Namespace=namespace, MetricData=data)

    def statistics(self, metric, period, start, end):
        dimensions = [{"Name": name, "Value": value} for name, value in sorted(metric.dimensions.items())]
        watched = {"Namespace": metric.namespace, "MetricName": metric.name, "Dimensions": dimensions}
        query = {"Id": "m1", "MetricStat": {"Metric": watched, "Period": period, "Stat": metric.stat}}
        times = {"StartTime": start, "EndTime": end, "ScanBy": "TimestampAscending"}
        result = []
        for page in self._pages("get_metric_data", MetricDataQueries=[query], **times):
            for found in page.get("MetricDataResults", []):
                moments = (moment.astimezone(UTC) for moment in found["Timestamps"])
                result += zip(moments, found["Values"], strict=True)
        return result

    def _pages(self, operation, **arguments):
        page = self._call(operation, **arguments)
        yield page
        while token := page.get("NextToken"):
            page = self._call(operation, **arguments, NextToken=token)
            yield page

    def _call(self, operation, **arguments):
        """Make one call in its turn; after a throttle or a fault of theirs try again, with jitter."""
        pace = self._pace(operation)
        for attempt in range(1, _ATTEMPTS + 1):
            pace.wait()
            try:
                return getattr(aws.client("cloudwatch", self.region or None), operation)(**arguments)
            except ClientError as error:
                problem = _problem(error)
                if attempt == _ATTEMPTS or not _is_transient(error):
                    raise problem from error
            except BotoCoreError as error:
                # A call whose answer was lost may have counted already: data are not sent twice in a row.
                if attempt == _ATTEMPTS or operation == "put_metric_data":
                    raise BackendError(type(error).__name__, str(error)) from error
            time.sleep(random.uniform(0, 2**attempt / pace.rate))  # noqa: S311 (spreads load, keeps no secret)
        raise AssertionError("unreachable")

    def _pace(self, operation):
        verb, *_, last = operation.split("_")
        kind, factor = _PACES.get(verb) or _PACES.get(last) or ("changes", 1)
        rate = settings.ALARMS_CALLS_PER_SECOND * factor
        pace = _pace_of.setdefault((self.region, kind), Pace(rate))
        pace.rate = rate
        return pace


class _Gone(BackendError):
    """What the call names does not exist."""


def _described(page):
    return [*page.get("MetricAlarms", []), *page.get("CompositeAlarms", [])]


def _listed(tags):
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]


def _problem(error):
    found = error.response.get("Error", {})
    code, message = found.get("Code", "Unknown"), found.get("Message") or str(error)
    return (_Gone if code in _GONE else BackendError)(code, message)


def _is_transient(error):
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    code = error.response.get("Error", {}).get("Code", "")
    return bool(_TRANSIENT.match(code)) or status in (429, 502, 503, 504)


def _detector(answer):
    """Return a detector without what it learnt, in PutAnomalyDetector's shape."""
    result = detector_metric(answer)
    for field in ("Configuration", "MetricCharacteristics"):
        if answer.get(field):
            result[field] = answer[field]
    if ranges := (result.get("Configuration") or {}).get("ExcludedTimeRanges"):
        ranges = [{name: moment.isoformat() for name, moment in found.items()} for found in ranges]
        result["Configuration"] = {**result["Configuration"], "ExcludedTimeRanges": ranges}
    return result


def _transition(item):
    data = json.loads(item.get("HistoryData") or "{}")
    new = data.get("newState", {})
    return Transition(
        item["AlarmName"],
        item["Timestamp"].astimezone(UTC),
        data.get("oldState", {}).get("stateValue", ""),
        new.get("stateValue", ""),
        new.get("stateReason") or item.get("HistorySummary", ""),
        new.get("stateReasonData") or {},
    )
