"""Carry out what the doctor proposes: changes of the configuration only; the next plan shows them."""

from datetime import timedelta
from functools import partial

from django.db import transaction
from django.utils import timezone

from alarms.cloudwatch.definitions import detector_of
from alarms.config.configuration import definition_of
from alarms.config.metric_rows import detector_row
from alarms.models import Alarm, Detector, ExcludedRange, Finding
from alarms.readings.retention import MINUTES_KEPT

# As many as PutAnomalyDetector takes.
MOST_EXCLUDED = 10
# Fields of the alarm beside a band, by its role.
_COMPANIONS = {
    # Zero values for the shortest sensible period, and silence counts as zero.
    Alarm.Role.FLOOR: {
        "operator": Alarm.Operator.LT,
        "missing": Alarm.Missing.BREACHING,
        "reason": "A band never stands alone: it is not the fastest way to notice that nothing comes at all.",
    },
    Alarm.Role.CEILING: {
        "operator": Alarm.Operator.GT,
        "missing": Alarm.Missing.NOT_BREACHING,
        "reason": "A band never stands alone: it follows what grows slowly.",
    },
}


class CannotFix(Exception):
    """The change cannot be made; the message says why."""


@transaction.atomic
def carry_out(finding):
    """Make the change of a Finding and remove it; return what was done, in words."""
    if not Finding.objects.select_for_update().filter(pk=finding.pk).exists():
        raise CannotFix("It is done already, or was looked at again since.")
    fix = finding.fix
    if not fix:
        raise CannotFix("There is nothing one click could do about it.")
    FIXES[fix["do"]](finding, fix["values"])
    finding.delete()
    return fix["label"]


def permissions(finding):
    """Return what the admin would ask of whoever makes this change by hand."""
    names = _PERMISSIONS[finding.fix["do"]] if finding.fix else ("change_alarm",)
    return [f"alarms.{name}" for name in names]


def exclude(alarm, start, end, reason=""):
    detector = _detector_of(alarm)
    if detector.excluded_ranges.count() >= MOST_EXCLUDED:
        raise CannotFix(f"{detector} has {MOST_EXCLUDED} excluded ranges already; CloudWatch takes no more.")
    if detector.excluded_ranges.filter(starts_at__lte=start, ends_at__gte=end).exists():
        raise CannotFix("It is excluded already.")
    return ExcludedRange.objects.create(detector=detector, starts_at=start, ends_at=end, reason=reason[:200])


def _detector_of(alarm):
    """Return the row of what the alarm's band learns from, made when there is none."""
    detector = detector_of(definition_of(alarm))
    if detector is None:
        raise CannotFix(f"{alarm.name} has no band to learn anything.")
    return detector_row(alarm.alarm_set, detector, alarm.metric)


def _change_alarm(finding, values):
    now = timezone.now()
    computed = {"threshold_at": now} if "threshold" in values else {}
    Alarm.objects.filter(pk=finding.alarm_id).update(**values, **computed, changed_at=now)


def _change_detector(finding, values):
    detector = finding.detector or _detector_of(finding.alarm)
    Detector.objects.filter(pk=detector.pk).update(**values)


def _add_companion(role, finding, values):
    band, guard = finding.alarm, finding.alarm.guard
    name = f"{band.name.removesuffix('-band')}-{role}"
    if Alarm.objects.filter(alarm_set=band.alarm_set, name=name).exists():
        raise CannotFix(f"There is an alarm {name} already; switch it on, or give it the role {role}.")
    if guard and guard.alarms.filter(role=role).exists():
        raise CannotFix(f"The guard {guard} has a {role} already; switch it on.")
    fields = {**_COMPANIONS[role], **values, "guard": guard, "metric": band.metric, "period": band.period}
    alarm = Alarm.objects.create(alarm_set=band.alarm_set, name=name, role=role, **fields)
    for row in band.alarm_actions.all():
        alarm.alarm_actions.create(action=row.action, state=row.state)


def _exclude_before(finding, values):
    period = max(finding.alarm.period, 60)
    # Places count from the first period the doctor looked at.
    begin = finding.found_at - MINUTES_KEPT
    start, end = (begin + timedelta(seconds=place * period) for place in values["places"])
    exclude(finding.alarm, start, end, "The pattern changed.")


def _end_mutes(finding, values):
    finding.alarm.mutes.filter(ends_at=None).update(ends_at=timezone.now())


FIXES = {
    "change_alarm": _change_alarm,
    "change_detector": _change_detector,
    "add_floor": partial(_add_companion, Alarm.Role.FLOOR),
    "add_ceiling": partial(_add_companion, Alarm.Role.CEILING),
    "exclude": _exclude_before,
    "end_mute": _end_mutes,
}
_PERMISSIONS = {
    "change_alarm": ("change_alarm",),
    "change_detector": ("change_detector",),
    "add_floor": ("add_alarm",),
    "add_ceiling": ("add_alarm",),
    "exclude": ("change_detector", "add_excludedrange"),
    "end_mute": ("change_mute",),
}
