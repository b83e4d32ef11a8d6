"""The admin of rows that need only columns, filters and a search."""

from django.contrib import admin

from labels import models
from photomgr.large_admin import LargeTable
from photomgr.read_only_admin import PartAdmin, ReadOnlyAdmin


@admin.register(models.DirectUpload)
class DirectUploadAdmin(ReadOnlyAdmin):
    list_display = ["name", "owner", "size", "status", "outcome", "created_at"]
    list_filter = ["status", "outcome"]
    list_select_related = ["owner"]


@admin.register(models.Heartbeat)
class HeartbeatAdmin(ReadOnlyAdmin):
    list_display = ["cluster", "host", "pid", "started_at", "worker_at", "monitor_at"]
    list_filter = ["cluster"]


@admin.register(models.Notice)
class NoticeAdmin(ReadOnlyAdmin):
    list_display = ["bundle", "outcome", "created_at", "seen_at"]
    list_filter = ["outcome"]
    list_select_related = ["bundle"]


@admin.register(models.Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    list_display = [
        "notice",
        "channel",
        "target",
        "status",
        "attempts",
        "failure_reason",
        "created_at",
        "sent_at",
        "message_id",
    ]
    list_filter = ["channel", "status"]
    search_fields = ["target", "message_id", "notice__bundle__owner__username"]
    list_select_related = ["notice__bundle"]


@admin.register(models.RuleRun)
class RuleRunAdmin(ReadOnlyAdmin):
    list_display = ["pk", "status", "is_dry", "done", "total", "changed", "created_at", "finished_at"]
    list_filter = ["status", "is_dry"]
    search_fields = ["failure_reason"]


@admin.register(models.SweepFailure)
class SweepFailureAdmin(ReadOnlyAdmin):
    list_display = ["step", "error", "at"]
    list_filter = ["step"]


@admin.register(models.BundleChunk)
class BundleChunkAdmin(PartAdmin):
    list_display = ["part", "number", "start", "end", "done", "lease_owner", "changed_reason"]
    list_select_related = ["part"]


@admin.register(models.BundleContent)
class BundleContentAdmin(PartAdmin):
    list_display = ["bundle", "listed"]
    fields = ["bundle", "listed"]
    list_select_related = ["bundle"]


@admin.register(models.BundlePart)
class BundlePartAdmin(PartAdmin):
    list_display = ["file_name", "bundle", "number", "size", "sha256"]
    search_fields = ["file_name", "sha256"]
    list_select_related = ["bundle"]


@admin.register(models.BundlePhoto)
class BundlePhotoAdmin(LargeTable, PartAdmin):
    list_display = ["bundle", "position", "name", "size", "missing_reason"]
    search_fields = ["=bundle__pk"]
    search_help_text = "The number of a download."
    list_select_related = ["bundle"]


@admin.register(models.Change)
class ChangeAdmin(PartAdmin):
    list_display = ["created_at", "actor", "owner", "action", "label", "target", "status", "undone_at"]
    list_filter = ["action", "status"]
    search_fields = ["label__name", "target__name", "actor__username", "owner__username"]
    list_select_related = ["actor", "owner", "label", "target"]


@admin.register(models.LabelAlias)
class LabelAliasAdmin(PartAdmin):
    list_display = ["name", "label"]
    search_fields = ["name", "label__name"]
    list_select_related = ["label"]


@admin.register(models.LabelCount)
class LabelCountAdmin(PartAdmin):
    list_display = ["label", "owner", "count"]
    list_filter = [("owner", admin.RelatedOnlyFieldListFilter)]
    search_fields = ["label__name", "owner__username"]
    list_select_related = ["label", "owner"]
    ordering = ["-count"]


@admin.register(models.LibraryVersion)
class LibraryVersionAdmin(PartAdmin):
    list_display = ["owner", "number"]
    list_filter = [("owner", admin.RelatedOnlyFieldListFilter)]
    search_fields = ["owner__username"]
    list_select_related = ["owner"]


@admin.register(models.Share)
class ShareAdmin(PartAdmin):
    list_display = ["id", "bundle", "created_at", "expires_at", "revoked_at", "opened", "downloaded"]
    list_filter = [("bundle__owner", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["bundle"]


@admin.register(models.PhotoLabel)
class PhotoLabelAdmin(LargeTable, PartAdmin):
    list_display = ["label", "photo", "confidence", "source", "status", "rule", "run", "created_at"]
    list_filter = ["status", "source"]
    search_fields = ["=label__key"]
    search_help_text = "The name of a label."
    list_select_related = ["label", "photo", "rule", "run"]


@admin.register(models.PhotoSummary)
class PhotoSummaryAdmin(LargeTable, PartAdmin):
    list_display = ["photo_id", "owner", "version", "archive_bytes", "labels"]
    list_filter = ["owner"]
    list_select_related = ["owner"]


@admin.register(models.Renaming)
class RenamingAdmin(PartAdmin):
    list_display = ["label", "target", "owner"]
    search_fields = ["label__name", "target__name", "owner__username"]
    list_select_related = ["label", "target", "owner"]


@admin.register(models.ReplacedVerdict)
class ReplacedVerdictAdmin(LargeTable, PartAdmin):
    list_display = ["change", "photo", "is_there", "by", "at"]
    search_fields = ["=by__username"]
    list_select_related = ["change__label", "photo", "by"]


@admin.register(models.SmsCount)
class SmsCountAdmin(PartAdmin):
    list_display = ["day", "owner", "sent"]
    search_fields = ["owner__username"]
    list_select_related = ["owner"]
    date_hierarchy = "day"


@admin.register(models.Verdict)
class VerdictAdmin(LargeTable, PartAdmin):
    list_display = ["label", "photo", "is_there", "added", "confidence", "detector", "by", "at"]
    list_filter = ["is_there", "added"]
    search_fields = ["=label__key", "=by__username"]
    list_select_related = ["label", "photo", "by"]


@admin.register(models.Residency)
class ResidencyAdmin(admin.ModelAdmin):
    list_display = ["owner", "group"]
    list_filter = ["group"]
    search_fields = ["owner__username"]
    list_select_related = ["owner"]
    autocomplete_fields = ["owner"]
