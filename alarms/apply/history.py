"""What happened to alarms: changes of state, kept because CloudWatch deletes them, and of configuration."""

from datetime import timedelta

from django.utils import timezone

from alarms.backends import backend_for
from alarms.models import Change, StateChange

# Read a little more than is missing: CloudWatch's history is not at once complete.
_OVERLAP = timedelta(hours=1)
_OLDEST = timedelta(days=30)


def fetch_state_changes(alarm_set):
    """Store CloudWatch's changes of state since the last time; return how many were new."""
    backend = backend_for(alarm_set.region)
    if backend.name == "local":
        return 0
    origin = {"region": alarm_set.region, "source": StateChange.Source.CLOUDWATCH}
    known = StateChange.objects.filter(**origin, alarm_name__startswith=alarm_set.prefix)
    newest = known.first()
    oldest = timezone.now() - _OLDEST
    since = max(newest.at - _OVERLAP, oldest) if newest else oldest
    before = known.count()
    ours = [found for found in backend.transitions(since) if found.alarm_name.startswith(alarm_set.prefix)]
    rows = [StateChange(**origin, **vars(found)) for found in ours]
    StateChange.objects.bulk_create(rows, ignore_conflicts=True)
    return known.count() - before


def events(alarm_set=None, name=None, since=None, *, before=None, limit=200):
    """Return the newest events first: [{"at", "alarm", "event", "what", "why", "who"}], at most `limit`."""
    states, changes = StateChange.objects.all(), Change.objects.filter(outcome=Change.Outcome.DONE)
    if alarm_set:
        states = states.filter(region=alarm_set.region, alarm_name__startswith=alarm_set.prefix)
        changes = changes.filter(run__alarm_set=alarm_set)
    if name:
        states, changes = states.filter(alarm_name=name), changes.filter(name=name)
    if since:
        states, changes = states.filter(at__gte=since), changes.filter(done_at__gte=since)
    if before:
        states, changes = states.filter(at__lt=before), changes.filter(done_at__lt=before)
    found = [_state(row) for row in states[:limit]]
    found += [_change(row) for row in changes.select_related("run").order_by("-done_at")[:limit]]
    return sorted(found, key=lambda event: event["at"], reverse=True)[:limit]


def _state(row):
    return {
        "at": row.at,
        "alarm": row.alarm_name,
        "event": "state",
        "what": f"{row.get_old_display() or 'unknown'} → {row.get_new_display()}",
        "state": row.new,
        "why": row.reason,
        "who": row.get_source_display(),
    }


def _change(row):
    fields = ", ".join(field for field, *_ in row.fields)
    return {
        "at": row.done_at,
        "alarm": row.name,
        "event": "configuration",
        "what": f"{row.verb}{f': {fields}' if fields else ''}",
        "state": "",
        "why": row.run.reason,
        "who": row.run.who,
        "run": row.run_id,
    }
