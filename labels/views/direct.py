"""Photos straight from the browser to the bucket: a form for each, and what became of them."""

from django.conf import settings
from django.http import Http404, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from labels.forms import DirectUploadForm
from labels.intake import direct_uploads
from labels.intake.add import Outcome
from labels.intake.checks import Refused
from labels.models import DirectUpload
from labels.workers import queue

# The page polls for the files it is waiting for, and no more.
_MOST = 200


@require_POST
def direct_upload_begin(request):
    """Answer with the form that sends one file to the bucket, or with the reason why not."""
    if not settings.DIRECT_UPLOAD:
        raise Http404("files are sent to the upload page")
    form = DirectUploadForm(request.POST)
    if not form.is_valid():
        return JsonResponse({"errors": form.errors}, status=400)
    try:
        row, post = direct_uploads.begin(request.user, **form.cleaned_data)
    except Refused as refusal:
        return JsonResponse({"outcome": Outcome.REFUSED, "reason": refusal.reason})
    sent_url = reverse("direct_upload_sent", args=[row.pk])
    return JsonResponse({"id": row.pk, **post, "sent_url": sent_url})


@require_POST
def direct_upload_sent(request, pk):
    row = get_object_or_404(DirectUpload, owner=request.user, pk=pk)
    if direct_uploads.mark_sent(row):
        queue.enqueue_after_commit("take_direct_upload", row.pk)
    return JsonResponse({"id": row.pk})


@require_safe
def direct_upload_states(request):
    """Answer {id: what became of it} for those of the ids that are done, or not there any more."""
    ids = [int(word) for word in request.GET.get("ids", "").split(",")[:_MOST] if word.isdecimal()]
    mine = DirectUpload.objects.filter(owner=request.user, pk__in=[pk for pk in ids if pk < 2**63])
    rows = {row.pk: row for row in mine}
    lost = {"outcome": "lost", "reason": "It was not confirmed in time. Try again.", "url": ""}
    done = {pk: lost for pk in ids if pk not in rows}
    for row in rows.values():
        if row.status == DirectUpload.Status.DONE:
            url = reverse("photo", args=[row.photo_id]) if row.photo_id else ""
            done[row.pk] = {"outcome": row.outcome, "reason": row.reason, "url": url}
    return JsonResponse(done)
