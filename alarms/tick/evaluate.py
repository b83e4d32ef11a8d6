"""The local backend's minute: evaluate its alarms, write down what changed, notify of it.

The rows are the truth. A tick writes a result only if the row is still as it was read, so two ticks of one
minute change nothing twice, and one that was killed is made up for by the next.
"""

from datetime import UTC, datetime, timedelta
from functools import partial

import numpy as np
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from alarms.analysis.alarm_spec import breaching, spec_of
from alarms.analysis.evaluation import evaluate, samples_needed, too_few_samples
from alarms.backends.local import Local
from alarms.cloudwatch import composite_rules
from alarms.cloudwatch.constants import INSUFFICIENT_DATA, OK
from alarms.models import Delivery, LocalAlarm, LocalDetector, StateChange
from alarms.notices import notify
from alarms.readings import values
from photomgr.queue import enqueue

# After a longer pause the minutes before are not made up for.
_CATCH_UP = timedelta(hours=12)
# Composites may ask about composites; CloudWatch knows no deeper nesting than this either way.
_DEPTH = 10


def tick(now=None):
    """Evaluate every alarm up to the minute that is over; return how many were, changed, and are notified of.

    A failure in between keeps nobody from being notified of what was written down before.
    """
    now = now or timezone.now()
    minute = now.replace(second=0, microsecond=0)
    try:
        evaluated, changed = _evaluate(minute)
    finally:
        deliver = partial(enqueue, "alarms.tasks.deliver", settings.Q_CLUSTER["name"])
        notified = notify.hand_over(Delivery.objects.all(), now, deliver)
    return {"evaluated": evaluated, "changed": changed, "told": notified}


def _evaluate(minute):
    known, detectors = values.metrics_by_identity(), {}
    for row in LocalDetector.objects.all():
        detectors.setdefault(row.region, {})[row.identity] = row.definition
    due = LocalAlarm.objects.filter(composite=False).exclude(evaluated_at__gte=minute).order_by("pk")
    evaluated = changed = 0
    for row in due:
        moves, reason, data = _moves(row, minute, known, detectors)
        done, moved = _write(row, minute, moves, reason, data)
        evaluated, changed = evaluated + done, changed + moved
    return evaluated, changed + _composites(minute)


def _moves(row, minute, known, detectors):
    """Return ([(moment, state), …] since it was last evaluated, reason, data); at least one, the newest."""
    try:
        spec = spec_of(row.definition)
        backend = Local(row.region)
        # Measurements are kept by the minute; a shorter period is evaluated by the minute, too.
        period = max(spec.period, 60)
        since = min(minute - row.evaluated_at, _CATCH_UP) if row.evaluated_at else timedelta(0)
        # The newest is evaluated again: late data count.
        missed = max(1, since // timedelta(seconds=period))
        start = minute - timedelta(seconds=(missed + spec.rule.range) * period)
        learnt = values.LEARN if spec.k is not None else timedelta(0)
        reading = values.read_values(backend, spec, start - learnt, minute)
        band = values.band_of(row.definition, spec, reading, detectors.get(row.region), known)
    except ValueError as why:
        return [(minute, INSUFFICIENT_DATA)], f"It cannot be evaluated here: {why}", {}
    edges = (band.lower(spec.k), band.upper(spec.k)) if band else (None, None)
    codes = breaching(spec, reading.values, *edges)
    points = [None if code < 0 else bool(code) for code in codes]
    if _wait_for_samples(spec, backend, reading):
        return [(minute, row.state)], row.state_reason, row.state_reason_data
    moves, state = [], row.state
    for end in range(max(len(points) - missed, 0) + 1, len(points) + 1):
        state = evaluate(points[:end], spec.rule, state)
        moves.append((datetime.fromtimestamp(reading.times[end - 1] + reading.period, UTC), state))
    return moves or [(minute, row.state)], *_reason(spec, reading, codes, edges)


def _wait_for_samples(spec, backend, reading):
    """Return whether a percentile has too few samples and is configured to wait for more."""
    source = spec.source
    if not spec.keep_on_few_samples or not samples_needed(source.stat):
        return False
    start = datetime.fromtimestamp(reading.times[-spec.rule.n], UTC)
    end = datetime.fromtimestamp(reading.times[-1] + reading.period, UTC)
    samples = values.metric_like(source, stat="SampleCount")
    counts = [count for _, count in backend.statistics(samples, reading.period, start, end)]
    return too_few_samples(source.stat, counts)


def _reason(spec, reading, codes, edges):
    """Return the newest points in words and as data."""
    recent = codes[-spec.rule.range :]
    count = int((recent == 1).sum())
    known = np.flatnonzero(np.isfinite(reading.values))
    if not len(known) or known[-1] < len(codes) - spec.rule.range:
        return "No data in the evaluation range.", {}
    last = known[-1]
    value = float(reading.values[last])
    data = {"at": datetime.fromtimestamp(reading.times[last], UTC).isoformat(), "value": value}
    if spec.side is None:
        bound = f"the threshold {spec.threshold:g}"
        data["threshold"] = spec.threshold
    elif np.isfinite(edges[0][last]):
        lower, upper = float(edges[0][last]), float(edges[1][last])
        bound = f"the band {lower:.6g} to {upper:.6g}"
        data |= {"lower": lower, "upper": upper}
    else:
        return "There is no band yet: it needs a day of data.", data
    were = "breached" if count else "kept to"
    shown = count or len(recent)
    return f"{shown} of the last {len(recent)} periods {were} {bound}; the newest value is {value:.6g}.", data


@transaction.atomic
def _write(row, minute, moves, reason, data):
    """Write the moves if the row is as it was read; return (1 if so, 1 if the state is another one now)."""
    state = moves[-1][1]
    fields = {"state": state, "evaluated_at": minute}
    if state != row.state:
        fields |= {"state_reason": reason, "state_reason_data": data, "state_at": minute}
    same = LocalAlarm.objects.filter(
        pk=row.pk, state=row.state, evaluated_at=row.evaluated_at, configured_at=row.configured_at
    )
    if not same.update(**fields):
        return 0, 0
    alarm = {"region": row.region, "alarm_name": row.name}
    before = [row.state, *(after for _, after in moves)]
    changes = [
        StateChange(**alarm, at=moment, old=old, new=new, reason="While nobody was looking.")
        for old, (moment, new) in zip(before, moves, strict=False)
        if old != new
    ]
    # Of what happened meanwhile only the outcome is news; nobody is woken for what is over.
    last = changes.pop() if state != row.state else None
    StateChange.objects.bulk_create(changes, ignore_conflicts=True)
    if last is None:
        return 1, 0
    # It is there already when the alarm was configured anew within the minute.
    change, is_news = StateChange.objects.get_or_create(
        **alarm, at=last.at, new=state, defaults={"old": last.old, "reason": reason, "reason_data": data}
    )
    if is_news:
        Delivery.objects.create_for(change, row.definition)
    return 1, 1


def _composites(minute):
    """Evaluate composite alarms until none changes; return how many did."""
    changed = 0
    composites = list(LocalAlarm.objects.filter(composite=True))
    for _ in range(_DEPTH if composites else 0):
        states = {(row.region, row.name): row.state for row in LocalAlarm.objects.all()}
        moved = 0
        for row in composites:
            near = {name: state for (region, name), state in states.items() if region == row.region}
            state, reason = _composite_state(row.definition["AlarmRule"], near)
            if state != row.state:
                moved += _write(row, minute, [(minute, state)], reason, {})[1]
                row.refresh_from_db()
        changed += moved
        if not moved:
            break
    LocalAlarm.objects.filter(composite=True).exclude(evaluated_at__gte=minute).update(evaluated_at=minute)
    return changed


def _composite_state(rule, states):
    holds = composite_rules.evaluate(composite_rules.parse(rule), states)
    named = [f"{name} is {states.get(name, 'unknown')}" for name in composite_rules.children(rule)]
    return ("ALARM" if holds else OK), "; ".join(named)
