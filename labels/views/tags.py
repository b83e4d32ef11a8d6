"""The tag list: labels with counts, ticks, the plan of the download."""

import hashlib
from urllib.parse import parse_qs, urlsplit

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import SimpleLazyObject
from django.views.decorators.http import require_safe

from labels.bundles.totals import totals
from labels.models import Label, LabelAlias, Photo
from labels.selection import predicate as selections
from labels.selection import tree
from labels.selection.predicate import Overview, Selection
from labels.text.names import fold
from labels.views import live
from labels.views.cards import cards, photos_in_words
from labels.views.options import DownloadOptions, about

# A template looks long for what a row does not have, and there are hundreds of rows.
_UNGROUPED = {"depth": 0, "parent": "", "is_parent": False, "heading": ""}
ROWS = 200
PREVIEW = 24
_DEEPEST = 3
# What changes which rows there are, and not only the numbers beside them.
_LIST_FIELDS = ("find", "sort", "show", "group")


@require_safe
def tag_list(request):
    """The whole page, or for htmx only what the ticks, or labels found meanwhile, have changed."""
    return page(request)


def page(request):
    """Answer as `tag_list` does, whatever the method: `request.GET` says what is ticked."""
    is_tick = request.htmx and not request.htmx.history_restore_request and not live.is_poll(request)
    waits = None if is_tick else _live_context(request)
    if live.is_poll(request) and waits["is_waiting"] and not waits["has_changed"]:
        return HttpResponse(status=204)
    overview = Overview(request.user, Selection.from_query(request.GET))
    context = {
        "nav": "labels",
        "live": waits,
        **_rows_context(request, overview),
        **_states_context(overview),
        **_plan_context(overview, DownloadOptions.from_query(request.GET)),
    }
    if live.is_poll(request):
        # Counts change in their places; the rows move only when there are others.
        replaced = request.GET.get("rows") != context["rows_digest"]
        return render(request, "_labels_poll.html", {**context, "replace_rows": replaced})
    if is_tick:
        return render(request, "_labels_live.html", {**context, "replace_rows": _list_changed(request)})
    return render(request, "labels.html", context)


def _live_context(request):
    found = live.live_context(request)
    if found:
        # The form says the rest, as it stands when the page asks.
        found["url"] = reverse("labels", query=found["fields"])
        found["include"] = "#choose, #rows-shown"
    return found


def _rows_context(request, overview):
    selection = overview.selection
    match = selections.ALL if request.GET.get("match") == selections.ALL or selection.all else selections.ANY
    sort = "name" if request.GET.get("sort") == "name" else "count"
    is_grouped = request.GET.get("group") == "parent"
    find = " ".join(request.GET.get("find", "").split())
    rows, nothing_found = _rows(overview, match), False
    if find:
        key = fold(find)
        aliased = set(LabelAlias.objects.filter(key__contains=key).values_list("label_id", flat=True))
        found = {row["id"] for row in rows if key in row["key"] or row["id"] in aliased}
        # What takes part in the selection stays in the form, or looking for another label would lose it.
        rows = [row for row in rows if row["id"] in found or row["ticked"] or row["excluded"]]
        nothing_found = not found
    if sort == "count":
        # By the library's counts: a row must not run away from the person who just ticked it.
        # Facts come after what the photos show: half of a library is blue, and that helps nobody.
        rows.sort(key=lambda row: (row["is_fact"], -row["total"], row["key"]))
    if is_grouped:
        rows = _group(rows, overview.owner)
    if sort == "count":
        _head_facts(rows)
    shown = rows
    if request.GET.get("show") != "all":
        shown = rows[:ROWS] + [row for row in rows[ROWS:] if row["ticked"] or row["excluded"]]
    return {
        "rows": shown,
        "rows_digest": _digest(shown),
        "hidden_rows": len(rows) - len(shown),
        "show_all_url": reverse("labels", query={**dict(request.GET.lists()), "show": "all"}),
        "match": match,
        "sort": sort,
        "is_grouped": is_grouped,
        "find": find,
        "nothing_found": nothing_found,
    }


def _digest(rows):
    """Return what says which rows a page has, in whatever order."""
    return hashlib.sha256(repr(sorted(row["id"] for row in rows)).encode()).hexdigest()[:16]


def _rows(overview, match):
    """Return a row for each label the owner's photos show, by name."""
    remaining = overview.facets(match)
    ticked = {fold(name) for name in overview.selection.included}
    excluded = {fold(name) for name in overview.selection.none}
    rows = [
        {
            "id": label.label_id,
            "key": label.label__key,
            "name": label.label__name,
            "total": label.count,
            "is_fact": label.label__category in Label.FACTS,
            "count": label.count if label.label__key in excluded else remaining.get(label.label_id, 0),
            "ticked": label.label__key in ticked,
            "excluded": label.label__key in excluded,
            **_UNGROUPED,
        }
        for label in overview.labels
    ]
    most = max((row["count"] for row in rows), default=0)
    for row in rows:
        row["bar"] = round(100 * row["count"] / most) if most else 0
    return rows


def _group(rows, owner):
    """Return the rows in the order of a tree, each with its depth in it and the name of its parent."""
    shown = {"from_label__counts__owner": owner, "from_label__counts__count__gt": 0}
    edges = Label.parents.through.objects.filter(**shown).values_list("from_label_id", "to_label_id")
    found = tree.tree(rows, edges)
    parents = {parent["id"] for _, _, parent in found if parent}
    for row, depth, parent in found:
        # Deeper ones would leave a phone no room for the name.
        row["depth"] = min(depth, _DEEPEST)
        row["parent"] = parent["name"] if parent else ""
        row["is_parent"] = row["id"] in parents
    return [row for row, _, _ in found]


def _head_facts(rows):
    first = next((index for index, row in enumerate(rows) if row["is_fact"] and not row["depth"]), 0)
    if first:
        rows[first]["heading"] = "Colours, light and camera"


def _states_context(overview):
    unlabelled, failed = overview.states()
    return {
        "total": len(overview.library),
        "failed": len(failed),
        "unlabelled": len(unlabelled),
    }


def _plan_context(overview, options):
    selection = overview.selection
    plan = totals(overview, options.part_bytes, options.new_only)
    preview = Photo.objects.filter(pk__in=overview.newest(PREVIEW)).newest_first()
    fields = selection.fields()
    return {
        "plan": plan,
        "sentence": photos_in_words(plan.photos),
        "estimate": about(plan.seconds) if plan.photos else "",
        "nothing_matches": not selection.is_empty and not plan.photos,
        "preview": cards(list(preview), fields),
        "relabel_url": reverse("relabel", query=fields),
        "preview_url": reverse("photos", query=fields),
        "selection_fields": [*fields, *options.fields()],
        "options": options,
        # The page shows them, a tick does not change them.
        "saved_selections": SimpleLazyObject(lambda: _saved_selections_of(overview.owner)),
    }


def _list_changed(request):
    try:
        before = parse_qs(urlsplit(request.htmx.current_url or "").query)
    except ValueError:
        return True  # Not the address of one of our pages.
    return any(before.get(name, [""])[0] != request.GET.get(name, "") for name in _LIST_FIELDS)


def _saved_selections_of(owner):
    return [
        _saved_context(saved, Selection.from_json(saved.selection)) for saved in owner.saved_selections.all()
    ]


def _saved_context(saved, selection):
    fields = [*selection.fields(), *DownloadOptions(saved.part_bytes).fields()]
    return {"saved": saved, "words": selection.words(), "url": reverse("labels", query=fields)}
