from axes.models import AccessAttempt, AccessLog
from django.contrib import admin

from photomgr.accounts.models import RateCount, StaffAction
from photomgr.read_only_admin import ReadOnlyAdmin, Undeletable


@admin.register(StaffAction)
class StaffActionAdmin(Undeletable, ReadOnlyAdmin):
    list_display = ["at", "actor", "action", "subject", "owner", "count", "address"]
    list_filter = ["action"]
    search_fields = ["actor", "subject", "owner"]
    date_hierarchy = "at"
    show_full_result_count = False


# Deleted by hand when somebody has used up what they may do.
@admin.register(RateCount)
class RateCountAdmin(ReadOnlyAdmin):
    list_display = ["kind", "key", "count", "ends_at"]
    list_filter = ["kind"]
    search_fields = ["key"]


# Deleted by hand to let somebody try again.
@admin.register(AccessAttempt)
class AccessAttemptAdmin(ReadOnlyAdmin):
    list_display = ["username", "ip_address", "failures_since_start", "attempt_time", "user_agent"]
    search_fields = ["username", "ip_address"]
    fields = list_display


@admin.register(AccessLog)
class AccessLogAdmin(Undeletable, ReadOnlyAdmin):
    list_display = ["username", "ip_address", "attempt_time", "logout_time", "user_agent"]
    search_fields = ["username", "ip_address"]
    fields = list_display
    show_full_result_count = False
