from dataclasses import asdict

from django.db import transaction

from alarms.analysis.alarm_spec import spec_of
from alarms.cloudwatch import mute_schedules
from alarms.cloudwatch.definitions import detector_key, detector_of
from alarms.config import thresholds
from alarms.config.configuration import definition_of
from alarms.doctor import rules
from alarms.doctor.context import SEVERITIES, DoctorContext
from alarms.doctor.delivery_rules import orphan
from alarms.doctor.reports import RegionSnapshot
from alarms.models import Alarm, AlarmSet, Detector, Finding, Metric
from alarms.readings.retention import MINUTES_KEPT


def examine_all(now, names=(), sets=(), ask_topics=False, progress=iter):
    """Examine alarms and, unless some are named, detectors; return (how many alarms, findings)."""
    by_region = {} if names else {alarm_set.region: [] for alarm_set in AlarmSet.objects.all()}
    for alarm in Alarm.objects.judged_by_data(names, sets):
        by_region.setdefault(alarm.alarm_set.region, []).append(alarm)
    findings = []
    for region, alarms in by_region.items():
        snapshot = RegionSnapshot(region, alarms, ask_topics)
        for alarm in progress(alarms):
            findings += examine_alarm(alarm, snapshot, now)
        for alarm_set in () if names else AlarmSet.objects.filter(region=region):
            findings += _examine_detectors(alarm_set, snapshot, now)
    examined = sum(map(len, by_region.values()))
    return examined, sorted(findings, key=lambda finding: (-finding.rank, finding.code))


def examine_alarm(alarm, snapshot, now):
    """Replace the findings of one alarm; return them."""
    try:
        found = rules.findings_of(_context_of(alarm, snapshot, now))
    except ValueError as why:
        found = [rules.unreadable(str(why))]
    return store_findings(found, now, alarm=alarm)


def _examine_detectors(alarm_set, snapshot, now):
    """Replace the findings of the set's detectors: those that exist and that no alarm uses."""
    alarms = Alarm.objects.enabled().filter(alarm_set=alarm_set).for_definitions()
    used = {detector_key(d) for d in (detector_of(definition_of(alarm)) for alarm in alarms) if d}
    found = []
    for row in Detector.objects.filter(alarm_set=alarm_set).select_related("metric"):
        unused = row.identity in snapshot.detectors and row.identity not in used
        name = str(row).removeprefix("Detector of ")
        found += store_findings([orphan(name)] if unused else [], now, detector=row)
    return found


def _context_of(alarm, snapshot, now):
    definition = definition_of(alarm)
    spec = spec_of(definition)
    reading, band = snapshot.read(definition, spec, now - MINUTES_KEPT, now)
    detector = detector_of(definition)
    metric = alarm.metric or Metric(kind="")
    return DoctorContext(
        spec=spec,
        values=reading.values,
        band=band,
        role=alarm.role,
        guarded=_guarded(alarm),
        kind=metric.kind,
        natural_min=metric.natural_min,
        natural_max=metric.natural_max,
        budget=alarm.alarm_set.false_alarms_per_week,
        actions=(*snapshot.mails, *definition.get("AlarmActions", [])),
        actions_enabled=alarm.actions_enabled,
        topics=snapshot.subscriptions,
        muted_for_ever=any(mute_schedules.for_ever(mute, now) for mute in alarm.mutes.all()),
        detector_state=snapshot.detector_states.get(detector_key(detector), "") if detector else "",
        fresh_threshold=_fresh_threshold(alarm, snapshot.backend),
        threshold_age=(now - alarm.threshold_at).days if alarm.threshold_at else None,
    )


def _fresh_threshold(alarm, backend):
    try:
        return thresholds.compute_threshold(alarm, backend) if alarm.threshold_rule else None
    except thresholds.BadRule:
        return None


def _guarded(alarm):
    if alarm.metric_id is None:
        return frozenset({alarm.role})
    beside = Alarm.objects.enabled().filter(alarm_set=alarm.alarm_set_id, metric=alarm.metric_id)
    return frozenset(beside.values_list("role", flat=True))


@transaction.atomic
def store_findings(findings, now, **subject):
    """Replace the findings of the alarm or detector; return the rows, none when it is gone."""
    [row] = subject.values()
    # Two who examine it at once replace one after the other, and nothing stands there twice.
    if not type(row).objects.select_for_update(no_key=True).filter(pk=row.pk).exists():
        return []
    Finding.objects.filter(**subject).delete()
    rows = [Finding(**subject, **asdict(finding), found_at=now) for finding in findings]
    for row in rows:
        row.rank, row.fix = SEVERITIES.index(row.severity), row.fix or {}
    return Finding.objects.bulk_create(rows)
