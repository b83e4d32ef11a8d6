"""One photo: what it shows, why, and its files."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_POST, require_safe

from labels.bundles import listing
from labels.detectors.rekognition import findings
from labels.labelling import detection
from labels.models import Label, Photo, PhotoLabel
from labels.selection.predicate import Selection
from labels.views import file_responses, live
from labels.views.cards import card_state
from labels.views.photos import chosen_photos
from labels.views.relabelling import label_again

_DAY_AND_TIME = "j F Y, H:i"


@require_safe
def photo_detail(request, pk):
    photo = _mine(request, pk)
    waits, has_changed = _live_context(request, photo)
    if live.is_poll(request) and waits["is_waiting"] and not waits["has_changed"] and not has_changed:
        return HttpResponse(status=204)
    selection = Selection.from_query(request.GET)
    newer, older = chosen_photos(request.user, selection).neighbours(photo)
    fields = selection.fields()
    verdicts = {verdict.label_id: verdict for verdict in photo.verdicts.select_related("by")}
    rows = photo.photo_labels.select_related("label", "run", "rule")
    labels = [
        _label_context(row, verdicts.get(row.label_id))
        for row in sorted(
            rows, key=lambda row: (row.label.category in Label.FACTS, -row.confidence, row.label.key)
        )
    ]
    return render(
        request,
        "_photo_poll.html" if live.is_poll(request) else "photo.html",
        {
            "live": waits,
            "has_changed": has_changed,
            "nav": "photos",
            "photo": photo,
            "labels": _with_status(labels, *PhotoLabel.VISIBLE),
            "suggestions": _with_status(labels, PhotoLabel.Status.SUGGESTED),
            "kept_back": _with_status(labels, PhotoLabel.Status.REVIEW),
            "suppressed": _with_status(labels, PhotoLabel.Status.HIDDEN, PhotoLabel.Status.REJECTED),
            "findings": findings.read_findings(detection.additional_responses(photo)),
            "facts": _facts(photo),
            "previous_url": reverse("photo", args=[newer], query=fields) if newer else "",
            "next_url": reverse("photo", args=[older], query=fields) if older else "",
            "back_url": reverse("photos", query=fields),
            "back_text": selection.words() if fields else "All photos",
        },
    )


def _live_context(request, photo):
    """Return what the line on top shows, and whether the photo looks different from what the page shows."""
    found, state = live.live_context(request), card_state(photo)
    if found:
        query = [*live.page_fields(request), *found["fields"], ("card", state)]
        found["url"] = reverse("photo", args=[photo.pk], query=query)
    return found, request.GET.get("card") != state


def photo_delete(request, pk):
    photo = _mine(request, pk)
    if request.method == "POST":
        photo.delete()
        messages.success(request, f"{photo.original_name} is deleted.")
        return redirect("photos")
    context = {"nav": "photos", "photo": photo, "bundles_affected": listing.unfinished_with(photo)}
    return render(request, "photo_delete.html", context)


@require_POST
def photo_retry(request, pk):
    photo = _mine(request, pk)
    label_again(Photo.objects.filter(pk=photo.pk))
    messages.success(request, f"{photo.original_name} is being labelled again.")
    return redirect(photo)


@require_safe
@cache_control(private=True, max_age=86_400)
def photo_picture(request, pk, field):
    """Send the thumbnail or the rendition."""
    file = getattr(_mine(request, pk), field)
    if not file:
        raise Http404("not made yet")
    try:
        return file_responses.picture(request, file, "image/jpeg")
    except FileNotFoundError:
        raise Http404("no longer in storage") from None


@require_safe
def photo_original(request, pk):
    photo = _mine(request, pk)
    try:
        return file_responses.attachment(
            request,
            photo.original,
            name=photo.original_name,
            content_type="application/octet-stream",
            etag=photo.sha256,
            modified=photo.uploaded_at,
        )
    except FileNotFoundError:
        raise Http404("no longer in storage") from None


def _mine(request, pk):
    return get_object_or_404(Photo, owner=request.user, pk=pk)


def _label_context(row, verdict):
    return {
        "row": row,
        "verdict": verdict,
        "name": row.label.name,
        "url": reverse("photos", query={"label": row.label.name}),
        "why": _why(row, verdict),
    }


def _with_status(labels, *statuses):
    return [label for label in labels if label["row"].status in statuses]


def _why(row, verdict):
    """Return what made a label what it is on this photo, in a few words."""
    parts = []
    if verdict:
        who = verdict.by.get_username() if verdict.by else "someone"
        parts.append(f"{'added' if verdict.added else row.get_status_display()} by {who}")
    if row.source == PhotoLabel.Source.PERSON:
        return ", ".join(parts) or "added by a person"
    parts.append(f"{row.confidence:.1f}% sure")
    if row.why:
        parts.append(row.why)
    if row.rule:
        parts.append(f"rule “{row.rule.name}”")
    return ", ".join(parts)


def _facts(photo):
    megapixels = photo.width * photo.height / 1_000_000
    return [
        ("Taken", date_format(photo.taken_at, _DAY_AND_TIME) if photo.taken_at else "not known"),
        ("Camera", photo.camera or "not known"),
        ("Picture", f"{photo.width:,} × {photo.height:,}, {megapixels:.1f} megapixels"),
        ("File", photo.original_name),
        ("Format", f"{photo.format}, {filesizeformat(photo.size)}"),
        ("Added", date_format(timezone.localtime(photo.uploaded_at), _DAY_AND_TIME)),
    ]
