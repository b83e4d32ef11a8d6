from django.contrib import admin, messages
from django.template.defaultfilters import filesizeformat
from django.utils.html import format_html

from labels.labelling import attempts
from labels.models import DetectionRun, Photo, PhotoLabel
from labels.workers import queue
from photomgr.large_admin import LargeTable
from photomgr.read_only_admin import NoAddAdmin, ReadOnlyAdmin, ReadOnlyInline, Undeletable


class PhotoLabelInline(ReadOnlyInline):
    model = PhotoLabel
    fields = readonly_fields = ("label", "confidence", "source", "status", "run")

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("label", "run").order_by("-confidence")


class FailureFilter(admin.SimpleListFilter):
    title = "why it failed"
    parameter_name = "failure_code"

    def lookups(self, request, model_admin):
        # Of the failed ones alone, which have an index; the others are many.
        failed = Photo.objects.filter(status=Photo.Status.FAILED)
        codes = failed.order_by("failure_code").values_list("failure_code", flat=True).distinct()
        return [(code, code) for code in codes]

    def queryset(self, request, photos):
        code = self.value()
        return photos.filter(status=Photo.Status.FAILED, failure_code=code) if code else photos


@admin.register(Photo)
class PhotoAdmin(LargeTable, NoAddAdmin):
    list_display = (
        "picture",
        "original_name",
        "owner",
        "status",
        "failure_code",
        "attempts",
        "format",
        "bytes",
        "pixels",
        "taken_at",
        "uploaded_at",
    )
    list_display_links = ("picture", "original_name")
    # All accounts, not those with photos: to find these is to read all photos.
    list_filter = ("status", FailureFilter, "owner")
    list_select_related = ("owner",)
    search_fields = ("original_name", "sha256__exact")
    inlines = (PhotoLabelInline,)
    actions = ("label_again", "retry_failed")

    @admin.display(description="")
    def picture(self, photo):
        # The file's own address answers only to its owner, so the admin shows no one's photos in lists.
        return format_html("<code>{}</code>", photo.sha256[:8])

    @admin.display(description="size", ordering="size")
    def bytes(self, photo):
        return filesizeformat(photo.size)

    @admin.display(description="pixels")
    def pixels(self, photo):
        return f"{photo.width} × {photo.height}"

    @admin.action(description="Label again", permissions=["change"])
    def label_again(self, request, photos):
        self._enqueue(request, attempts.label_again(photos))

    @admin.action(description="Retry the failed ones", permissions=["change"])
    def retry_failed(self, request, photos):
        self._enqueue(request, attempts.label_again(photos.filter(status=Photo.Status.FAILED)))

    def delete_queryset(self, request, photos):
        # Each in a transaction of its own: together they would hold counts while they wait for a worker's
        # photo, and that worker would wait for the counts.
        for photo in photos.order_by("pk").iterator():
            photo.delete()

    def _enqueue(self, request, ids):
        for pk in ids:
            queue.enqueue_after_commit("label_next_photo", pk)
        self.message_user(request, f"{len(ids)} photos wait to be labelled.", messages.SUCCESS)

    def view_on_site(self, photo):
        return photo.get_absolute_url()


# Kept for ever: it is the cache, and the evidence behind every label.
@admin.register(DetectionRun)
class DetectionRunAdmin(LargeTable, Undeletable, ReadOnlyAdmin):
    list_display = ("short_hash", "detector", "version", "photo", "latency_ms", "created_at")
    list_select_related = ("photo",)
    search_fields = ("content_sha256__exact",)
    search_help_text = "The SHA-256 of a photo."

    @admin.display(description="content", ordering="content_sha256")
    def short_hash(self, run):
        return run.content_sha256[:12]
