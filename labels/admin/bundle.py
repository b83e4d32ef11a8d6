from django.contrib import admin, messages
from django.template.defaultfilters import filesizeformat

from labels.bundles import lifecycle
from labels.bundles.request import RequestRefused
from labels.models import Bundle, BundlePart, SavedSelection
from labels.selection.predicate import Selection
from labels.workers import queue
from photomgr.read_only_admin import NoAddAdmin, ReadOnlyAdmin, ReadOnlyInline


@admin.display(description="selection")
def words(row):
    return Selection.from_json(row.selection).words()


class BundlePartInline(ReadOnlyInline):
    model = BundlePart
    fields = readonly_fields = ("number", "file_name", "size", "sha256")


@admin.register(Bundle)
class BundleAdmin(NoAddAdmin):
    list_display = (
        "id",
        "owner",
        words,
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

    @admin.display(description="size", ordering="planned_bytes")
    def planned(self, bundle):
        return filesizeformat(bundle.planned_bytes)

    @admin.action(description="Cancel", permissions=["change"])
    def cancel_bundles(self, request, chosen):
        stopped = sum(lifecycle.cancel(bundle) for bundle in chosen)
        self.message_user(request, f"{stopped} downloads cancelled.", messages.SUCCESS)

    @admin.action(description="Try again", permissions=["change"])
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


@admin.register(SavedSelection)
class SavedSelectionAdmin(ReadOnlyAdmin):
    list_display = ("name", "owner", words, "created_at")
    list_filter = (("owner", admin.RelatedOnlyFieldListFilter),)
    list_select_related = ("owner",)
    search_fields = ("name", "owner__username")
