from django.contrib import admin
from django.db.models import Sum

from labels.admin.read_only import NoAddAdmin, PartAdmin
from labels.models import Label, LabelCount, PhotoLabel


@admin.register(Label)
class LabelAdmin(NoAddAdmin):
    list_display = ("name", "parent_names", "photos", "created_at")
    search_fields = ("name", "key")
    filter_horizontal = ("parents",)
    editable = ()

    def get_queryset(self, request):
        labels = super().get_queryset(request).prefetch_related("parents")
        return labels.annotate(photos=Sum("counts__count", default=0))

    @admin.display(description="parents")
    def parent_names(self, label):
        return ", ".join(parent.name for parent in label.parents.all())

    @admin.display(ordering="photos")
    def photos(self, label):
        return label.photos

    def has_delete_permission(self, request, obj=None):
        # Deleting a label would leave photos without it and counts with it.
        return False


@admin.register(PhotoLabel)
class PhotoLabelAdmin(PartAdmin):
    list_display = ("label", "photo", "confidence", "source", "status", "run", "created_at")
    list_filter = ("status", "source")
    list_select_related = ("label", "photo", "run")
    search_fields = ("label__name", "photo__original_name", "photo__sha256")
    show_full_result_count = False


@admin.register(LabelCount)
class LabelCountAdmin(PartAdmin):
    list_display = ("label", "owner", "count")
    list_filter = (("owner", admin.RelatedOnlyFieldListFilter),)
    list_select_related = ("label", "owner")
    search_fields = ("label__name", "owner__username")
    ordering = ("-count",)
