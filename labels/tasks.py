"""What a worker runs: claim a row and call the steps in order.

Any task may be delivered twice; it returns quietly when its row is gone, done or leased by another worker.
Where many rows may wait, a task says only that there is work: the worker claims the most urgent row.
The queue and the schedules name tasks by this module, those that are only imported here, too.
"""

from django.db import transaction

from labels.bundles import building
from labels.bundles.building import join_build  # noqa: F401
from labels.bundles.sums import add_sum  # noqa: F401
from labels.detectors.base import DetectorUnavailable, PhotoRefused, RetryLater
from labels.intake import direct_uploads
from labels.labelling import attempts, decisions, detection, rule_runs
from labels.labelling.record import record
from labels.labelling.resolving import resolve
from labels.maintenance.sweep import sweep  # noqa: F401
from labels.models import Bundle, Change, Delivery, DirectUpload, Photo, RuleRun
from labels.notices import deliveries
from labels.rules import versions
from labels.storage.errors import StorageUnavailable
from labels.workers.queue import enqueue_after_commit, heartbeat  # noqa: F401
from photomgr.claim import in_words

# How long a photo waits for a storage that is away.
_STORAGE_SECONDS = 60


def label_next_photo(photo_id):
    """Label the photo that is most urgent; the one that is named when none is in line."""
    if photo := Photo.objects.claim_next() or Photo.objects.claim(photo_id):
        _label(photo)


def label_photo(photo_id):
    if photo := Photo.objects.claim(photo_id):
        _label(photo)


def _label(photo):
    try:
        run = detection.run_for(photo)
        rules = versions.in_force()
        found = {photo.pk: rules.decide(photo, run)}
        with transaction.atomic():
            # Under the lock, so that what a person decides meanwhile is read here or resolved after this.
            if Photo.objects.held(photo).lock():
                wanted = resolve([photo], found, rules.rules)
                record([photo], wanted, {photo.pk: run.pk})
                attempts.finish(photo, run, rules.version)
    except PhotoRefused as refusal:
        attempts.fail(photo, refusal.code, refusal.reason)
    except RetryLater as turn:
        attempts.wait(photo, turn.code, turn.reason, turn.seconds)
    except DetectorUnavailable as trouble:
        attempts.postpone(photo, trouble.code, trouble.reason)
    except StorageUnavailable as error:
        attempts.wait(photo, "storage", in_words(error), _STORAGE_SECONDS)
    except Exception as error:
        # A full disk or a fault of ours: the photo waits where people see it, the queue keeps the trace.
        attempts.postpone(photo, "unexpected", in_words(error))
        raise


def take_direct_upload(upload_id):
    """Check the most urgent file that a browser sent to the bucket, and make a photo of it."""
    row = DirectUpload.objects.claim_next() or DirectUpload.objects.claim(upload_id)
    if row is None:
        return
    try:
        direct_uploads.add(row)
    except StorageUnavailable as error:
        direct_uploads.postpone(row, in_words(error), counts=False)
    except Exception as error:
        direct_uploads.postpone(row, in_words(error))
        raise


def build_bundle(bundle_id):
    _claim_and(building.build, Bundle, bundle_id)


def deliver(delivery_id):
    _claim_and(deliveries.send, Delivery, delivery_id)


def run_rules(run_id):
    _take_turn("run_rules", rule_runs.carry_on, RuleRun, run_id)


def apply_change(change_id):
    _take_turn("apply_change", decisions.carry_on, Change, change_id)


def _take_turn(task, step, model, pk):
    row = model.objects.claim(pk)
    if row and not step(row):
        # Behind what has come meanwhile.
        enqueue_after_commit(task, pk)


def _claim_and(step, model, pk):
    if row := model.objects.claim(pk):
        step(row)
