from django.contrib import admin

from labels.models import Change, LabelRule, Renaming, ReplacedVerdict, RuleRun, RuleVersion, Verdict
from photomgr.read_only_admin import PartAdmin, ReadOnlyAdmin


@admin.register(LabelRule)
class LabelRuleAdmin(admin.ModelAdmin):
    """Rules as they are edited; the page of the rules shows what they would change and applies them."""

    list_display = (
        "name",
        "enabled",
        "priority",
        "match",
        "first_patterns",
        "action",
        "target",
        "min_confidence",
    )
    list_filter = ("enabled", "action", "match")
    search_fields = ("name", "patterns", "target", "reason")
    readonly_fields = ("author", "created_at", "changed_at")
    fieldsets = (
        (None, {"fields": ("name", "enabled", "priority", "reason")}),
        ("Which labels", {"fields": ("match", "patterns", "detector", "version")}),
        ("What becomes of them", {"fields": ("action", "target", "min_confidence")}),
        ("Only when", {"fields": ("requires_any", "unless_any", "min_box_area", "photo_is")}),
        ("Who and when", {"fields": ("author", "created_at", "changed_at")}),
    )

    @admin.display(description="labels")
    def first_patterns(self, rule):
        lines = rule.patterns.split("\n")
        return ", ".join(lines[:3]) + (" …" if len(lines) > 3 else "")

    def save_model(self, request, rule, form, change):
        rule.author = request.user
        super().save_model(request, rule, form, change)


@admin.register(RuleVersion)
class RuleVersionAdmin(PartAdmin):
    list_display = ("pk", "created_at", "author", "number_of_rules", "min_confidence", "note")
    list_select_related = ("author",)
    search_fields = ("note",)

    @admin.display(description="rules")
    def number_of_rules(self, version):
        return len(version.rules)


@admin.register(RuleRun)
class RuleRunAdmin(ReadOnlyAdmin):
    list_display = ("pk", "status", "is_dry", "done", "total", "changed", "created_at", "finished_at")
    list_filter = ("status", "is_dry")
    search_fields = ("failure_reason",)


@admin.register(Change)
class ChangeAdmin(PartAdmin):
    list_display = ("created_at", "actor", "owner", "action", "label", "target", "status", "undone_at")
    list_filter = ("action", "status")
    list_select_related = ("actor", "owner", "label", "target")
    search_fields = ("label__name", "target__name", "actor__username", "owner__username")


@admin.register(Verdict)
class VerdictAdmin(PartAdmin):
    list_display = ("label", "photo", "is_there", "added", "confidence", "detector", "by", "at")
    list_filter = ("is_there", "added")
    list_select_related = ("label", "photo", "by")
    search_fields = ("label__name", "photo__original_name", "by__username")
    show_full_result_count = False


@admin.register(ReplacedVerdict)
class ReplacedVerdictAdmin(PartAdmin):
    list_display = ("change", "photo", "is_there", "by", "at")
    list_select_related = ("change__label", "photo", "by")
    search_fields = ("photo__original_name", "by__username")
    show_full_result_count = False


@admin.register(Renaming)
class RenamingAdmin(PartAdmin):
    list_display = ("label", "target", "owner")
    list_select_related = ("label", "target", "owner")
    search_fields = ("label__name", "target__name", "owner__username")
