"""The library, newest first."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import groupby

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.formats import date_format
from django.views.decorators.http import require_POST, require_safe

from labels.bundles.totals import totals
from labels.models import Photo
from labels.selection.predicate import Overview, Selection
from labels.views import live
from labels.views.cards import card_state, cards
from labels.views.relabelling import retry_failed

PAGE = 60
# What photos.js asks about at once.
_MOST_CARDS = 60
_ID_DIGITS = 19


@require_safe
def photo_list(request):
    """The grid, newest first, of the whole library or of a selection."""
    selection = Selection.from_query(request.GET)
    overview = chosen_photos(request.user, selection)
    if live.is_poll(request):
        return _answer_poll(request, overview)
    keyset = _keyset(request.GET.get("after", ""))
    page, last = _page(overview, keyset)
    context = {
        "nav": "photos",
        "months": _months(overview, page, selection, keyset),
        "next_url": reverse("photos", query=[*selection.fields(), ("after", last)]) if last else None,
    }
    if request.htmx:
        return render(request, "_photo_months.html", context)
    return render(
        request,
        "photos.html",
        {
            **context,
            "selection": _selection_context(selection, overview),
            "selection_fields": overview.selection.fields(),
            "library_count": len(overview.library),
            # The same number that the tag list and the download itself will say.
            "download": selection.is_empty and totals(overview, settings.BUNDLE_PART_BYTES),
            "live": _live_context(request, len(overview)),
        },
    )


def _live_context(request, shown, **options):
    """Return what the line on top shows; `shown` is how many photos the page's grid leads to."""
    found = live.live_context(request, **options)
    if found:
        fields = live.page_fields(request)
        found["page_url"] = reverse("photos", query=fields)
        found["url"] = reverse("photos", query=[*fields, *found["fields"], ("shown", shown)])
    return found


def _answer_poll(request, overview):
    """Answer with the line on top, and the cards that are no longer what the page shows."""
    asked = dict(value.split(":", 1) for value in request.GET.getlist("card")[:_MOST_CARDS] if ":" in value)
    ids = [int(pk) for pk in asked if pk.isdecimal() and len(pk) < _ID_DIGITS]
    photos = Photo.objects.filter(owner=request.user, pk__in=ids)
    changed = [photo for photo in photos if card_state(photo) != asked[str(photo.pk)]]
    shown = request.GET.get("shown", "")
    shown = int(shown) if shown.isdecimal() and len(shown) < _ID_DIGITS else 0
    waits = _live_context(request, shown, is_whole="more" not in request.GET)
    if waits["is_waiting"] and not waits["has_changed"] and not changed:
        return HttpResponse(status=204)
    waits["new"] = max(0, len(overview) - shown)
    fields = Selection.from_query(request.GET).fields()
    return render(request, "_photos_poll.html", {"live": waits, "cards": cards(changed, fields)})


@require_POST
def photos_retry(request):
    retry_failed(request, Photo.objects.filter(owner=request.user))
    return redirect("labels")


def chosen_photos(user, selection):
    """Return the Overview of a selection; of all photos when it is empty."""
    return Overview(user, Selection(everything=True) if selection.is_empty else selection)


def _page(overview, keyset):
    """Return a page of photos and the keyset of its last one, empty when there are no more."""
    ids = overview.newest(PAGE + 1, keyset)
    # Read after the library was: one may have been deleted since.
    page = list(Photo.objects.filter(pk__in=ids).newest_first())
    last = page[PAGE - 1] if len(page) > PAGE else None
    return page[:PAGE], f"{last.shown_at.timestamp():.6f}-{last.pk}" if last else ""


def _keyset(text):
    moment, _, pk = text.rpartition("-")
    try:
        return datetime.fromtimestamp(float(moment), UTC), int(pk)
    except (ValueError, OverflowError, OSError):
        return None


def _months(overview, page, selection, keyset):
    by_month = groupby(cards(page, selection.fields()), key=lambda card: _month(card["photo"].shown_at))
    return [
        {
            "name": date_format(month, "F Y"),
            "total": overview.count_between(month, _month(month + timedelta(days=31))),
            "continued": bool(keyset) and month == _month(keyset[0]),
            "photos": list(shown),
        }
        for month, shown in by_month
    ]


def _month(moment):
    return moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _selection_context(selection, overview):
    chips = [_chip(name, "include", selection.without(name)) for name in selection.included]
    chips += [_chip(f"not {name}", "exclude", selection.without(name)) for name in selection.none]
    if selection.state:
        words = Selection(state=selection.state).words()
        chips.append(_chip(words, "state", replace(selection, state="")))
    return {
        "is_empty": selection.is_empty,
        "chips": chips,
        "match_text": "all of" if selection.all else "any of",
        "count": 0 if selection.is_empty else len(overview),
        "labels_url": reverse("labels", query=selection.fields()),
        "relabel_url": reverse("relabel", query=selection.fields()),
    }


def _chip(text, kind, rest):
    return {"text": text, "kind": kind, "remove_url": reverse("photos", query=rest.fields())}
