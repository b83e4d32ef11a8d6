from django.contrib import admin

from labels.admin.read_only import NoAddAdmin, ReadOnlyAdmin
from labels.models import RegionQuota, Residency, Spending


@admin.register(RegionQuota)
class RegionQuotaAdmin(NoAddAdmin):
    list_display = (
        "region",
        "operation",
        "group",
        "quota",
        "price_micros",
        "enabled",
        "throttles",
        "refused",
    )
    list_filter = ("operation", "group", "enabled")
    search_fields = ("region",)
    editable = ("group", "quota", "price_micros", "enabled")
    fields = (
        "region",
        "operation",
        *editable,
        "configured",
        "throttles",
        "throttled_at",
        "trouble",
        "refused",
    )

    def has_delete_permission(self, request, obj=None):
        # The next migration would make it anew, with Amazon's published quota.
        return False

    def save_model(self, request, obj, form, change):
        # The workers move the other columns all the time.
        obj.save(update_fields=form.changed_data)


@admin.register(Residency)
class ResidencyAdmin(admin.ModelAdmin):
    list_display = ("owner", "group")
    list_filter = ("group",)
    list_select_related = ("owner",)
    search_fields = ("owner__username",)
    autocomplete_fields = ("owner",)


@admin.register(Spending)
class SpendingAdmin(ReadOnlyAdmin):
    list_display = ("day", "calls", "dollars")
    date_hierarchy = "day"

    @admin.display(description="US dollars")
    def dollars(self, spending):
        return f"{spending.micros / 1_000_000:.2f}"

    def has_delete_permission(self, request, obj=None):
        # The month's budget counts these rows.
        return False
