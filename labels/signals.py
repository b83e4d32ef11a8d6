"""Receivers of five lines at most: a new row is enqueued, a deleted one takes its files along."""

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import CommandError
from django.db import connections, transaction
from django.db.migrations.recorder import MigrationRecorder

from labels.bundles import lifecycle, listing
from labels.detectors.rekognition.regions.quotas import follow_settings
from labels.labelling import record
from labels.notices import deliveries
from labels.workers.queue import enqueue_after_commit, ensure_schedules


def enqueue_photo(sender, instance, created, raw, **kwargs):
    if created and not raw:
        enqueue_after_commit("label_next_photo", instance.pk)


def enqueue_bundle(sender, instance, created, raw, **kwargs):
    if created and not raw:
        enqueue_after_commit("build_bundle", instance.pk)


def create_deliveries(sender, instance, created, raw, **kwargs):
    if created and not raw:
        for delivery in deliveries.create(instance):
            enqueue_after_commit("deliver", delivery.pk)


def enqueue_helpers(sender, bundle_id, **kwargs):
    # This machine's cluster takes or prefetches up to so many; one more reaches another machine.
    for _ in range(2 * settings.BUNDLE_WORKERS + 1):
        enqueue_after_commit("join_build", bundle_id)


def enqueue_sum(sender, part_id, **kwargs):
    enqueue_after_commit("add_sum", part_id)


def uncount_photo(sender, instance, origin, **kwargs):
    # With an account its counts and summaries go, too.
    if getattr(origin, "model", type(origin)) is not get_user_model():
        record.forget(instance)


def keep_as_requested(sender, before, deleted, **kwargs):
    listing.keep(before, deleted)


def delete_photo_files(sender, instance, **kwargs):
    for file in filter(None, (instance.original, instance.thumbnail, instance.rendition)):
        # Robust: one that cannot be deleted now is left over for check_storage, and holds up no other.
        transaction.on_commit(lambda file=file: file.delete(save=False), robust=True)


def delete_bundle_files(sender, instance, **kwargs):
    lifecycle.remove_files(instance.pk)


def make_rows(sender, **kwargs):
    ensure_schedules()
    follow_settings()


def refuse_old_database(sender, using, **kwargs):
    """Stop migrate on a database of before the migrations were squashed, which none of them can upgrade."""
    if ("labels", "0002_archive_sums_later") in MigrationRecorder(connections[using]).applied_migrations():
        name = connections[using].settings_dict["NAME"]
        raise CommandError(
            f"The database {name} was made by an earlier checkout and cannot be upgraded. Set another "
            "PHOTOMGR_DATA_DIR or DATABASE_URL, and import the photos again from the old originals."
        )
