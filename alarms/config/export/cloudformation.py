from zoneinfo import ZoneInfo

from alarms.cloudwatch.definitions import alarm_name, detector_name, detectors_of, is_composite
from alarms.cloudwatch.plan import dependencies
from alarms.config.export.names import camel


class TooMany(ValueError):
    pass


def cloudformation(wanted, description="", mutes=()):
    """Return the template of a set's alarms, detectors and mutes; raise TooMany beyond 500 resources.

    `mutes` are dicts in PutAlarmMuteRule's shape, of alarms that are wanted.
    """
    taken = set()
    ids = {name: camel(name, taken) for name in sorted(wanted.alarms)}
    detectors = {**detectors_of(wanted.alarms.values()), **wanted.detectors}
    detector_ids = {key: camel(f"Detector {detector_name(d)}", taken) for key, d in detectors.items()}
    resources = {detector_ids[key]: _detector(definition) for key, definition in detectors.items()}
    for name, definition in sorted(wanted.alarms.items()):
        if is_composite(definition):
            needed = {ids[child] for child in map(alarm_name, dependencies(definition)) if child in ids}
        else:
            needed = {detector_ids[key] for key in detectors_of([definition])}
        resources[ids[name]] = _alarm(definition, wanted.tags.get(name), sorted(needed))
    for rule in mutes:
        resources[camel(f"Mute {rule['Name']}", taken)] = _mute(rule, ids)
    if len(resources) > 500:
        raise TooMany(f"{len(resources)} resources; one template may have 500. Make smaller sets.")
    return {"AWSTemplateFormatVersion": "2010-09-09", "Description": description, "Resources": resources}


def detector_template(definition):
    return {"AWSTemplateFormatVersion": "2010-09-09", "Resources": {"Detector": _detector(definition)}}


def _alarm(definition, tags, needed):
    kind = "AWS::CloudWatch::CompositeAlarm" if is_composite(definition) else "AWS::CloudWatch::Alarm"
    properties = {name: value for name, value in definition.items() if value is not None}
    if tags:
        properties["Tags"] = [{"Key": key, "Value": value} for key, value in sorted(tags.items())]
    return {"Type": kind, "Properties": properties, **({"DependsOn": needed} if needed else {})}


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
    given = [name for name in ("StartDate", "ExpireDate") if name in rule]
    dates = {name: rule[name].astimezone(zone).strftime("%Y-%m-%dT%H:%M") for name in given}
    return {
        "Type": "AWS::CloudWatch::AlarmMuteRule",
        "Properties": {**rule, **dates},
        "DependsOn": sorted(ids[name] for name in rule["MuteTargets"]["AlarmNames"]),
    }
