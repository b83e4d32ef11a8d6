"""Alarms that exist, or stand in a file, become configuration; afterwards the plan is empty."""

from dataclasses import dataclass, field
from itertools import chain, count

from django.db import transaction
from django.utils.text import slugify

from alarms.cloudwatch.constants import ACTION_FIELD_OF
from alarms.cloudwatch.definitions import band_of, detector_key, detector_metric, detectors_of, differences
from alarms.cloudwatch.times import aware
from alarms.cloudwatch.validation import alarm_problems, detector_problems, prefix_problems
from alarms.config.configuration import band_queries, definition_of
from alarms.config.export.document import VERSION
from alarms.config.metric_rows import metric_of
from alarms.config.rows import row_of
from alarms.models import Action, Alarm, AlarmAction, Detector, ExcludedRange, Guard

# What an alarm of another kind may have left behind.
_BLANK = {
    **dict.fromkeys(("operator", "side", "rule", "suppressor", "low_samples"), ""),
    **dict.fromkeys(("threshold", "k", "suppressor_wait", "suppressor_extension")),
}


@dataclass
class Imported:
    created: list = field(default_factory=list)
    updated: list = field(default_factory=list)
    unchanged: list = field(default_factory=list)
    refused: list = field(default_factory=list)  # problems
    unmanaged: list = field(default_factory=list)  # kinds that are left alone
    detectors: list = field(default_factory=list)

    def as_json(self):
        return {**self.__dict__, "refused": [problem.as_json() for problem in self.refused]}


@transaction.atomic
def _import(alarm_set, alarms, detectors, foreign=()):
    """Write rows for [(definition, tags, further values)] and detectors; return what became of each.

    What CloudWatch itself would refuse is refused here, too, and keeps nothing else back.
    """
    result = Imported(unmanaged=sorted(name for name in foreign if name.startswith(alarm_set.prefix)))
    used = set()
    for definition, tags, further in alarms:
        name = definition.get("AlarmName")
        if name in result.unmanaged:
            continue
        if problems := prefix_problems(definition, alarm_set.prefix) + alarm_problems(definition):
            result.refused += problems
        else:
            getattr(result, _import_alarm(alarm_set, definition, tags, further)).append(name)
            used |= set(detectors_of([definition]))
    for detector in (found for found in detectors if detector_key(found) in used):
        if problems := detector_problems(detector):
            result.refused += problems
        else:
            result.detectors.append(_import_detector(alarm_set, detector))
    return result


class BadDocument(ValueError):
    pass


def from_backend(alarm_set, backend, tags=False):
    """Import all alarms that exist under the set's prefix, with their detectors; with `tags` theirs, too."""
    existing = backend.existing(tags=tags)
    ours = [alarm for name, alarm in existing.alarms.items() if name.startswith(alarm_set.prefix)]
    alarms = [(alarm.definition, alarm.tags, {}) for alarm in ours]
    return _import(alarm_set, alarms, existing.detectors.values(), existing.foreign)


def from_document(alarm_set, document):
    """Import what `document` wrote; raise BadDocument for anything else."""
    if not isinstance(document, dict) or document.get("photomgr_alarms") != VERSION:
        raise BadDocument(f"This is no export of alarms: it has no photomgr_alarms: {VERSION}.")
    names = ("role", "guard", "reason", "threshold_rule", "enabled")
    try:
        alarms = [
            (row["definition"], row.get("tags", {}), {name: row[name] for name in names if name in row})
            for row in document["alarms"]
        ]
    except (KeyError, TypeError) as error:
        raise BadDocument(f"An alarm of this export cannot be read: {error!r}.") from error
    return _import(alarm_set, alarms, document.get("detectors", []))


def _import_alarm(alarm_set, definition, tags, further):
    guard_name = further.pop("guard", "")
    alarm = Alarm.objects.for_definitions().filter(alarm_set=alarm_set, name=definition["AlarmName"]).first()
    same = alarm is not None and not differences(definition_of(alarm), definition)
    if same and all(getattr(alarm, name) == value for name, value in further.items()):
        return "unchanged"
    given, metric, stat = row_of(definition)
    values = {**_BLANK, "queries": [], "enabled": True, **given, **further}
    if tags is not None:
        owner = {"Owner": alarm_set.owner} if alarm_set.owner else {}
        values["tags"] = {name: value for name, value in tags.items() if owner.get(name) != value}
    values["metric"] = metric_of(metric, stat) if metric else None
    if values["metric"] and "role" not in further and alarm is None:
        values.update(_place(alarm_set, values))
    elif alarm is not None and "role" not in further:
        values.pop("role", None)
    if _is_plain_band(definition, values):
        values["queries"] = []
    if guard_name and values["metric"]:
        values["guard"], _ = Guard.objects.get_or_create(
            alarm_set=alarm_set, name=guard_name, defaults={"metric": values["metric"]}
        )
    new, created = Alarm.objects.update_or_create(
        alarm_set=alarm_set, name=definition["AlarmName"], defaults=values
    )
    new.alarm_actions.all().delete()
    AlarmAction.objects.bulk_create(
        AlarmAction(alarm=new, state=state, action=action_of(arn))
        for state, field in ACTION_FIELD_OF.items()
        for arn in definition.get(field) or []
    )
    return "created" if created else "updated"


def _is_plain_band(definition, values):
    if not band_of(definition) or not values["metric"]:
        return False
    plain = band_queries(values["metric"], values["period"])
    plain[1]["Expression"] = f"ANOMALY_DETECTION_BAND(m1, {values['k']:g})"
    return not differences({"Metrics": plain}, {"Metrics": definition["Metrics"]})


def _place(alarm_set, values):
    """Return the guard and role of a new alarm: the first floor, ceiling and band of a metric guard it."""
    metric, guards = values["metric"], Guard.objects.filter(alarm_set=alarm_set)
    guard = guards.filter(metric=metric).first()
    if guard is None:
        base = slugify("-".join([metric.name, *map(str, metric.dimensions.values()), metric.stat]))[:80]
        name = _free_name(base or "metric", "-", guards)
        guard = Guard.objects.create(alarm_set=alarm_set, metric=metric, name=name)
    if guard.alarms.filter(role=values["role"]).exists():
        return {"guard": None, "role": Alarm.Role.CUSTOM}
    return {"guard": guard}


def _free_name(base, separator, rows):
    """Return the base, or the base with the first number from 2 up that no row has as its name."""
    taken = set(rows.values_list("name", flat=True))
    names = chain([base], (f"{base}{separator}{number}" for number in count(2)))
    return next(name for name in names if name not in taken)


def action_of(arn):
    """Return the row of an action, named after the last part of its ARN when it is new."""
    if found := Action.objects.filter(arn=arn).first():
        return found
    base = arn.rsplit(":", 1)[-1].rsplit("/", 1)[-1][:60] or "action"
    name = _free_name(base, " ", Action.objects.filter(name__startswith=base))
    return Action.objects.create(name=name, arn=arn)


def _import_detector(alarm_set, detector):
    metric = detector_metric(detector)
    single = metric.get("SingleMetricAnomalyDetector")
    configuration = detector.get("Configuration") or {}
    row, _ = Detector.objects.update_or_create(
        alarm_set=alarm_set,
        identity=detector_key(detector),
        defaults={
            "metric": metric_of(single, single["Stat"]) if single else None,
            "queries": (metric.get("MetricMathAnomalyDetector") or {}).get("MetricDataQueries", []),
            "timezone": configuration.get("MetricTimezone", ""),
            "adaptation": configuration.get("AdaptationSpeed", ""),
            "filtering": configuration.get("OutlierFilteringStrength", ""),
            "periodic_spikes": (detector.get("MetricCharacteristics") or {}).get("PeriodicSpikes", False),
        },
    )
    row.excluded_ranges.all().delete()
    ExcludedRange.objects.bulk_create(
        ExcludedRange(detector=row, starts_at=aware(found["StartTime"]), ends_at=aware(found["EndTime"]))
        for found in configuration.get("ExcludedTimeRanges", [])
    )
    return str(row)
