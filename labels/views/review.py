"""The review queue: one doubtful label after the other, and what the answers say about the detector."""

from collections import defaultdict

from django.contrib import messages
from django.db.models import Count, Q
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from labels.evaluation import precision
from labels.forms import whole_number
from labels.labelling import decisions
from labels.models import Change, Label, Photo, PhotoLabel, Verdict
from labels.views.cards import alt_text
from labels.views.decisions import carry_out

_ACTIONS = {"confirm": Change.Action.CONFIRM, "reject": Change.Action.REMOVE}
_SKIPPED = "review_skipped"
_MOST_SKIPPED = 500


@require_http_methods(["GET", "HEAD", "POST"])
def review(request):
    """Show the label whose answer is worth most; take an answer and go on."""
    if request.method == "POST":
        _answer(request)
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
            "kept": counts.get("review", 0),
            "suggested": counts.get("suggested", 0),
            "skipped": len(request.session.get(_SKIPPED, [])),
        },
    )


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
    """Return what was kept back first: nobody finds it until it is decided. Then the surest suggestion."""
    rows = waiting.exclude(pk__in=skipped).annotate(is_suggested=Q(status=PhotoLabel.Status.SUGGESTED))
    rows = rows.select_related("label", "photo", "run", "rule")
    return rows.order_by("is_suggested", "-confidence", "pk").first()


def _answer(request):
    pk = whole_number(request.POST.get("row", ""))
    row = get_object_or_404(_waiting(request.user).select_related("label"), pk=pk)
    if request.POST.get("answer") == "skip":
        skipped = [*request.session.get(_SKIPPED, []), row.pk]
        request.session[_SKIPPED] = skipped[-_MOST_SKIPPED:]
        return
    action = _ACTIONS.get(request.POST.get("answer"))
    if action is None:
        messages.error(request, "An answer is confirm, reject or skip.")
        return
    photo = Photo.objects.filter(pk=row.photo_id)
    change = decisions.decide(request.user, request.user, action, row.label.name, photo, "in review")
    carry_out(change)
