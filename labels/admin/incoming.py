from django.contrib import admin

from labels.admin.read_only import ReadOnlyAdmin
from labels.models import Incoming


@admin.register(Incoming)
class IncomingAdmin(ReadOnlyAdmin):
    list_display = ["name", "owner", "size", "status", "outcome", "created_at"]
    list_filter = ["status", "outcome"]
    list_select_related = ["owner"]
