from axes.models import AccessAttempt, AccessLog
from django.contrib import admin
from django.contrib.auth import get_user_model
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from photomgr.accounts.models import RateCount, StaffAction
from photomgr.accounts.user_admin import InvitingUserAdmin
from photomgr.read_only_admin import ReadOnlyAdmin, Undeletable

# In place of Django's own.
admin.site.unregister(get_user_model())
admin.site.register(get_user_model(), InvitingUserAdmin)


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


class SecondFactorAdmin(ReadOnlyAdmin):
    """Deleted by hand when a phone is lost. As django-otp registers them, their keys can be read."""

    list_display = ["user", "name", "confirmed", "created_at", "last_used_at"]
    list_select_related = ["user"]
    search_fields = ["user__username"]
    fields = list_display


for _model in (TOTPDevice, StaticDevice):
    admin.site.unregister(_model)
    admin.site.register(_model, SecondFactorAdmin)
