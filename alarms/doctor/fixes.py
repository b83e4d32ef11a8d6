"""Carry out what the doctor proposes: changes of the configuration only; the next plan shows them."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from alarms.cloudwatch.definitions import detector_key, detector_of
from alarms.cloudwatch.times import aware
from alarms.config.configuration import definition_of
from alarms.doctor.runner import LOOK_BACK
from alarms.models import Alarm, Detector, ExcludedRange, Finding

# As many as PutAnomalyDetector takes.
MOST_EXCLUDED = 10
_CHANGEABLE = {
    "k",
    "evaluation_periods",
    "datapoints",
    "missing",
    "enabled",
    "threshold",
    "use_default_actions",
    "actions_enabled",
}


class CannotFix(Exception):
    """The change cannot be made; the message says why."""


@transaction.atomic
def carry_out(finding):
    """Make the change of a Finding and remove it; return what was done, in words."""
    if not Finding.objects.select_for_update().filter(pk=finding.pk).exists():
        raise CannotFix("It is done already, or was looked at again since.")
    fix = finding.fix
    {
        "change_alarm": _change_alarm,
        "change_detector": _change_detector,
        "add_floor": _add_floor,
        "add_ceiling": _add_ceiling,
        "exclude": _exclude_before,
        "end_mute": _end_mutes,
    }[fix["do"]](finding, fix["values"])
    finding.delete()
    return fix["label"]


def exclude(alarm, start, end, reason=""):
    """Have the band of an alarm learn nothing from between two moments; return the row."""
    detector = detector_row(alarm)
    if detector.excluded_ranges.count() >= MOST_EXCLUDED:
        raise CannotFix(f"{detector} has {MOST_EXCLUDED} excluded ranges already; CloudWatch takes no more.")
    if detector.excluded_ranges.filter(starts_at__lte=start, ends_at__gte=end).exists():
        raise CannotFix("It is excluded already.")
    return ExcludedRange.objects.create(detector=detector, starts_at=start, ends_at=end, reason=reason[:200])


def detector_row(alarm):
    """Return the row of what the alarm's band learns from, made when there is none."""
    definition = detector_of(definition_of(alarm))
    if definition is None:
        raise CannotFix(f"{alarm.name} has no band to learn anything.")
    return Detector.objects.get_or_create(
        alarm_set=alarm.alarm_set,
        identity=detector_key(definition),
        defaults={"metric": alarm.metric, "queries": [] if alarm.metric else alarm.queries},
    )[0]


def _change_alarm(finding, values):
    alarm = finding.alarm
    for name, value in values.items():
        if name not in _CHANGEABLE:
            raise CannotFix(f"{name} is nothing the doctor may change.")
        setattr(alarm, name, value)
    if "threshold" in values:
        alarm.threshold_at = timezone.now()
        values = {**values, "threshold_at": None}
    alarm.save(update_fields=[*values, "changed_at"])


def _change_detector(finding, values):
    detector = finding.detector or detector_row(finding.alarm)
    for name in values.keys() & {"periodic_spikes", "keep"}:
        setattr(detector, name, values[name])
    detector.save(update_fields=[*(values.keys() & {"periodic_spikes", "keep"})])


def _add_floor(finding, values):
    # Zero values for the shortest sensible period, and silence counts as zero.
    _add(
        finding.alarm,
        Alarm.Role.FLOOR,
        operator=Alarm.Operator.LT,
        missing=Alarm.Missing.BREACHING,
        reason="A band never stands alone: it is not the fastest way to notice that nothing comes at all.",
        **values,
    )


def _add_ceiling(finding, values):
    _add(
        finding.alarm,
        Alarm.Role.CEILING,
        operator=Alarm.Operator.GT,
        missing=Alarm.Missing.NOT_BREACHING,
        reason="A band never stands alone: it follows what grows slowly.",
        **values,
    )


def _add(band, role, **fields):
    stem = band.name.removesuffix("-band")
    name = f"{stem}-{role}"
    if Alarm.objects.filter(alarm_set=band.alarm_set, name=name).exists():
        raise CannotFix(f"There is an alarm {name} already; switch it on, or give it the role {role}.")
    guard = band.guard
    if guard and guard.alarms.filter(role=role).exists():
        raise CannotFix(f"The guard {guard} has a {role} already; switch it on.")
    alarm = Alarm.objects.create(
        alarm_set=band.alarm_set,
        guard=guard,
        metric=band.metric,
        name=name,
        role=role,
        period=band.period,
        **fields,
    )
    for told in band.alarm_actions.all():
        alarm.alarm_actions.create(action=told.action, state=told.state)


def _exclude_before(finding, values):
    first, last = values["places"]
    period = max(finding.alarm.period, 60)
    # Places count from the first period the doctor looked at.
    begin = finding.found_at - LOOK_BACK
    start, end = (begin + timedelta(seconds=place * period) for place in (first, last))
    exclude(finding.alarm, start, end, "The pattern changed.")


def _end_mutes(finding, values):
    for mute in finding.alarm.mutes.filter(ends_at=None):
        mute.ends_at = timezone.now()
        mute.save(update_fields=["ends_at"])


def moment(text):
    """Return the aware moment of ISO 8601 text; raise CannotFix."""
    try:
        return aware(text)
    except ValueError:
        raise CannotFix(f"{text!r} is not a time like 2026-11-20T10:00.") from None
