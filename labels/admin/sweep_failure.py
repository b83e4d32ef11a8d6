from django.contrib import admin

from labels.models import SweepFailure
from photomgr.read_only_admin import ReadOnlyAdmin


@admin.register(SweepFailure)
class SweepFailureAdmin(ReadOnlyAdmin):
    list_display = ["step", "error", "at"]
    list_filter = ["step"]
