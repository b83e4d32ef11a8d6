from django.contrib import admin

from labels.models import DirectUpload
from photomgr.read_only_admin import ReadOnlyAdmin


@admin.register(DirectUpload)
class DirectUploadAdmin(ReadOnlyAdmin):
    list_display = ["name", "owner", "size", "status", "outcome", "created_at"]
    list_filter = ["status", "outcome"]
    list_select_related = ["owner"]
