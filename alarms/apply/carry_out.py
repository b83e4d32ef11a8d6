"""A confirmed plan carried out, change by change, each written down before and after.

Run again after whatever stopped it, it converges: plans are made from what exists, and detectors that an
interrupted deletion left behind are found by their rows.
"""

from datetime import timedelta

from django.utils import timezone

from alarms.apply.prepare import plan_for
from alarms.backends import BackendError, backend_for
from alarms.cloudwatch.definitions import detector_of
from alarms.cloudwatch.plan import DELETE, DETECTOR, UPDATE
from alarms.config.metric_rows import detector_row
from alarms.models import Change, Run
from photomgr.claim import new_lease_owner

# Renewed before each change, which may wait for CloudWatch's pace and its retries.
_LEASE = timedelta(minutes=5)


class Stale(Exception):
    """The plan that was confirmed is no longer the plan there is."""


class Invalid(Exception):
    def __init__(self, problems):
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems


def apply(alarm_set, user=None, who="", prune=False, tags=False, fingerprint=None, run=None):
    """Carry the set's plan out and return its Run, or None when there is nothing to do.

    `run` was requested and is leased to the caller; `fingerprint` is of the plan that was confirmed. Raise
    Stale when there is another plan by now, Invalid for a configuration with problems. A change that fails
    is recorded and the next is tried, except deletions: nothing goes while what replaces it is missing.
    """
    planned = plan_for(alarm_set, prune, tags)
    if planned.problems:
        raise Invalid(planned.problems)
    if fingerprint and fingerprint != planned.plan.fingerprint:
        raise Stale(
            "The alarms or the configuration changed since this plan was shown. Look at the new plan."
        )
    end_interrupted(alarm_set.runs.all(), timezone.now())
    if not planned.plan.changes:
        return None
    run = run or _leased(Run.objects.open(alarm_set, user, who))
    _begin(run, planned.plan)
    _remember_detectors(alarm_set, planned.plan)
    _make_changes(run, backend_for(alarm_set.region), planned.plan)
    return run


def carry_out(run_id):
    """Carry out a requested plan; a second delivery, and a plan that changed since, do nothing."""
    run = Run.objects.filter(pk=run_id).select_related("alarm_set", "user").first()
    if run is None or run.alarm_set is None or run.changes.exists() or not _leased(run):
        return
    try:
        done = apply(run.alarm_set, prune=run.prune, fingerprint=run.fingerprint, run=run)
    except (Stale, Invalid, BackendError) as error:
        _end(run, Run.Outcome.FAILED, str(error))
    else:
        if done is None:
            _end(run, Run.Outcome.DONE, "There was nothing to change.")


def _leased(run):
    """Lease the run to this worker and return it; None when it has ended or another worker has it."""
    free = Run.objects.unleased(timezone.now()).filter(pk=run.pk, outcome=Run.Outcome.RUNNING)
    run.lease_owner = new_lease_owner()
    return run if free.lease(run.lease_owner, _LEASE) else None


def _end(run, outcome, reason=""):
    """End the run unless its lease was lost, and with it the right to say how it ended."""
    run.release(outcome=outcome, reason=reason, finished_at=timezone.now())
    run.refresh_from_db(fields=["outcome", "reason", "finished_at"])


def not_begun(now):
    """Return the ids of the runs that wait for a worker longer than a task does in the queue."""
    waiting = Run.objects.filter(outcome=Run.Outcome.RUNNING, lease_until=None, alarm_set__isnull=False)
    return waiting.filter(started_at__lt=now - timedelta(minutes=2)).values_list("pk", flat=True)


def end_interrupted(runs, now):
    """End those of `runs` whose worker was killed, or they would be under way for ever; return how many."""
    killed = runs.filter(outcome=Run.Outcome.RUNNING, lease_until__lt=now)
    reason = "It was interrupted; a later run does what is left."
    return killed.release(outcome=Run.Outcome.PARTIAL, reason=reason, finished_at=now)


def _begin(run, plan):
    run.fingerprint, run.cost_before, run.cost_after = plan.fingerprint, plan.cost_before, plan.cost_after
    run.save(update_fields=["fingerprint", "cost_before", "cost_after"])
    Change.objects.bulk_create(
        Change(run=run, number=number, **{k: v for k, v in change.as_json().items() if k != "why"})
        for number, change in enumerate(plan.changes, 1)
    )


def _remember_detectors(alarm_set, plan):
    """Keep a row of every detector that may be left behind, before anything is deleted."""
    for change in plan.changes:
        detector = change.before if change.subject == DETECTOR else detector_of(change.before or {})
        if change.verb in (DELETE, UPDATE) and detector:
            detector_row(alarm_set, detector)


def _make_changes(run, backend, plan):
    failed = []
    for number, change in enumerate(plan.changes, 1):
        if change.verb == DELETE and failed:
            continue
        if not run.renew_lease(_LEASE):
            break
        row = run.changes.filter(number=number)
        try:
            _make_change(backend, change)
        except BackendError as error:
            failed.append(str(error))
            row.update(outcome=Change.Outcome.FAILED, error=str(error), done_at=timezone.now())
        else:
            row.update(outcome=Change.Outcome.DONE, done_at=timezone.now())
    _end(run, _outcome(run, failed), failed[0] if failed else "")


def _outcome(run, failed):
    if not failed:
        return Run.Outcome.DONE
    done = run.changes.filter(outcome=Change.Outcome.DONE).exists()
    return Run.Outcome.PARTIAL if done else Run.Outcome.FAILED


def _make_change(backend, change):
    if change.subject == DETECTOR and change.verb == DELETE:
        backend.delete_detector(change.before)
    elif change.subject == DETECTOR:
        backend.put_detector(change.after)
    elif change.verb == DELETE:
        backend.delete_alarm(change.name)
    elif not change.before:
        backend.put_alarm(change.after, change.tags)
    else:
        if any(field != "Tags" for field, *_ in change.fields):
            backend.put_alarm(change.after, None)
        if change.tags is not None:
            backend.retag_alarm(change.name, change.tags)
