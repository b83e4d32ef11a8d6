"""What a worker runs: load by id, claim, call the steps in order. Any task may be delivered twice."""

from django.db import transaction

from labels.bundles import building, sums
from labels.detectors.base import DetectorUnavailable, PhotoRefused, RetryLater
from labels.intake import direct_uploads
from labels.labelling import attempts, context, decisions, detection, rule_runs
from labels.labelling.record import record
from labels.maintenance.sweep import sweep  # noqa: F401 (its schedule names it here)
from labels.models import Bundle, Change, Delivery, DirectUpload, Photo, RuleRun
from labels.notices import deliveries
from labels.rules import versions
from labels.rules.resolve import resolve
from labels.storage.errors import StorageUnavailable
from labels.workers.queue import heartbeat  # noqa: F401 (its schedule names it here)
from photomgr.claim import in_words

# How long a photo waits for a storage that is away.
_STORAGE_SECONDS = 60


def label_photo(photo_id):
    """Find the labels of one photo; return quietly when it is gone, done, or leased to another worker."""
    photo = Photo.objects.claim(photo_id)
    if photo is None:
        return
    try:
        run = detection.run_for(photo)
        rules = versions.in_force()
        found = {photo.pk: rules.decide(photo, run)}
        with transaction.atomic():
            # Under the lock, so that what a person decides meanwhile is read here or resolved after this.
            if Photo.objects.held(photo).lock():
                wanted = resolve(found, context.read([photo], found, rules.rules))
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


def take_direct_upload(incoming_id):
    """Check a file that a browser sent to the bucket, and make a photo of it."""
    row = DirectUpload.objects.claim(incoming_id)
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
    """Build the archives of one bundle."""
    if bundle := Bundle.objects.claim(bundle_id):
        building.build(bundle)


def join_build(bundle_id):
    """Make chunks of a bundle that another worker builds; there may be none left."""
    building.join_build(bundle_id)


def add_sum(part_id):
    """Work out the SHA-256 of a finished archive."""
    sums.add_sum(part_id)


def deliver(delivery_id):
    """Send one message about how a download ended."""
    if delivery := Delivery.objects.claim(delivery_id):
        deliveries.send(delivery)


def run_rules(rule_run_id):
    """Apply rules to stored answers for a while; return quietly when another worker does."""
    if row := RuleRun.objects.claim(rule_run_id):
        rule_runs.carry_on(row)


def apply_change(change_id):
    """Carry out what a person decided about many photos."""
    if change := Change.objects.claim(change_id):
        decisions.carry_on(change)
