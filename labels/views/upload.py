"""Photos in, from the browser: through the web server, or straight to the bucket."""

from collections import Counter

from django.conf import settings
from django.contrib import messages
from django.http import Http404, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from labels.forms import DirectUploadForm, UploadForm
from labels.intake import direct_uploads, quota
from labels.intake.add import IntakeResult, Outcome, add_photo
from labels.intake.checks import Refused, clean_name
from labels.intake.upload_handlers import says_full
from labels.models import DirectUpload, Photo
from labels.pictures import decoding
from labels.workers import queue

_ACCEPT = "image/*," + ",".join(
    sorted({f".{extension}" for _, extensions in decoding.FORMATS.values() for extension in extensions})
)
# The page polls for the files it is waiting for, and no more.
_MOST_STATES = 200


@require_http_methods(["GET", "HEAD", "POST"])
def upload(request):
    """The upload page. A script posts one file at a time and reads JSON; a plain form posts many."""
    if request.method == "POST":
        form = UploadForm(request.POST, request.FILES)
        if form.is_valid():
            return _take_all(request, form.cleaned_data["photos"])
        if _wants_json(request):
            return JsonResponse({"errors": form.errors}, status=400)
        return render(request, "upload.html", _context(form), status=400)
    is_first = not Photo.objects.filter(owner=request.user).exists()
    return render(request, "upload.html", {**_context(UploadForm()), "is_first": is_first})


def _take_all(request, files):
    try:
        quota.take_turn(request.user, len(files))
    except quota.TooFast as reason:
        return _too_fast(request, reason)
    results, is_full = [], any(file.no_space for file in files)
    try:
        for file in () if is_full else files:
            results.append(_result(_take(file, request.user), file.size))
    except OSError as error:
        if not says_full(error):
            raise
        is_full = True
    if is_full:
        return _no_space(request, results)
    if _wants_json(request):
        return JsonResponse(results[0])
    return render(request, "upload.html", _context(UploadForm(), _summary(results)))


def _take(file, owner):
    # Browsers write a quotation mark so in a form; a file that is truly called %22 is rarer.
    name = file.name.replace("%22", '"')
    try:
        quota.check_room(owner, name, file.size)
    except Refused as refusal:
        return IntakeResult(clean_name(name), Outcome.REFUSED, reason=refusal.reason, code=refusal.code)
    return add_photo(file, name, owner, draw=True)


def _too_fast(request, reason):
    """Answer 429: nothing of this request was taken."""
    if _wants_json(request):
        answer = JsonResponse({"errors": {"photos": [str(reason)]}}, status=429)
    else:
        messages.error(request, str(reason))
        answer = render(request, "upload.html", _context(UploadForm()), status=429)
    answer.headers["Retry-After"] = str(reason.seconds)
    return answer


def _no_space(request, results):
    """Answer 507: what was taken before is there, the rest is to be sent again."""
    reason = "The server has no space left. Tell your administrator, and send the rest again later."
    if _wants_json(request):
        return JsonResponse({"errors": {"photos": [reason]}}, status=507)
    messages.error(request, reason)
    context = _context(UploadForm(), _summary(results) if results else None)
    return render(request, "upload.html", context, status=507)


def _wants_json(request):
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"


def _context(form, results=None):
    return {
        "nav": "upload",
        "form": form,
        "results": results,
        "accept": _ACCEPT,
        "is_direct": settings.DIRECT_UPLOAD,
        "limits": {
            "bytes": settings.UPLOAD_MAX_BYTES,
            "pixels_mp": settings.UPLOAD_MAX_PIXELS // 1_000_000,
            "formats": decoding.ACCEPTED,
        },
    }


def _result(result, size):
    photo = result.photo
    return {
        "name": result.name,
        "size": size,
        "outcome": result.outcome,
        "reason": result.reason,
        "url": photo.get_absolute_url() if photo else "",
        "thumb_url": reverse("photo_thumbnail", args=[photo.pk]) if photo and photo.thumbnail else "",
    }


def _summary(results):
    count = Counter(result["outcome"] for result in results)
    known, refused = count[Outcome.DUPLICATE], count[Outcome.REFUSED]
    words = [f"{count[Outcome.IMPORTED]} of {len(results)} added"]
    words += [f"{known} already here"] if known else []
    words += [f"{refused} refused"] if refused else []
    return {"files": results, "summary": " · ".join(words)}


@require_POST
def direct_upload_begin(request):
    """Answer with the form that sends one file to the bucket, or with the reason why not."""
    if not settings.DIRECT_UPLOAD:
        raise Http404("files are sent to the upload page")
    form = DirectUploadForm(request.POST)
    if not form.is_valid():
        return JsonResponse({"errors": form.errors}, status=400)
    try:
        quota.take_turn(request.user)
        quota.check_room(request.user, **form.cleaned_data)
        row, post = direct_uploads.begin(request.user, **form.cleaned_data)
    except quota.TooFast as reason:
        return _too_fast(request, reason)
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
    ids = [int(word) for word in request.GET.get("ids", "").split(",")[:_MOST_STATES] if word.isdecimal()]
    mine = DirectUpload.objects.filter(owner=request.user, pk__in=[pk for pk in ids if pk < 2**63])
    rows = {row.pk: row for row in mine}
    lost = {"outcome": "lost", "reason": "It was not confirmed in time. Try again.", "url": ""}
    done = {pk: lost for pk in ids if pk not in rows}
    for row in rows.values():
        if row.status == DirectUpload.Status.DONE:
            url = reverse("photo", args=[row.photo_id]) if row.photo_id else ""
            done[row.pk] = {"outcome": row.outcome, "reason": row.reason, "url": url}
    return JsonResponse(done)
