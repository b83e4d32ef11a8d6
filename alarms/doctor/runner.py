"""Bring an alarm of the configuration before the backtest and the doctor, with its data and surroundings."""

from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np
from django.conf import settings
from django.db import transaction

from alarms import doctor
from alarms.analysis import backtest
from alarms.analysis.alarm_spec import AlarmSpec, breaching, read
from alarms.backends import backend_for
from alarms.cloudwatch import mute_schedules
from alarms.cloudwatch.definitions import detector_key, detector_of
from alarms.config import thresholds
from alarms.config.configuration import definition_of
from alarms.doctor.context import SEVERITIES, DoctorContext
from alarms.doctor.delivery_rules import orphan
from alarms.models import Alarm, AlarmSet, Detector, Finding
from alarms.models.delivery import mail_recipients
from alarms.notices import topics
from alarms.readings import values

# What the doctor looks at: as long as the store and CloudWatch keep every minute.
LOOK_BACK = timedelta(days=15)
_LEAST_TO_LEARN = timedelta(days=7)


@dataclass(frozen=True)
class Surroundings:
    """What is known of a set besides its alarms; read once for all of them."""

    backend: object
    detectors: dict
    detector_states: dict
    metrics: dict
    subscriptions: dict = field(default_factory=dict)
    mails: tuple = ()


@dataclass(frozen=True)
class Judged:
    """One alarm before the backtest."""

    name: str
    watch: AlarmSpec
    history: backtest.History
    times: np.ndarray
    budget: float


def alarms_to_examine(names=(), sets=()):
    """Return the enabled alarms that can be judged by data, in a fixed number of queries."""
    alarms = Alarm.objects.enabled().exclude(kind=Alarm.Kind.COMPOSITE).for_definitions()
    alarms = alarms.prefetch_related("mutes").order_by("name")
    if names:
        alarms = alarms.filter(name__in=names)
    return alarms.filter(alarm_set__name__in=sets) if sets else alarms


def surroundings(region, alarms=(), ask_topics=False):
    """Return what the alarms of one Region share."""
    backend = backend_for(region)
    definitions = [definition_of(alarm) for alarm in alarms]
    told = {arn for definition in definitions for arn in definition.get("AlarmActions", [])}
    return Surroundings(
        backend,
        backend.detectors(),
        backend.detector_states(),
        values.metrics_by_identity(),
        topics.confirmed(sorted(told)) if ask_topics else {},
        tuple(mail_recipients()) if settings.ALARMS_BACKEND == "local" else (),
    )


def judged(alarm, around, now, weeks, incidents=()):
    """Return the alarm with `weeks` of history to judge, and what a band learns from before that."""
    definition = definition_of(alarm)
    watch = read(definition)
    learn = values.LEARN if watch.k is not None else timedelta(0)
    start = now - timedelta(weeks=weeks)
    begin = start - learn
    if timedelta(weeks=weeks) <= LOOK_BACK - _LEAST_TO_LEARN:
        # Learning from a few days less is better than judging by the five minutes.
        begin = max(begin, now - LOOK_BACK)
    reading = values.read(around.backend, watch, begin, now)
    band = values.band_of(definition, watch, reading, around.detectors, around.metrics)
    return Judged(
        alarm.name,
        watch,
        history_of(reading, band, start.timestamp(), incidents),
        reading.times,
        alarm.alarm_set.false_alarms_per_week,
    )


def history_of(reading, band, judged_from, incidents=()):
    """Return the History of a reading; incidents are (start, end) in seconds since 1970."""
    places = tuple(tuple(np.searchsorted(reading.times, moments).tolist()) for moments in incidents)
    begin = int(np.searchsorted(reading.times, judged_from))
    if band is not None:
        there = np.flatnonzero(np.isfinite(band.expected))
        begin = max(begin, int(there[0]) if len(there) else len(reading.times))
    return backtest.History(reading.period, reading.values, band, places, begin)


def report(case, budget):
    """Return the backtest of a Judged alarm as plain data."""
    watch, history = case.watch, case.history
    if watch.side is None:
        points = breaching(watch, history.values)
        own, table, pairs = backtest.judge(history, points, watch.rule), [], []
    else:
        own = backtest.judge(history, backtest.band_points(history, watch.k, watch.side), watch.rule, watch.k)
        table = backtest.k_table(history, watch.rule, watch.side)
        pairs = backtest.m_of_n_table(history, watch.k, watch.rule, watch.side)
    return {
        "alarm": case.name,
        "period": int(history.period),
        "weeks": round(float(history.weeks), 2),
        "budget": budget,
        "within_budget": own.false_alarms_per_week <= budget,
        **_plain(own),
        "fired": [datetime.fromtimestamp(case.times[place], UTC).isoformat() for place in own.starts[:100]],
        "smallest_k": backtest.smallest_k(table, budget),
        "suggested_k": backtest.suggested_k(table, budget),
        "k_table": [_plain(verdict) for verdict in table],
        "m_of_n": [_plain(verdict) for verdict in pairs],
    }


def _plain(verdict):
    plain = asdict(verdict)
    del plain["starts"]
    return {**plain, "delays": list(verdict.delays)}


def sheet_of(alarm, around, now):
    """Return the alarm as the doctor sees it."""
    definition = definition_of(alarm)
    watch = read(definition)
    reading = values.read(around.backend, watch, now - LOOK_BACK, now)
    band = values.band_of(definition, watch, reading, around.detectors, around.metrics)
    detector = detector_of(definition)
    metric = alarm.metric
    return DoctorContext(
        watch=watch,
        values=reading.values,
        band=band,
        role=alarm.role,
        guarded=_guarded(alarm),
        kind=metric.kind if metric else "",
        natural_min=metric.natural_min if metric else None,
        natural_max=metric.natural_max if metric else None,
        budget=alarm.alarm_set.false_alarms_per_week,
        actions=(*around.mails, *definition.get("AlarmActions", [])),
        actions_enabled=alarm.actions_enabled,
        topics=around.subscriptions,
        muted_for_ever=any(mute_schedules.for_ever(mute, now) for mute in alarm.mutes.all()),
        detector_state=around.detector_states.get(detector_key(detector), "") if detector else "",
        fresh_threshold=_fresh_threshold(alarm, around.backend),
        threshold_age=(now - alarm.threshold_at).days if alarm.threshold_at else None,
    )


def _fresh_threshold(alarm, backend):
    """Return what the threshold's rule gives today, or None."""
    try:
        return thresholds.compute(alarm, backend) if alarm.threshold_rule else None
    except thresholds.BadRule:
        return None


def _guarded(alarm):
    """Return the roles of the enabled alarms on the same metric, in whatever guard they are."""
    if alarm.metric_id is None:
        return frozenset({alarm.role})
    return frozenset(
        Alarm.objects.enabled()
        .filter(alarm_set=alarm.alarm_set_id, metric=alarm.metric_id)
        .values_list("role", flat=True)
    )


def examine(alarm, around, now):
    """Examine one alarm; keep and return its findings."""
    try:
        found = doctor.examine(sheet_of(alarm, around, now))
    except ValueError as why:
        found = [doctor.unreadable(str(why))]
    return keep(found, now, alarm=alarm)


def examine_detectors(alarm_set, around, now):
    """Find the set's detectors that exist and that no alarm uses; keep and return the findings."""
    alarms = Alarm.objects.enabled().filter(alarm_set=alarm_set).for_definitions()
    used = {detector_key(d) for d in (detector_of(definition_of(alarm)) for alarm in alarms) if d}
    rows = Detector.objects.filter(alarm_set=alarm_set).select_related("metric")
    found = []
    for row in rows:
        alone = row.identity in around.detectors and row.identity not in used
        found += keep([orphan(str(row).removeprefix("Detector of "))] if alone else [], now, detector=row)
    return found


def examine_all(now, names=(), sets=(), ask_topics=False, progress=iter):
    """Examine alarms and, unless some are named, detectors; return (how many alarms, findings)."""
    by_region = {} if names else {alarm_set.region: [] for alarm_set in AlarmSet.objects.all()}
    for alarm in alarms_to_examine(names, sets):
        by_region.setdefault(alarm.alarm_set.region, []).append(alarm)
    findings = []
    for region, alarms in by_region.items():
        around = surroundings(region, alarms, ask_topics)
        for alarm in progress(alarms):
            findings += examine(alarm, around, now)
        for alarm_set in () if names else AlarmSet.objects.filter(region=region):
            findings += examine_detectors(alarm_set, around, now)
    examined = sum(map(len, by_region.values()))
    return examined, sorted(findings, key=lambda finding: (-finding.rank, finding.code))


@transaction.atomic
def keep(findings, now, **subject):
    """Replace what was found of the alarm or detector before; return the rows, none when it is gone."""
    [row] = subject.values()
    # Two who examine it at once replace one after the other, and nothing stands there twice.
    if not type(row).objects.select_for_update(no_key=True).filter(pk=row.pk).exists():
        return []
    Finding.objects.filter(**subject).delete()
    return Finding.objects.bulk_create(
        Finding(
            **subject,
            code=finding.code,
            severity=finding.severity,
            rank=SEVERITIES.index(finding.severity),
            message=finding.message,
            numbers=finding.numbers,
            fix=asdict(finding.fix) if finding.fix else {},
            found_at=now,
        )
        for finding in findings
    )
