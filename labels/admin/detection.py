from django.contrib import admin

from labels.models import DetectionRun, Heartbeat
from photomgr.read_only_admin import ReadOnlyAdmin


@admin.register(DetectionRun)
class DetectionRunAdmin(ReadOnlyAdmin):
    list_display = ("short_hash", "detector", "version", "photo", "latency_ms", "created_at")
    list_filter = ("detector", "version")
    list_select_related = ("photo",)
    search_fields = ("content_sha256", "photo__original_name")
    show_full_result_count = False

    @admin.display(description="content", ordering="content_sha256")
    def short_hash(self, run):
        return run.content_sha256[:12]

    def has_delete_permission(self, request, obj=None):
        # Kept for ever: it is the cache, and the evidence behind every label.
        return False


@admin.register(Heartbeat)
class HeartbeatAdmin(ReadOnlyAdmin):
    list_display = ("cluster", "host", "pid", "started_at", "worker_at", "monitor_at")
    list_filter = ("cluster",)
