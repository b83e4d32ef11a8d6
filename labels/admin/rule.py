from django.contrib import admin

from labels.models import LabelRule, RuleVersion
from photomgr.read_only_admin import PartAdmin


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
