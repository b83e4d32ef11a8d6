from django.contrib import admin, messages
from django.template.defaultfilters import filesizeformat

from labels.bundles import lifecycle
from labels.bundles.request import RequestRefused
from labels.models import Bundle, BundleChunk, BundlePart, BundlePhoto, Delivery, Notice, SavedSelection
from labels.selection.predicate import Selection
from labels.workers import queue
from photomgr.read_only_admin import NoAddAdmin, PartAdmin, ReadOnlyAdmin, ReadOnlyInline


class BundlePartInline(ReadOnlyInline):
    model = BundlePart
    fields = readonly_fields = ("number", "file_name", "size", "sha256")


@admin.register(Bundle)
class BundleAdmin(NoAddAdmin):
    list_display = (
        "id",
        "owner",
        "words",
        "status",
        "photo_count",
        "planned",
        "attempts",
        "created_at",
        "finished_at",
        "expires_at",
    )
    list_filter = ("status", ("owner", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("owner",)
    search_fields = ("id", "owner__username")
    date_hierarchy = "created_at"
    inlines = (BundlePartInline,)
    actions = ("cancel_bundles", "retry_bundles")

    @admin.display(description="selection")
    def words(self, bundle):
        return Selection.from_json(bundle.selection).words()

    @admin.display(description="size", ordering="planned_bytes")
    def planned(self, bundle):
        return filesizeformat(bundle.planned_bytes)

    @admin.action(description="Cancel")
    def cancel_bundles(self, request, chosen):
        stopped = sum(lifecycle.cancel(bundle) for bundle in chosen)
        self.message_user(request, f"{stopped} downloads cancelled.", messages.SUCCESS)

    @admin.action(description="Try again")
    def retry_bundles(self, request, chosen):
        again = [bundle for bundle in chosen if self._retry(request, bundle)]
        for bundle in again:
            queue.enqueue_after_commit("build_bundle", bundle.pk)
        self.message_user(request, f"{len(again)} downloads queued again.", messages.SUCCESS)

    def _retry(self, request, bundle):
        try:
            return lifecycle.retry(bundle)
        except RequestRefused as reason:
            self.message_user(request, f"{bundle}: {reason}", messages.ERROR)
            return False


@admin.register(BundlePhoto)
class BundlePhotoAdmin(PartAdmin):
    list_display = ("bundle", "position", "name", "size", "missing_reason")
    list_filter = (("missing_reason", admin.EmptyFieldListFilter),)
    list_select_related = ("bundle",)
    search_fields = ("name", "sha256")
    show_full_result_count = False


@admin.register(BundlePart)
class BundlePartAdmin(PartAdmin):
    list_display = ("file_name", "bundle", "number", "size", "sha256")
    list_select_related = ("bundle",)
    search_fields = ("file_name", "sha256")


@admin.register(Notice)
class NoticeAdmin(ReadOnlyAdmin):
    list_display = ("bundle", "outcome", "created_at", "seen_at")
    list_filter = ("outcome",)
    list_select_related = ("bundle",)


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    list_display = (
        *("notice", "channel", "target", "status", "attempts", "failure_reason"),
        *("created_at", "sent_at", "message_id"),
    )
    list_filter = ("channel", "status")
    list_select_related = ("notice__bundle",)
    search_fields = ("target", "message_id", "notice__bundle__owner__username")


@admin.register(SavedSelection)
class SavedSelectionAdmin(ReadOnlyAdmin):
    list_display = ("name", "owner", "words", "created_at")
    list_filter = (("owner", admin.RelatedOnlyFieldListFilter),)
    list_select_related = ("owner",)
    search_fields = ("name", "owner__username")

    @admin.display(description="selection")
    def words(self, saved):
        return Selection.from_json(saved.selection).words()


@admin.register(BundleChunk)
class BundleChunkAdmin(PartAdmin):
    list_display = ("part", "number", "start", "end", "done", "lease_owner", "changed_reason")
    list_select_related = ("part",)
