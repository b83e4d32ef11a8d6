"""The review queue: doubtful labels one by one, or all of one label; and how often labels are right."""

from collections import defaultdict

from django.contrib import messages
from django.db.models import Count, Q
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from labels.evaluation import precision
from labels.forms import whole_number
from labels.labelling import decisions, taxonomy
from labels.models import Change, Label, Photo, PhotoLabel, Verdict
from labels.text.names import fold
from labels.views.cards import alt_text, cards
from labels.views.decisions import carry_out

GRID = 60
_ACTIONS = {"confirm": Change.Action.CONFIRM, "reject": Change.Action.REMOVE}
_SKIPPED = "review_skipped"
_MOST_SKIPPED = 500
# In the session, the latest last: {"row": skipped row} or {"changes": [ids of the Changes of one answer]}.
_ANSWERS = "review_answers"
_MOST_ANSWERS = 100


@require_http_methods(["GET", "HEAD", "POST"])
def review(request):
    """Show the label whose answer is worth most; take an answer, or the last one back, and go on."""
    if request.method == "POST":
        _undo(request) if request.POST.get("answer") == "undo" else _answer(request)
        return redirect("review")
    waiting = _waiting(request.user)
    counts = {row["status"]: row["n"] for row in waiting.values("status").annotate(n=Count("pk")).order_by()}
    row = _next(waiting, request.session.get(_SKIPPED, []))
    return render(
        request,
        "review.html",
        {
            "nav": "labels",
            "item": row,
            "alt": row and alt_text(row.photo, []),
            "held": counts.get("review", 0),
            "suggested": counts.get("suggested", 0),
            "skipped": len(request.session.get(_SKIPPED, [])),
            "can_undo": bool(request.session.get(_ANSWERS)),
            "same": waiting.filter(label=row.label_id).count() if row else 0,
            "grid_url": row and reverse("review_grid", query={"label": row.label.name}),
        },
    )


@require_http_methods(["GET", "HEAD", "POST"])
def review_grid(request):
    """Show the photos that wait for review under one label; those not marked as wrong are confirmed."""
    query = request.POST if request.method == "POST" else request.GET
    label = Label.objects.filter(key=fold(query.get("label", ""))).first()
    rows = _waiting(request.user).filter(label=label).order_by("-confidence", "pk")
    if label is None:
        raise Http404("no such label")
    if request.method == "POST":
        _answer_grid(request, label, rows)
        return redirect(reverse("review_grid", query={"label": label.name}) if rows.exists() else "review")
    shown = list(rows.select_related("photo")[:GRID])
    found = cards([row.photo for row in shown])
    found = [{**card, "confidence": row.confidence} for card, row in zip(found, shown, strict=True)]
    context = {"nav": "labels", "label": label, "cards": found, "count": rows.count()}
    return render(request, "review_grid.html", context)


@require_safe
def review_precision(request):
    """How often each label was right, by how sure the detector was."""
    found = defaultdict(list)
    rows = Verdict.objects.filter(photo__owner=request.user, added=False, confidence__isnull=False)
    for name, confidence, is_there in rows.values_list("label__name", "confidence", "is_there"):
        found[name].append((confidence, is_there))
    tables = [
        {
            "name": name,
            "total": len(said),
            "missing": max(0, precision.ENOUGH - len(said)),
            "threshold": precision.proposed_threshold(said),
            "bands": precision.bands(said),
        }
        for name, said in sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))
    ]
    return render(request, "review_precision.html", {"nav": "labels", "tables": tables})


def _waiting(user):
    rows = PhotoLabel.objects.filter(
        photo__owner=user, status__in=(PhotoLabel.Status.REVIEW, PhotoLabel.Status.SUGGESTED)
    )
    return rows.exclude(label__category__in=Label.FACTS)


def _next(waiting, skipped):
    """Return what is held first: nobody finds it until it is decided. Then the surest suggestion."""
    rows = waiting.exclude(pk__in=skipped).annotate(is_suggested=Q(status=PhotoLabel.Status.SUGGESTED))
    rows = rows.select_related("label", "photo", "run", "rule")
    return rows.order_by("is_suggested", "-confidence", "pk").first()


def _answer(request):
    pk = whole_number(request.POST.get("row", ""))
    row = get_object_or_404(_waiting(request.user).select_related("label"), pk=pk)
    if request.POST.get("answer") == "skip":
        skipped = [*request.session.get(_SKIPPED, []), row.pk]
        request.session[_SKIPPED] = skipped[-_MOST_SKIPPED:]
        _remember(request, {"row": row.pk})
        return
    action = _ACTIONS.get(request.POST.get("answer"))
    if action is None:
        messages.error(request, "An answer is confirm, reject, skip or undo.")
        return
    labels = [row.label]
    if action == Change.Action.REMOVE:
        labels += _waiting_below(request.user, row.label, [row.photo_id])
    changes = [_decide(request, action, label, [row.photo_id]) for label in labels]
    _remember(request, {"changes": [change.pk for change in changes]})


def _answer_grid(request, label, rows):
    """Confirm the shown photos of the grid, but for those that are marked as wrong."""
    shown, wrong = (
        {whole_number(text) for text in request.POST.getlist(name)[:GRID]} for name in ("photo", "wrong")
    )
    waiting = set(rows.filter(photo__in=shown).values_list("photo_id", flat=True))
    changes = []
    if refused := sorted(waiting & wrong):
        below = _waiting_below(request.user, label, refused)
        changes += [_decide(request, Change.Action.REMOVE, one, refused) for one in (label, *below)]
    if confirmed := sorted(waiting - wrong):
        changes.append(_decide(request, Change.Action.CONFIRM, label, confirmed))
    if changes:
        _remember(request, {"changes": [change.pk for change in changes]})
        messages.success(request, f"{label}: {len(confirmed)} confirmed, {len(refused)} removed.")


def _waiting_below(user, label, photo_ids):
    """Return the labels below this one that wait for review on these photos: no animal is no dog either."""
    rows = _waiting(user).filter(photo__in=photo_ids).exclude(label=label).select_related("label")
    found = {row.label_id: row.label for row in rows}
    above = taxonomy.read(found).above
    return [one for pk, one in sorted(found.items()) if label.pk in above.get(pk, ())]


def _decide(request, action, label, photo_ids):
    photos = Photo.objects.filter(owner=request.user, pk__in=photo_ids)
    if action == Change.Action.REMOVE:
        photos = photos.filter(photo_labels__label=label)
    change = decisions.decide(request.user, request.user, action, label.name, photos, "in review")
    carry_out(change)
    return change


def _remember(request, answer):
    request.session[_ANSWERS] = [*request.session.get(_ANSWERS, []), answer][-_MOST_ANSWERS:]


def _undo(request):
    """Undo the last answer given here, unless other labels were changed since."""
    answers = request.session.get(_ANSWERS, [])
    if not answers:
        messages.info(request, "There is nothing to undo.")
        return
    *rest, last = answers
    request.session[_ANSWERS] = rest
    if "row" in last:
        request.session[_SKIPPED] = [pk for pk in request.session.get(_SKIPPED, []) if pk != last["row"]]
        return
    for pk in reversed(last["changes"]):
        newest = Change.objects.filter(owner=request.user, undone_at=None).first()
        if newest is None or newest.pk != pk:
            messages.error(request, "Labels were changed since. Undo that first, in the label history.")
            return
        try:
            carry_out(decisions.undo(request.user))
        except decisions.NotDecided as reason:
            messages.error(request, str(reason))
            return
