"""A CloudWatch at the wire: the real client, its protocol and its paging talk to it over HTTP.

The protocol is AWS JSON 1.0, which is what botocore chooses among the three CloudWatch offers.
It holds what moto cannot: composite alarms, both kinds of anomaly detectors, pages, and answers with
the defaults filled in as CloudWatch fills them. It knows none of the application's code.
"""

import gzip
import json
import re
import threading
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ACCOUNT, REGION = "123456789012", "us-east-1"
CHANGES = {
    "PutMetricAlarm",
    "PutCompositeAlarm",
    "DeleteAlarms",
    "PutAnomalyDetector",
    "DeleteAnomalyDetector",
    "TagResource",
    "UntagResource",
    "PutAlarmMuteRule",
    "DeleteAlarmMuteRule",
}


class Refusal(Exception):
    def __init__(self, code, message="", status=400):
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


class CloudWatchWire:
    """Start with `with CloudWatchWire() as wire:`; `wire.url` is its endpoint."""

    def __init__(self):
        self.alarms, self.composites, self.log_alarms = {}, {}, {}
        self.detectors, self.tags, self.mutes = [], {}, {}
        self.history, self.data, self.values = [], [], {}
        self.calls = Counter()
        self.asked = []
        # Codes to answer with, by operation, before it works; and after how many changes to go away.
        self.refuse = {}
        self.changes_left = None
        # Called with "before" and "after" each call took effect; the answer is not sent yet.
        self.at_call = None

    def __enter__(self):
        wire = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle(self):
                # Those who call may be killed.
                with suppress(ConnectionError):
                    super().handle()

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                operation = self.headers["X-Amz-Target"].removeprefix("GraniteServiceVersion20100801.")
                status, answer = wire.answer(operation, _times_read(json.loads(body)))
                content = json.dumps(answer, default=datetime.timestamp).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/x-amz-json-1.0")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *arguments):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        return self

    def __exit__(self, *exception):
        self._server.shutdown()
        self._server.server_close()

    def answer(self, operation, asked):
        self.calls[operation] += 1
        self.asked.append((operation, asked))
        self._strike("before")
        try:
            if self.refuse.get(operation):
                raise self.refuse[operation].pop(0)
            if operation in CHANGES and self.changes_left is not None:
                if self.changes_left == 0:
                    raise Refusal("AccessDenied", "away")
                self.changes_left -= 1
            answer = getattr(self, operation)(asked) or {}
            self._strike("after")
            return 200, answer
        except Refusal as refusal:
            return refusal.status, {
                "__type": f"com.amazonaws.cloudwatch#{refusal.code}",
                "message": refusal.message,
            }

    def _strike(self, moment):
        if self.at_call:
            self.at_call(moment)

    def DescribeAlarms(self, asked):
        rows = []
        kinds = asked.get("AlarmTypes") or ["MetricAlarm"]
        for kind, group in (
            ("MetricAlarm", self.alarms),
            ("CompositeAlarm", self.composites),
            ("LogAlarm", self.log_alarms),
        ):
            if kind in kinds:
                rows += [(kind, name, row) for name, row in sorted(group.items())]
        if asked.get("AlarmNames"):
            rows = [row for row in rows if row[1] in asked["AlarmNames"]]
        rows = [row for row in rows if row[1].startswith(asked.get("AlarmNamePrefix", ""))]
        page, token = _page(rows, asked.get("MaxRecords", 50), asked.get("NextToken"))
        answer = {"MetricAlarms": [], "CompositeAlarms": [], "LogAlarms": []}
        for kind, _, row in page:
            answer[f"{kind}s"].append(row)
        return {**answer, **token}

    def PutMetricAlarm(self, asked):
        if asked["AlarmName"] in self.composites:
            raise Refusal("ValidationError", "a composite alarm has that name")
        defaults = {
            "ActionsEnabled": True,
            "OKActions": [],
            "AlarmActions": [],
            "InsufficientDataActions": [],
            "TreatMissingData": "missing",
        }
        if asked.get("MetricName"):
            defaults["Dimensions"] = []
        self._put(self.alarms, {**defaults, **asked})
        for query in asked.get("Metrics", []):
            match = re.match(r"ANOMALY_DETECTION_BAND\((\w+)", query.get("Expression", ""))
            if match:
                self._learn_for(asked["Metrics"], match[1])

    def PutCompositeAlarm(self, asked):
        if asked["AlarmName"] in self.alarms:
            raise Refusal("ValidationError", "a metric alarm has that name")
        for name in re.findall(r'"([^"]+)"', asked["AlarmRule"]):
            if name.split(":alarm:")[-1] not in {**self.alarms, **self.composites}:
                raise Refusal("ValidationError", f"no alarm {name}")
        lists = {"OKActions": [], "AlarmActions": [], "InsufficientDataActions": []}
        self._put(self.composites, {"ActionsEnabled": True, **lists, **asked})

    def _put(self, group, row):
        name = row["AlarmName"]
        arn = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{name}"
        tags = {tag["Key"]: tag["Value"] for tag in row.pop("Tags", [])}
        if name not in group:
            self.tags[arn] = tags
        now = datetime.now(UTC)
        state = group.get(name, {}).get("StateValue", "INSUFFICIENT_DATA")
        group[name] = {
            **row,
            "AlarmArn": arn,
            "StateValue": state,
            "StateReason": "Unchecked: Initial alarm creation",
            "StateUpdatedTimestamp": now,
            "StateTransitionedTimestamp": now,
            "AlarmConfigurationUpdatedTimestamp": now,
        }

    def _learn_for(self, queries, watched):
        query = next(query for query in queries if query["Id"] == watched)
        if "MetricStat" in query:
            stat = query["MetricStat"]
            self._learn({"SingleMetricAnomalyDetector": {**stat["Metric"], "Stat": stat["Stat"]}})
        else:
            asked = [
                {**q, "ReturnData": q["Id"] == watched}
                for q in queries
                if not q.get("Expression", "").startswith("ANOMALY")
            ]
            self._learn({"MetricMathAnomalyDetector": {"MetricDataQueries": asked}})

    def _learn(self, asked, replace=False):
        for row in self.detectors:
            if _watched(row) == _watched(asked):
                if replace:
                    row.pop("Configuration", None)
                    row.update(asked)
                return
        self.detectors.append({**asked, "StateValue": "PENDING_TRAINING"})

    def DeleteAlarms(self, asked):
        for name in asked["AlarmNames"]:
            self.alarms.pop(name, None)
            self.composites.pop(name, None)

    def PutAnomalyDetector(self, asked):
        self._learn(asked, replace=True)

    def DeleteAnomalyDetector(self, asked):
        left = [row for row in self.detectors if _watched(row) != _watched(asked)]
        if len(left) == len(self.detectors):
            raise Refusal("ResourceNotFoundException", "no such detector", 404)
        self.detectors = left

    def DescribeAnomalyDetectors(self, asked):
        kinds = asked.get("AnomalyDetectorTypes") or ["SINGLE_METRIC"]
        rows = [
            row
            for row in self.detectors
            if ("METRIC_MATH" if "MetricMathAnomalyDetector" in row else "SINGLE_METRIC") in kinds
        ]
        page, token = _page(rows, asked.get("MaxResults", 10), asked.get("NextToken"))
        return {"AnomalyDetectors": page, **token}

    def ListTagsForResource(self, asked):
        tags = self.tags.get(asked["ResourceARN"], {})
        return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}

    def TagResource(self, asked):
        self.tags[asked["ResourceARN"]].update({tag["Key"]: tag["Value"] for tag in asked["Tags"]})

    def UntagResource(self, asked):
        for key in asked["TagKeys"]:
            self.tags[asked["ResourceARN"]].pop(key, None)

    def SetAlarmState(self, asked):
        for group in (self.alarms, self.composites):
            if row := group.get(asked["AlarmName"]):
                old, row["StateValue"] = row["StateValue"], asked["StateValue"]
                row["StateReason"] = asked["StateReason"]
                data = {"oldState": {"stateValue": old}, "newState": {"stateValue": asked["StateValue"]}}
                self.note(asked["AlarmName"], data)
                return
        raise Refusal("ResourceNotFound", "no such alarm", 404)

    def note(self, name, data, at=None):
        """Write a change of state into the history."""
        self.history.append(
            {
                "AlarmName": name,
                "AlarmType": "MetricAlarm",
                "Timestamp": at or datetime.now(UTC),
                "HistoryItemType": "StateUpdate",
                "HistorySummary": "Alarm updated",
                "HistoryData": json.dumps(data),
            }
        )

    def DescribeAlarmHistory(self, asked):
        rows = [
            row
            for row in self.history
            if row["AlarmName"] == asked.get("AlarmName", row["AlarmName"])
            and row["Timestamp"] >= asked["StartDate"]
        ]
        page, token = _page(rows, asked.get("MaxRecords", 100), asked.get("NextToken"))
        return {"AlarmHistoryItems": page, **token}

    def PutAlarmMuteRule(self, asked):
        self.mutes[asked["Name"]] = asked

    def DeleteAlarmMuteRule(self, asked):
        self.mutes.pop(asked["AlarmMuteRuleName"], None)

    def PutMetricData(self, asked):
        if len(asked["MetricData"]) > 1000:
            raise Refusal("ValidationError", "too many")
        self.data += [(asked["Namespace"], datum) for datum in asked["MetricData"]]

    def GetMetricData(self, asked):
        query = asked["MetricDataQueries"][0]
        rows = self.values.get(query["MetricStat"]["Metric"]["MetricName"], [])
        rows = [row for row in rows if asked["StartTime"] <= row[0] < asked["EndTime"]]
        page, token = _page(rows, 500, asked.get("NextToken"))
        found = {"Id": query["Id"], "Timestamps": [at for at, _ in page], "Values": [v for _, v in page]}
        return {"MetricDataResults": [{**found, "StatusCode": "Complete"}], **token}


def _times_read(asked):
    """Times come as seconds since 1970."""
    for name in ("StartDate", "EndDate", "StartTime", "EndTime"):
        if name in asked:
            asked[name] = datetime.fromtimestamp(asked[name], UTC)
    return asked


def _watched(detector):
    if math := detector.get("MetricMathAnomalyDetector"):
        return (
            "math",
            str([(q["Id"], q.get("Expression"), q.get("MetricStat")) for q in math["MetricDataQueries"]]),
        )
    single = detector.get("SingleMetricAnomalyDetector") or detector
    dimensions = sorted((d["Name"], d["Value"]) for d in single.get("Dimensions", []))
    return single["Namespace"], single["MetricName"], single["Stat"], tuple(dimensions)


def _page(rows, size, token):
    start = int(token or 0)
    more = {"NextToken": str(start + size)} if start + size < len(rows) else {}
    return rows[start : start + size], more
