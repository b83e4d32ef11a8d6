"""The admin of the rows that need only columns, filters and a search."""

from django.contrib import admin

from labels import models
from photomgr.read_only_admin import PartAdmin, ReadOnlyAdmin

_FILTERS = {
    "owner": ("owner", admin.RelatedOnlyFieldListFilter),
    "missing_reason": ("missing_reason", admin.EmptyFieldListFilter),
}
# One COUNT fewer on every page of a large table.
_LARGE = {models.BundlePhoto, models.PhotoLabel, models.PhotoSummary, models.Verdict, models.ReplacedVerdict}


def _register(admin_class, model, columns, filters="", search="", **options):
    relations = {field.name for field in model._meta.fields if field.is_relation}
    related = [name for name in columns.split() if name in relations]
    admin.site.register(
        model,
        admin_class,
        list_display=columns.split(),
        list_filter=[_FILTERS.get(name, name) for name in filters.split()],
        search_fields=search.split(),
        show_full_result_count=model not in _LARGE,
        **{"list_select_related": related, **options},
    )


_register(ReadOnlyAdmin, models.DirectUpload, "name owner size status outcome created_at", "status outcome")
_register(ReadOnlyAdmin, models.Heartbeat, "cluster host pid started_at worker_at monitor_at", "cluster")
_register(ReadOnlyAdmin, models.Notice, "bundle outcome created_at seen_at", "outcome")
_register(
    ReadOnlyAdmin,
    models.Delivery,
    "notice channel target status attempts failure_reason created_at sent_at message_id",
    "channel status",
    "target message_id notice__bundle__owner__username",
    list_select_related=["notice__bundle"],
)
_register(
    ReadOnlyAdmin,
    models.RuleRun,
    "pk status is_dry done total changed created_at finished_at",
    "status is_dry",
    "failure_reason",
)
_register(ReadOnlyAdmin, models.SweepFailure, "step error at", "step")

_register(PartAdmin, models.BundleChunk, "part number start end done lease_owner changed_reason")
_register(PartAdmin, models.BundlePart, "file_name bundle number size sha256", search="file_name sha256")
_register(
    PartAdmin, models.BundlePhoto, "bundle position name size missing_reason", "missing_reason", "name sha256"
)
_register(
    PartAdmin,
    models.Change,
    "created_at actor owner action label target status undone_at",
    "action status",
    "label__name target__name actor__username owner__username",
)
_register(PartAdmin, models.LabelAlias, "name label", search="name label__name")
_register(
    PartAdmin,
    models.LabelCount,
    "label owner count",
    "owner",
    "label__name owner__username",
    ordering=["-count"],
)
_register(PartAdmin, models.LibraryVersion, "owner token", "owner", "owner__username")
_register(
    PartAdmin,
    models.PhotoLabel,
    "label photo confidence source status rule run created_at",
    "status source",
    "label__name photo__original_name photo__sha256",
)
_register(
    PartAdmin, models.PhotoSummary, "photo owner facts labels", "owner", "photo__original_name photo__sha256"
)
_register(PartAdmin, models.Renaming, "label target owner", search="label__name target__name owner__username")
_register(
    PartAdmin,
    models.ReplacedVerdict,
    "change photo is_there by at",
    search="photo__original_name by__username",
    list_select_related=["change__label", "photo", "by"],
)
_register(PartAdmin, models.SmsCount, "day owner sent", search="owner__username", date_hierarchy="day")
_register(
    PartAdmin,
    models.Verdict,
    "label photo is_there added confidence detector by at",
    "is_there added",
    "label__name photo__original_name by__username",
)
