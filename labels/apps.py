from django.apps import AppConfig
from django.db.models.signals import post_delete, post_migrate, post_save, pre_delete, pre_migrate

from photomgr.own_metrics import measure


class LabelsConfig(AppConfig):
    name = "labels"
    verbose_name = "Photos and labels"

    def ready(self):
        from django_q.signals import post_execute, pre_execute

        from labels import checks, signals  # noqa: F401 (checks register themselves)
        from labels.bundles import building
        from labels.labelling import record
        from labels.maintenance import metrics
        from labels.models import Bundle, BundlePart, Notice, Photo
        from labels.workers import queue

        for signal, receiver, sender in (
            (post_save, signals.enqueue_photo, Photo),
            (post_save, signals.enqueue_bundle, Bundle),
            (post_save, signals.create_deliveries, Notice),
            (pre_delete, signals.uncount_photo, Photo),
            (post_delete, signals.delete_photo_files, Photo),
            (post_delete, signals.delete_bundle_files, Bundle),
            (record.labels_changed, signals.keep_as_requested, Photo),
            (building.chunks_ready, signals.enqueue_helpers, Bundle),
            (building.archive_ready, signals.enqueue_sum, BundlePart),
            (pre_migrate, signals.refuse_old_database, self),
            (post_migrate, signals.make_rows, self),
            (pre_execute, queue.worker_begins, None),
            (post_execute, queue.monitor_ends, None),
            (measure, metrics.measure, None),
        ):
            signal.connect(receiver, sender=sender, dispatch_uid=receiver.__qualname__)
