"""Saved selections: keep one under a name, run it again with one click."""

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_POST

from labels.forms import SavedSelectionForm
from labels.models import SavedSelection
from labels.selection.predicate import Selection
from labels.text.names import fold
from labels.views.bundles import request_download
from labels.views.options import DownloadOptions

# The web server refuses request lines over 4,094 bytes.
_LONGEST_QUERY = 3500


@require_POST
def saved_selection_save(request):
    """Save the selection under a name; the same name again replaces what it meant."""
    selection, options = Selection.from_query(request.POST), DownloadOptions.from_query(request.POST)
    form = SavedSelectionForm(request.POST)
    fields = [*selection.fields(), *options.fields()]
    if len(urlencode(fields)) > _LONGEST_QUERY:
        messages.error(request, "That are more labels than a link can hold. Save fewer at a time.")
        return redirect("labels")
    if selection.is_empty:
        messages.error(request, "Tick a label first; an empty selection cannot be saved.")
    elif not form.is_valid():
        messages.error(request, f"The selection is not saved: {form.errors['name'][0]}")
    else:
        messages.success(request, _save(request.user, form.cleaned_data["name"], selection, options))
    return redirect(reverse("labels", query=fields))


def _save(owner, name, selection, options):
    """Save the selection and return what became of it: one that was replaced is said in words, once more."""
    before = SavedSelection.objects.filter(owner=owner, key=fold(name)).first()
    meaning = {"name": name, "selection": selection.as_json(), "part_bytes": options.part_bytes}
    SavedSelection.objects.update_or_create(owner=owner, key=fold(name), defaults=meaning)
    if before is None:
        return f"{name} is saved."
    return f"{name} is replaced. Before, it meant: {Selection.from_json(before.selection).words()}."


@require_POST
def saved_selection_run(request, pk):
    """Request the download of a saved selection, as it is now."""
    saved = _mine(request, pk)
    options = DownloadOptions(saved.part_bytes, new_only=request.POST.get("new_only") == "1")
    return request_download(request, Selection.from_json(saved.selection), options)


@require_POST
def saved_selection_delete(request, pk):
    saved = _mine(request, pk)
    saved.delete()
    messages.success(request, f"{saved.name} is no longer saved. Your photos and downloads are untouched.")
    return redirect("labels")


def _mine(request, pk):
    return get_object_or_404(SavedSelection, pk=pk, owner=request.user)
