"""The library, newest first."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import groupby

from django.conf import settings
from django.contrib import messages
from django.db.models import Count, Max, Q
from django.db.models.functions import TruncMonth
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.formats import date_format
from django.views.decorators.http import require_POST, require_safe

from labels.bundles.totals import totals
from labels.models import Photo
from labels.selection import predicate as selections
from labels.selection.predicate import Overview, Selection
from labels.views.cards import cards
from labels.views.relabelling import label_again

PAGE = 60


@require_safe
def photo_list(request):
    """The grid, newest first, of the whole library or of a selection."""
    selection = Selection.from_query(request.GET)
    chosen = chosen_photos(request.user, selection)
    page, last = _page(chosen, request.GET.get("after", ""))
    next_url = reverse("photos", query=[*selection.fields(), ("after", last)]) if last else None
    context = {
        "nav": "photos",
        "months": _months(chosen, page, selection, request.GET.get("after", "")),
        "next_url": next_url,
    }
    if request.htmx:
        return render(request, "_photo_months.html", context)
    library = Photo.objects.filter(owner=request.user)
    counts = library.aggregate(
        total=Count("pk"),
        waiting=Count("pk", filter=Q(status__in=Photo.UNFINISHED)),
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


@require_POST
def photos_retry(request):
    again = label_again(Photo.objects.filter(owner=request.user, status=Photo.Status.FAILED))
    messages.success(request, f"{again} photo{'s are' if again != 1 else ' is'} being labelled again.")
    return redirect("labels")


def chosen_photos(user, selection):
    if selection.is_empty:
        return Photo.objects.filter(owner=user)
    return selections.photos(user, selection)


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
        chips.append({"text": text, "kind": "state", "remove_url": reverse("photos", query=rest.fields())})
    return {
        "is_empty": False,
        "chips": chips,
        "match_text": "all of" if selection.all else "any of",
        "count": chosen.count(),
        "labels_url": reverse("labels", query=selection.fields()),
        "relabel_url": reverse("relabel", query=selection.fields()),
    }


def _chip(selection, name, text, kind):
    url = reverse("photos", query=selection.without(name).fields())
    return {"text": text, "kind": kind, "remove_url": url}
