"""The admin of the configuration. What runs, backends and workers write is read-only."""

from django.contrib import admin, messages
from django.urls import reverse
from django.utils.html import format_html

from alarms import models
from alarms.apply.mutes import rule_of
from alarms.backends import BackendError, backend_for
from alarms.config import packs
from alarms.forms import AlarmForm, AlarmSetForm, DetectorForm, MetricForm, MuteForm, NewGuardForm
from photomgr.read_only_admin import ReadOnlyAdmin


class AlarmActionInline(admin.TabularInline):
    model = models.AlarmAction
    extra = 0


@admin.register(models.AlarmSet)
class AlarmSetAdmin(admin.ModelAdmin):
    form = AlarmSetForm
    list_display = ("name", "prefix", "region", "owner", "false_alarms_per_week", "plan")
    search_fields = ("name", "prefix")
    filter_horizontal = ("default_actions",)
    actions = ("make_own_guards",)

    @admin.action(description="Make the guards of this application", permissions=["change"])
    def make_own_guards(self, request, sets):
        for alarm_set in sets:
            guards = packs.make_guards(alarm_set, packs.OWN)
            messages.success(request, f"{alarm_set}: {len(guards)} guards. Apply its plan.")

    @admin.display(description="plan")
    def plan(self, alarm_set):
        return format_html('<a href="{}">Plan</a>', reverse("alarm_plan", args=[alarm_set.name]))


@admin.register(models.Alarm)
class AlarmAdmin(admin.ModelAdmin):
    form = AlarmForm
    list_display = ("name", "alarm_set", "kind", "role", "enabled", "metric", "threshold", "k", "changed_at")
    list_filter = ("alarm_set", "kind", "role", "enabled")
    list_select_related = ("alarm_set", "metric")
    search_fields = ("name", "description", "metric__name")
    autocomplete_fields = ("metric", "guard")
    inlines = (AlarmActionInline,)
    actions = ("switch_on", "switch_off")

    @admin.action(description="Switch on", permissions=["change"])
    def switch_on(self, request, alarms):
        self._switch(request, alarms, True)

    @admin.action(description="Switch off", permissions=["change"])
    def switch_off(self, request, alarms):
        self._switch(request, alarms, False)

    def _switch(self, request, alarms, enabled):
        changed = alarms.exclude(enabled=enabled).update(enabled=enabled)
        word = "on" if enabled else "off"
        messages.success(request, f"{changed} switched {word}. Apply the plan to make it so.")


@admin.register(models.Guard)
class GuardAdmin(admin.ModelAdmin):
    list_display = ("name", "alarm_set", "metric")
    list_filter = ("alarm_set",)
    list_select_related = ("alarm_set", "metric")
    search_fields = ("name", "metric__name")
    autocomplete_fields = ("metric",)

    def has_add_permission(self, request):
        # Its alarms are made with it.
        return super().has_add_permission(request) and request.user.has_perm("alarms.add_alarm")

    def get_form(self, request, obj=None, change=False, **kwargs):
        form = {} if obj else {"form": NewGuardForm}
        return super().get_form(request, obj, change, **{**kwargs, **form})

    def get_readonly_fields(self, request, obj=None):
        # Its alarms watch the metric it was made for.
        return ("alarm_set", "metric") if obj else ()

    def save_model(self, request, obj, form, change):
        super().save_model(request, obj, form, change)
        if not change:
            form.make_alarms()


@admin.register(models.Metric)
class MetricAdmin(admin.ModelAdmin):
    form = MetricForm
    list_display = ("namespace", "name", "dimensions", "stat", "kind", "natural_min", "natural_max")
    list_filter = ("namespace", "kind")
    search_fields = ("namespace", "name")


@admin.register(models.Action)
class ActionAdmin(admin.ModelAdmin):
    list_display = ("name", "arn")
    search_fields = ("name", "arn")


class ExcludedRangeInline(admin.TabularInline):
    model = models.ExcludedRange
    extra = 0
    max_num = 10


@admin.register(models.Detector)
class DetectorAdmin(admin.ModelAdmin):
    form = DetectorForm
    list_display = ("__str__", "alarm_set", "timezone", "periodic_spikes", "adaptation", "keep")
    list_filter = ("alarm_set",)
    list_select_related = ("alarm_set", "metric")
    search_fields = ("metric__name", "metric__namespace")
    autocomplete_fields = ("metric",)
    inlines = (ExcludedRangeInline,)


@admin.register(models.Mute)
class MuteAdmin(admin.ModelAdmin):
    """Saving changes the backend; a mute that it refuses is shown as not in force."""

    form = MuteForm
    exclude = ("created_by",)
    list_display = (
        "name",
        "alarm_set",
        "schedule",
        "minutes",
        "timezone",
        "reason",
        "created_by",
        "created_at",
    )
    list_filter = ("alarm_set",)
    list_select_related = ("alarm_set", "created_by")
    search_fields = ("name", "reason")
    filter_horizontal = ("alarms",)

    def save_related(self, request, form, formsets, change):
        super().save_related(request, form, formsets, change)
        row = form.instance
        self._change_backend(request, row, lambda backend: backend.put_mute(rule_of(row, row.alarms.all())))

    def save_model(self, request, obj, form, change):
        obj.created_by = obj.created_by or request.user
        super().save_model(request, obj, form, change)

    def delete_model(self, request, obj):
        self._change_backend(request, obj, lambda backend: backend.delete_mute(obj.name))
        super().delete_model(request, obj)

    def delete_queryset(self, request, queryset):
        for row in queryset.select_related("alarm_set"):
            self.delete_model(request, row)

    def _change_backend(self, request, row, act):
        try:
            act(backend_for(row.alarm_set.region))
        except BackendError as error:
            messages.error(request, f"{row.name} is not in force: {error}")


class LockedAdmin(ReadOnlyAdmin):
    show_full_result_count = False

    def has_delete_permission(self, request, obj=None):
        return False


class ChangeInline(admin.TabularInline):
    model = models.Change
    fields = ("number", "verb", "subject", "name", "outcome", "error", "done_at")


def _lock(model, columns, filters="", searched="", related="", inlines=()):
    lists = {"list_display": columns, "list_filter": filters, "search_fields": searched}
    lists["list_select_related"] = related
    options = {option: names.split() for option, names in lists.items()}
    admin.site.register(model, LockedAdmin, inlines=inlines, **options)


# What the backends, the workers and the history write: people look at it.
_lock(
    models.Run,
    "id kind set_name who outcome backend started_at finished_at",
    "kind outcome",
    "set_name who",
    inlines=[ChangeInline],
)
_lock(models.Change, "name verb subject outcome run done_at", "verb subject outcome", "name", "run")
_lock(models.StateChange, "alarm_name old new at source", "new source", "alarm_name")
_lock(
    models.Delivery,
    "change channel target status attempts failure_reason created_at sent_at message_id",
    "channel status",
    "target message_id change__alarm_name",
    "change",
)
_lock(
    models.Finding,
    "code severity alarm detector message found_at",
    "severity code",
    "code message alarm__name",
    "alarm detector__metric",
)
_lock(models.LocalAlarm, "name state state_at composite configured_at", "state composite", "name")
_lock(models.LocalDetector, "identity definition created_at", "", "identity")
_lock(models.MetricOutbox, "at published lease_until", "published")
_lock(models.Series, "namespace name dimensions unit", "namespace", "namespace name")
_lock(models.Datapoint, "series period at count sum minimum maximum", "period", "series__name", "series")
