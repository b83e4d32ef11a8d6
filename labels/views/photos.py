"""The library and one photo."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import groupby

from django.conf import settings
from django.contrib import messages
from django.db.models import Count, Max, Q
from django.db.models.functions import TruncMonth
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.http import urlencode
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_POST, require_safe

from labels.bundles.totals import totals
from labels.detectors.rekognition import findings
from labels.labelling import attempts, detection
from labels.models import Bundle, BundlePhoto, Photo, PhotoLabel
from labels.selection import predicate as selections
from labels.selection.predicate import Overview, Selection
from labels.views import file_responses
from labels.views.cards import cards
from labels.workers import queue

PAGE = 60
_DAY_AND_TIME = "j F Y, H:i"


@require_safe
def photo_list(request):
    """The grid, newest first, of the whole library or of a selection."""
    selection = Selection.from_query(request.GET)
    chosen = _chosen(request.user, selection)
    page, last = _page(chosen, request.GET.get("after", ""))
    next_url = f"{reverse('photos')}?{urlencode([*selection.fields(), ('after', last)])}" if last else None
    context = {
        "nav": "photos",
        "months": _months(chosen, page, selection, request.GET.get("after", "")),
        "next_url": next_url,
    }
    if request.htmx:
        return render(request, "_photo_months.html", context)
    library = Photo.objects.owned_by(request.user)
    waiting = Q(status__in=(Photo.Status.PENDING, Photo.Status.LABELLING))
    counts = library.aggregate(
        total=Count("pk"),
        waiting=Count("pk", filter=waiting),
        # Any one: what keeps many photos waiting (a spent budget, a storage that is away) keeps all of them.
        reason=Max("failure_reason", filter=Q(status=Photo.Status.PENDING)),
    )
    everything = Selection(everything=True)
    download = everything if selection.is_empty else selection
    return render(
        request,
        "photos.html",
        {
            **context,
            "selection": _selection_context(selection, chosen),
            "selection_fields": download.fields(),
            "download_url": reverse("bundle_create"),
            "library_count": counts["total"],
            # The same number that the tag list and the download itself will say.
            "download": selection.is_empty
            and totals(Overview(request.user, everything), settings.BUNDLE_PART_BYTES),
            "waiting": counts["waiting"],
            "waiting_reason": counts["reason"],
        },
    )


@require_safe
def photo_detail(request, pk):
    photo = _mine(request, pk)
    selection = Selection.from_query(request.GET)
    chosen = _chosen(request.user, selection)
    fields = selection.fields()
    said = {verdict.label_id: verdict for verdict in photo.verdicts.select_related("by")}
    shown = sorted(
        photo.photo_labels.select_related("label", "run", "rule"),
        key=lambda row: (row.label.is_fact, -row.confidence, row.label.key),
    )
    return render(
        request,
        "photo.html",
        {
            "nav": "photos",
            "photo": photo,
            "image_url": reverse("photo_rendition", args=[pk]) if photo.rendition else "",
            "labels": [_label_context(row, said) for row in shown if row.status in PhotoLabel.VISIBLE],
            "suggestions": [
                _label_context(row, said) for row in shown if row.status == PhotoLabel.Status.SUGGESTED
            ],
            "kept_back": [
                _label_context(row, said) for row in shown if row.status == PhotoLabel.Status.REVIEW
            ],
            "suppressed": [
                _label_context(row, said)
                for row in shown
                if row.status in (PhotoLabel.Status.HIDDEN, PhotoLabel.Status.REJECTED)
            ],
            "answered_by": photo.run and _answer_context(photo.run),
            "label_url": reverse("photo_label", args=[pk]),
            "findings": findings.read_findings(detection.additional_responses(photo)),
            "facts": _facts(photo),
            "previous_url": _neighbour_url(chosen.after(photo.shown_at, pk), fields),
            "next_url": _neighbour_url(chosen.before(photo.shown_at, pk).newest_first(), fields),
            "back_url": f"{reverse('photos')}{'?' + urlencode(fields) if fields else ''}",
            "back_text": selection.words() if fields else "All photos",
            "original_url": reverse("photo_original", args=[pk]),
            "delete_url": reverse("photo_delete", args=[pk]),
            "retry_url": reverse("photo_retry", args=[pk]),
        },
    )


def photo_delete(request, pk):
    photo = _mine(request, pk)
    if request.method == "POST":
        photo.delete()
        messages.success(request, f"{photo.original_name} is deleted.")
        return redirect("photos")
    return render(
        request,
        "photo_delete.html",
        {
            "nav": "photos",
            "photo": photo,
            "thumb_url": reverse("photo_thumbnail", args=[pk]) if photo.thumbnail else "",
            "bundles_affected": BundlePhoto.objects.filter(
                photo=photo, bundle__status__in=Bundle.UNFINISHED
            ).count(),
            "back_url": photo.get_absolute_url(),
        },
    )


@require_POST
def photo_retry(request, pk):
    photo = _mine(request, pk)
    _label_again(Photo.objects.filter(pk=photo.pk))
    messages.success(request, f"{photo.original_name} is being labelled again.")
    return redirect(photo)


@require_POST
def photos_retry(request):
    """Label every failed photo of this person again."""
    again = _label_again(Photo.objects.owned_by(request.user).filter(status=Photo.Status.FAILED))
    messages.success(request, f"{again} photo{'s are' if again != 1 else ' is'} being labelled again.")
    return redirect("labels")


@require_safe
@cache_control(private=True, max_age=86_400)
def photo_thumbnail(request, pk):
    return _picture(request, _mine(request, pk).thumbnail)


@require_safe
@cache_control(private=True, max_age=86_400)
def photo_rendition(request, pk):
    return _picture(request, _mine(request, pk).rendition)


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
    return get_object_or_404(Photo.objects.owned_by(request.user), pk=pk)


def _chosen(user, selection):
    if selection.is_empty:
        return Photo.objects.owned_by(user)
    return selections.photos(user, selection)


def _label_again(photos):
    ids = attempts.label_again(photos)
    for pk in ids:
        queue.label_photo(pk)
    return len(ids)


def _picture(request, file):
    if not file:
        raise Http404("not made yet")
    try:
        return file_responses.picture(request, file, "image/jpeg")
    except FileNotFoundError:
        raise Http404("no longer in storage") from None


def _page(chosen, after):
    """Return a page of photos and the keyset of its last one, empty when there are no more."""
    photos = chosen.newest_first()
    if keyset := _keyset(after):
        photos = photos.before(*keyset)
    page = list(photos[: PAGE + 1])
    last = page[PAGE - 1] if len(page) > PAGE else None
    return page[:PAGE], f"{last.shown_at.timestamp():.6f}-{last.pk}" if last else ""


def _keyset(text):
    moment, _, pk = text.rpartition("-")
    try:
        return datetime.fromtimestamp(float(moment), UTC), int(pk)
    except (ValueError, OverflowError, OSError):
        return None


def _months(chosen, page, selection, after):
    totals = _month_totals(chosen, page)
    keyset = _keyset(after)
    before = keyset and (keyset[0].year, keyset[0].month)
    by_pk = {card["pk"]: card for card in cards(page, selection.fields())}
    months = []
    for month, photos in groupby(page, key=lambda photo: (photo.shown_at.year, photo.shown_at.month)):
        photos = list(photos)
        months.append(
            {
                "name": date_format(photos[0].shown_at, "F Y"),
                "total": totals.get(month),
                "continued": month == before,
                "photos": [by_pk[photo.pk] for photo in photos],
            }
        )
    return months


def _month_totals(chosen, page):
    if not page:
        return {}
    first = page[-1].shown_at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    newest = page[0].shown_at
    end = newest.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    end = end.replace(year=end.year + end.month // 12, month=end.month % 12 + 1)
    rows = (
        chosen.filter(shown_at__gte=first, shown_at__lt=end)
        .annotate(month=TruncMonth("shown_at", tzinfo=UTC))
        .values("month")
        .annotate(n=Count("pk"))
        .values_list("month", "n")
    )
    return {(month.year, month.month): n for month, n in rows}


def _selection_context(selection, chosen):
    if selection.is_empty:
        return {"is_empty": True, "chips": [], "match_text": "", "count": 0, "labels_url": reverse("labels")}
    chips = [_chip(selection, name, name, "include") for name in selection.included]
    chips += [_chip(selection, name, f"not {name}", "exclude") for name in selection.none]
    if selection.state:
        text = Selection(state=selection.state).words()
        rest = replace(selection, state="")
        chips.append({"text": text, "kind": "state", "remove_url": _list_url(rest)})
    return {
        "is_empty": False,
        "chips": chips,
        "match_text": "all of" if selection.all else "any of",
        "count": chosen.count(),
        "labels_url": f"{reverse('labels')}?{urlencode(selection.fields())}",
        "relabel_url": f"{reverse('relabel')}?{urlencode(selection.fields())}",
    }


def _chip(selection, name, text, kind):
    return {"text": text, "kind": kind, "remove_url": _list_url(selection.without(name))}


def _list_url(selection):
    query = urlencode(selection.fields())
    return f"{reverse('photos')}{'?' + query if query else ''}"


def _label_context(row, said):
    verdict = said.get(row.label_id)
    return {
        "name": row.label.name,
        "confidence": row.confidence,
        "url": f"{reverse('photos')}?{urlencode([('label', row.label.name)])}",
        "why": _why(row, verdict),
        "when": verdict.at if verdict else None,
        "is_confirmed": row.status == PhotoLabel.Status.CONFIRMED,
    }


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


def _answer_context(run):
    region = run.answer.get("ResponseMetadata", {}).get("Region", "")
    return {"detector": f"{run.detector} {run.version}", "region": region, "at": run.created_at}


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


def _neighbour_url(photos, fields):
    photo = photos.first()
    return f"{photo.get_absolute_url()}{'?' + urlencode(fields) if fields else ''}" if photo else ""
