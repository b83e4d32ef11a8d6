"""Terraform in its JSON syntax, with import blocks for what exists already."""

import json
import re
from collections import defaultdict
from datetime import UTC

from alarms.cloudwatch.definitions import detector_name, detectors_of, is_composite
from alarms.config.export.cloudformation import detector_template
from alarms.config.export.names import snake

# What Terraform's resources have no argument for.
_UNKNOWN = {"EvaluationWindow", "WarmUpConfiguration", "EvaluationCriteria", "EvaluationInterval"}
_UNKNOWN |= {"ActionConfiguration"}
_MUTE = "aws_cloudwatch_alarm_mute_rule"


def terraform(wanted, existing=(), mutes=(), mutes_exist=False):
    """Return the configuration; names in `existing` get an import block, so that nothing is made twice.

    `mutes` are dicts in PutAlarmMuteRule's shape, of alarms that are wanted. The provider has no anomaly
    detectors: they become small CloudFormation stacks. What it cannot say (a warm-up period) stands in the
    comment "//" of the alarm.
    """
    taken, resources, imports, places = set(), defaultdict(dict), [], {}
    for name, definition in sorted(wanted.alarms.items()):
        kind = f"aws_cloudwatch_{'composite' if is_composite(definition) else 'metric'}_alarm"
        label = snake(name, taken)
        resources[kind][label] = _alarm(definition, wanted.tags.get(name))
        places[name] = f"{kind}.{label}"
        if name in existing:
            imports.append({"to": places[name], "id": _text(name)})
    used = detectors_of(wanted.alarms.values())
    for key, detector in wanted.detectors.items():
        if key in used and not detector.keys() & {"Configuration", "MetricCharacteristics"}:
            continue  # CloudWatch makes a plain one with its alarm.
        label = snake(f"detector {detector_name(detector)}", taken)
        body = _text(json.dumps(detector_template(detector), sort_keys=True))
        stack = {"name": label.replace("_", "-")[:128], "template_body": body}
        resources["aws_cloudformation_stack"][label] = stack
    for rule in mutes:
        label = snake(f"mute {rule['Name']}", taken)
        resources[_MUTE][label] = _mute(rule, places)
        if mutes_exist:
            imports.append({"to": f"{_MUTE}.{label}", "id": _text(rule["Name"])})
    providers = {"aws": {"source": "hashicorp/aws"}}
    result = {
        "terraform": {"required_version": ">= 1.5", "required_providers": providers},
        "resource": resources,
    }
    return {**result, "import": imports} if imports else result


def _alarm(definition, tags):
    result, left = {}, {}
    for name, value in definition.items():
        if name in _UNKNOWN:
            left[name] = value
        elif name == "Dimensions":
            result["dimensions"] = _map(value)
        elif name == "Metrics":
            result["metric_query"] = [_query(query) for query in value]
        elif not name.startswith("ActionsSuppressor"):
            result[_argument(name)] = _text(value)
    if definition.get("ActionsSuppressor"):
        result["actions_suppressor"] = {
            "alarm": _text(definition["ActionsSuppressor"]),
            "wait_period": definition["ActionsSuppressorWaitPeriod"],
            "extension_period": definition["ActionsSuppressorExtensionPeriod"],
        }
    if tags:
        result["tags"] = {_text(key): _text(value) for key, value in sorted(tags.items())}
    if left:
        result["//"] = f"Not known to Terraform: {json.dumps(left, sort_keys=True)}"
    return result


def _mute(rule, places):
    schedule, names = rule["Rule"]["Schedule"], rule["MuteTargets"]["AlarmNames"]
    result = {
        "name": _text(rule["Name"]),
        "rule": {"schedule": {name.lower(): _text(value) for name, value in schedule.items()}},
        "mute_targets": {"alarm_names": _text(names)},
        "depends_on": [places[name] for name in names],
    }
    if rule.get("Description"):
        result["description"] = _text(rule["Description"])
    for name, theirs in (("StartDate", "start_date"), ("ExpireDate", "expire_date")):
        if name in rule:
            # The provider refuses seconds.
            result[theirs] = rule[name].astimezone(UTC).strftime("%Y-%m-%dT%H:%M:00Z")
    return result


def _query(query):
    result = {_argument(name): _text(value) for name, value in query.items() if name != "MetricStat"}
    # Left out, Terraform takes it for false where CloudWatch takes it for true.
    result.setdefault("return_data", True)
    if stat := query.get("MetricStat"):
        given = {**stat["Metric"], **stat}
        names = ("Namespace", "MetricName", "Period", "Stat", "Dimensions", "Unit")
        block = {_argument(name): _text(given[name]) for name in names if given.get(name)}
        if "dimensions" in block:
            block["dimensions"] = _map(given["Dimensions"])
        result["metric"] = block
    return result


def _argument(name):
    """Return the argument of a field: ok_actions for OKActions."""
    if name == "EvaluateLowSampleCountPercentile":
        return "evaluate_low_sample_count_percentiles"
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def _map(dimensions):
    return {_text(pair["Name"]): _text(pair["Value"]) for pair in dimensions}


def _text(value):
    """Return text as Terraform reads it literally: its template signs are doubled."""
    if isinstance(value, list):
        return [_text(part) for part in value]
    return value.replace("${", "$${").replace("%{", "%%{") if isinstance(value, str) else value
