"""A CloudFormation template."""

from zoneinfo import ZoneInfo

from alarms.cloudwatch.definitions import alarm_name, detector_key, detector_name, detector_of, is_composite
from alarms.cloudwatch.plan import dependencies
from alarms.config.export.names import camel

MOST_RESOURCES = 500


class TooMany(ValueError):
    """More resources than one template may have."""


def cloudformation(wanted, description="", mutes=()):
    """Return the template of a set's alarms, detectors and mutes; raise TooMany beyond 500 resources.

    `mutes` are dicts in PutAlarmMuteRule's shape, of alarms that are wanted.
    """
    taken = set()
    ids = {name: camel(name, taken) for name in sorted(wanted.alarms)}
    detectors = _detectors(wanted)
    detector_ids = {key: camel(f"Detector {detector_name(d)}", taken) for key, d in detectors.items()}
    resources = {detector_ids[key]: _detector(definition) for key, definition in detectors.items()}
    for name, definition in sorted(wanted.alarms.items()):
        needed = [ids[child] for child in _needs(definition) if child in ids]
        if detector := detector_of(definition):
            needed.append(detector_ids[detector_key(detector)])
        resources[ids[name]] = _alarm(definition, wanted.tags.get(name), needed)
    for rule in mutes:
        resources[camel(f"Mute {rule['Name']}", taken)] = _mute(rule, ids)
    if len(resources) > MOST_RESOURCES:
        raise TooMany(
            f"{len(resources)} resources; one template may have {MOST_RESOURCES}. Make smaller sets."
        )
    return {"AWSTemplateFormatVersion": "2010-09-09", "Description": description, "Resources": resources}


def detector_template(definition):
    """Return a template with one detector, for tools that know none."""
    return {"AWSTemplateFormatVersion": "2010-09-09", "Resources": {"Detector": _detector(definition)}}


def _needs(definition):
    return [alarm_name(child) for child in dependencies(definition)] if is_composite(definition) else []


def _detectors(wanted):
    """Return every detector the alarms need, by key; those with settings as they are set."""
    found = [detector for detector in map(detector_of, wanted.alarms.values()) if detector]
    return {**{detector_key(detector): detector for detector in found}, **wanted.detectors}


def _alarm(definition, tags, needed):
    kind = "AWS::CloudWatch::CompositeAlarm" if is_composite(definition) else "AWS::CloudWatch::Alarm"
    properties = {name: value for name, value in definition.items() if value is not None}
    if tags:
        properties["Tags"] = [{"Key": key, "Value": value} for key, value in sorted(tags.items())]
    resource = {"Type": kind, "Properties": properties}
    if needed:
        resource["DependsOn"] = sorted(set(needed))
    return resource


def _detector(definition):
    properties = {k: v for k, v in definition.items() if k != "Configuration"}
    configuration = dict(definition.get("Configuration") or {})
    if "MetricTimezone" in configuration:
        # Spelled so by CloudFormation alone.
        configuration["MetricTimeZone"] = configuration.pop("MetricTimezone")
    if configuration:
        properties["Configuration"] = configuration
    return {"Type": "AWS::CloudWatch::AnomalyDetector", "Properties": properties}


def _mute(rule, ids):
    zone = ZoneInfo(rule["Rule"]["Schedule"]["Timezone"])
    # Dates are texts here, in the schedule's own zone.
    dates = {
        name: rule[name].astimezone(zone).strftime("%Y-%m-%dT%H:%M")
        for name in ("StartDate", "ExpireDate")
        if name in rule
    }
    return {
        "Type": "AWS::CloudWatch::AlarmMuteRule",
        "Properties": {**rule, **dates},
        "DependsOn": sorted(ids[name] for name in rule["MuteTargets"]["AlarmNames"]),
    }
