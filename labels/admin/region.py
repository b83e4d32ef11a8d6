from django.conf import settings
from django.contrib import admin, messages
from django.utils import timezone

from labels.detectors.rekognition.regions import spending
from labels.detectors.rekognition.regions.report import short_state
from labels.models import Budget, RegionQuota, Spending
from photomgr.read_only_admin import NoAddAdmin, ReadOnlyAdmin, Undeletable


# The next migration would make a deleted one anew, with Amazon's published quota.
@admin.register(RegionQuota)
class RegionQuotaAdmin(Undeletable, NoAddAdmin):
    list_display = ("region", "operation", "quota", "state", "throttles", "dollars", "group")
    ordering = ("operation", "region")
    list_filter = ("operation", "group", "enabled")
    search_fields = ("region",)
    editable = ("group", "quota", "price_micros", "enabled")
    _measured = ("configured", "throttles", "throttled_at", "last_error", "refused")
    fields = ("region", "operation", *editable, *_measured)

    @admin.display(description="state")
    def state(self, row):
        return short_state(row)

    @admin.display(description="price", ordering="price_micros")
    def dollars(self, row):
        return f"${row.price_micros / 1_000_000:.6f}".rstrip("0")

    def save_model(self, request, obj, form, change):
        # The workers move the other columns all the time.
        obj.save(update_fields=form.changed_data)


# There is one; empty fields leave it to the settings.
@admin.register(Budget)
class BudgetAdmin(Undeletable, NoAddAdmin):
    list_display = ("__str__", "daily", "monthly", "settings_say", "in_force")
    editable = ("daily", "monthly")
    readonly_fields = ("settings_say", "in_force")
    fields = (*editable, *readonly_fields)

    def save_model(self, request, obj, form, change):
        super().save_model(request, obj, form, change)
        daily, monthly = (limit.dollars for limit in spending.limits(timezone.localdate()))
        if daily is not None and monthly is not None and daily > monthly:
            messages.warning(
                request,
                f"The daily budget of ${daily:,.2f} is more than the monthly one of ${monthly:,.2f}, "
                "which is what counts.",
            )

    @admin.display(description="the settings say")
    def settings_say(self, budget):
        return _both(settings.REKOGNITION_DAILY_BUDGET, settings.REKOGNITION_MONTHLY_BUDGET)

    @admin.display(description="in force")
    def in_force(self, budget):
        return _both(*(limit.dollars for limit in spending.limits(timezone.localdate())))


def _both(daily, monthly):
    words = ["no limit" if dollars is None else f"${dollars:,.2f}" for dollars in (daily, monthly)]
    return f"{words[0]} a day, {words[1]} a month"


# The month's budget counts these rows.
@admin.register(Spending)
class SpendingAdmin(Undeletable, ReadOnlyAdmin):
    list_display = ("day", "calls", "dollars")
    date_hierarchy = "day"

    @admin.display(description="US dollars")
    def dollars(self, spending):
        return f"{spending.micros / 1_000_000:.2f}"
