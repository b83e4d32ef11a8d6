"""Photos in, from the browser."""

from collections import Counter

from django.conf import settings
from django.contrib import messages
from django.http import JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from labels.forms import UploadForm
from labels.intake.add import Outcome, add_photo
from labels.intake.upload_handlers import says_full
from labels.pictures import decoding

_ACCEPT = "image/*," + ",".join(
    sorted({f".{extension}" for _, extensions in decoding.FORMATS.values() for extension in extensions})
)


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
    return render(request, "upload.html", _context(UploadForm()))


def _take_all(request, files):
    results, is_full = [], any(file.no_space for file in files)
    try:
        for file in () if is_full else files:
            results.append(_result(add_photo(file, file.name, request.user), file.size))
    except OSError as error:
        if not says_full(error):
            raise
        is_full = True
    if is_full:
        return _no_space(request, results)
    if _wants_json(request):
        return JsonResponse(results[0])
    return render(request, "upload.html", _context(UploadForm(), _summary(results)))


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
        "direct_url": reverse("direct_upload_begin") if settings.DIRECT_UPLOAD else "",
        "states_url": reverse("direct_upload_states"),
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
    arrived, known, refused = count[Outcome.IMPORTED], count[Outcome.DUPLICATE], count[Outcome.REFUSED]
    words = [f"{arrived} of {len(results)} added"]
    words += [f"{known} already here"] if known else []
    words += [f"{refused} refused"] if refused else []
    return {
        "imported": arrived,
        "duplicates": known,
        "refused": refused,
        "files": results,
        "summary": " · ".join(words),
    }
