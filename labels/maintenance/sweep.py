"""Once a minute: enqueue again what waits, end what cannot be done, remove what is past its time.

Each step stands alone: one that fails is logged and counted (SweepFailure), and the others run.
"""

import logging
from datetime import timedelta

from django.utils import timezone

from labels.bundles import lifecycle
from labels.detectors.rekognition.regions import spending
from labels.detectors.rekognition.regions.quotas import follow_settings
from labels.detectors.rekognition.regions.report import calls_per_minute
from labels.intake import direct_uploads
from labels.labelling import attempts, rule_runs
from labels.models import (
    Bundle,
    BundleChunk,
    BundlePart,
    Change,
    Delivery,
    DirectUpload,
    Photo,
    RuleRun,
    SweepFailure,
)
from labels.notices import phones
from labels.workers import heartbeats, queue
from photomgr.accounts import forget

# A task that is still in the queue may be enqueued twice; this bounds how often, and it costs a millisecond.
QUEUE_TARGET = 500

_LEASED = (Photo, Bundle, BundleChunk, BundlePart, Change, Delivery, DirectUpload, RuleRun)
_STOPPED = "The worker stopped in the middle of it."
_FAILURES_KEPT = timedelta(days=14)
_UNCOUNTED = {"rule_run_started", "regions_followed", "accounts_forgotten", "failures_forgotten"}

log = logging.getLogger(__name__)


def sweep():
    """Carry out one sweep and return {step: how many rows it moved}, with `steps_failed`.

    Safe to run at any time, twice, or side by side.
    """
    swept, failed = {}, 0
    for name, step in STEPS.items():
        try:
            # A later step is to find due what an earlier one has just created.
            count = step(timezone.now())
        except Exception as error:  # noqa: BLE001 (the other steps must run; an alarm watches the rows)
            log.exception("the step %s of the sweep failed", name)
            SweepFailure.objects.create(step=name, error=f"{type(error).__name__}: {error}"[:500])
            failed += 1
            swept[name] = 0
        else:
            if name not in _UNCOUNTED:
                swept[name] = count
    heartbeats.swept()
    return swept | {"steps_failed": failed}


def _enqueue(task, rows, a_minute=0):
    """Enqueue the task for the rows for which the queue has room; return how many."""
    waiting = queue.waiting(queue.QUEUE_OF[task])
    if waiting is None:
        return 0
    # Of photos that waited for Rekognition there may be more than the target until the next sweep.
    room = max(0, max(QUEUE_TARGET, a_minute) - waiting)
    ids = list(rows.values_list("pk", flat=True)[:room])
    for pk in ids:
        queue.enqueue_after_commit(task, pk)
    return len(ids)


def _enqueue_due(task, model):
    return lambda now: _enqueue(task, model.objects.due(now))


# In this order: what is ended or becomes free in one step is enqueued by a later one.
STEPS = {
    # Photos that a worker labelled by rules which were replaced meanwhile.
    "rule_run_started": lambda now: rule_runs.start(),
    "regions_followed": lambda now: follow_settings(),
    "recalled_from_future": lambda now: sum(model.objects.recall(now) for model in _LEASED),
    "workers_forgotten": heartbeats.forget_old,
    "photos_put_back": Photo.objects.put_back,
    "direct_uploads_put_back": DirectUpload.objects.put_back,
    "photos_given_up": lambda now: attempts.give_up(Photo.objects.worn_out(now)),
    "bundles_given_up": lambda now: lifecycle.give_up(Bundle.objects.worn_out(now)),
    "deliveries_given_up": lambda now: Delivery.objects.worn_out(now).give_up(),
    "deliveries_interrupted": Delivery.objects.end_interrupted,
    "phone_codes_cleared": phones.forget_old_codes,
    "bundles_expired": lifecycle.expire,
    "incoming_given_up": lambda now: direct_uploads.give_up(DirectUpload.objects.worn_out(now)),
    "incoming_cleared": direct_uploads.clear,
    "incoming_enqueued": lambda now: _enqueue("take_direct_upload", DirectUpload.objects.in_line(now)),
    "replays_given_up": lambda now: RuleRun.objects.worn_out(now).give_up(failure_reason=_STOPPED),
    "changes_given_up": lambda now: Change.objects.worn_out(now).give_up(failure_reason=_STOPPED),
    "changes_enqueued": _enqueue_due("apply_change", Change),
    "replays_enqueued": _enqueue_due("run_rules", RuleRun),
    "photos_afforded": lambda now: attempts.try_now(now, spending.CODES, spending.affordable_calls()),
    "photos_enqueued": lambda now: _enqueue(
        "label_next_photo", Photo.objects.in_line(now), calls_per_minute()
    ),
    "deliveries_enqueued": _enqueue_due("deliver", Delivery),
    "bundles_enqueued": _enqueue_due("build_bundle", Bundle),
    "sums_enqueued": lambda now: _enqueue("add_sum", BundlePart.objects.unsummed(now).order_by("pk")),
    "accounts_forgotten": forget.forget_old,
    "failures_forgotten": lambda now: SweepFailure.objects.filter(at__lt=now - _FAILURES_KEPT).delete(),
}
