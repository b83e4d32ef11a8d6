from django import forms
from django.contrib import admin
from django.db.models import Sum

from labels.labelling import rule_runs, taxonomy
from labels.models import Label
from labels.workers import queue
from photomgr.read_only_admin import NoAddAdmin, Undeletable


class LabelForm(forms.ModelForm):
    def clean_parents(self):
        parents = self.cleaned_data["parents"]
        if taxonomy.closes_circle(self.instance.pk, [parent.pk for parent in parents]):
            raise forms.ValidationError("A label cannot lie above itself; one of these does.")
        return parents


# Deleting a label would leave photos without it and counts with it.
@admin.register(Label)
class LabelAdmin(Undeletable, NoAddAdmin):
    list_display = ("name", "parent_names", "photos", "created_at")
    search_fields = ("name", "key")
    filter_horizontal = ("parents",)
    form = LabelForm
    editable = ("parents_fixed",)

    def get_queryset(self, request):
        labels = super().get_queryset(request).prefetch_related("parents")
        return labels.annotate(photos=Sum("counts__count", default=0))

    def save_related(self, request, form, formsets, change):
        super().save_related(request, form, formsets, change)
        if "parents" in form.changed_data:
            rule_runs.mark_stale(form.instance, request.user)
            if row := rule_runs.start():
                queue.enqueue_after_commit("run_rules", row.pk)

    @admin.display(description="parents")
    def parent_names(self, label):
        return ", ".join(parent.name for parent in label.parents.all())

    @admin.display(ordering="photos")
    def photos(self, label):
        return label.photos
