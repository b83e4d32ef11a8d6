"""Labels as people decide them: on a photo, on a selection, by name; what was done, and taking it back."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from labels.labelling import decisions
from labels.models import Change, Photo
from labels.selection import predicate
from labels.selection.predicate import Selection
from labels.workers import queue
from photomgr import staff
from photomgr.accounts import audit

PAGE = 50
FOR_EVERYONE = "labels.change_label"
_ACTIONS = {"add": Change.Action.ADD, "confirm": Change.Action.CONFIRM, "remove": Change.Action.REMOVE}


@require_POST
def photo_label(request, pk):
    photo = get_object_or_404(Photo, owner=request.user, pk=pk)
    _judge(request, Photo.objects.filter(pk=photo.pk), photo.original_name)
    return redirect(photo)


@require_POST
def labels_decide(request):
    """Add or remove a label on every photo of a selection, however many they are."""
    chosen = Selection.from_query(request.POST)
    if chosen.is_empty:
        messages.error(request, "Choose photos first; an empty selection holds none.")
        return redirect("labels")
    _judge(request, predicate.photos(request.user, chosen), chosen.words())
    return redirect("changes")


@require_POST
def labels_rename(request):
    """Show a label under another name: for this person, or by staff for everyone."""
    owner = _owner(request)
    try:
        change = decisions.rename(
            owner, request.user, request.POST.get("label", ""), request.POST.get("name", "")
        )
    except decisions.NotDecided as reason:
        messages.error(request, f"Not renamed: {reason}")
    else:
        if owner is None:
            audit.record(request, "renamed a label for everyone", _words(change), count=change.total)
        messages.success(request, f"{change.label} is shown as {change.target} now{carry_out(change)}.")
    return redirect("changes")


@require_safe
def changes(request):
    """What this person did to labels, newest first; for staff also what holds for everyone."""
    owners = (request.user.pk, None) if staff.may(request.user, FOR_EVERYONE) else (request.user.pk,)
    of_these = Q(owner=request.user) | Q(owner=None) if None in owners else Q(owner=request.user)
    rows = Change.objects.filter(of_these).select_related("label", "target", "actor")
    page = Paginator(rows.defer("photos"), PAGE).get_page(request.GET.get("page"))
    standing = Change.objects.filter(undone_at=None).values_list("pk", flat=True)
    last = {standing.filter(owner=owner).first() for owner in owners}
    return render(
        request,
        "changes.html",
        {
            "nav": "labels",
            "page": page,
            "changes": [
                (row, _words(row), row.pk in last and row.status == Change.Status.DONE) for row in page
            ],
            "is_running": any(row.status in (Change.WAITING, Change.WORKING) for row in page),
        },
    )


@require_POST
def changes_undo(request):
    """Undo the last change: of one's own, or by staff of those that hold for everyone."""
    owner = _owner(request)
    try:
        change = decisions.undo(owner)
    except decisions.NotDecided as reason:
        messages.error(request, str(reason))
        return redirect("changes")
    if change is None:
        messages.info(request, "There is nothing to undo.")
    else:
        if owner is None:
            audit.record(request, "undid a change for everyone", _words(change), count=change.total)
        messages.success(request, f"Undone: {_words(change)}{carry_out(change)}.")
    return redirect("changes")


def _owner(request):
    """Return whose labels are meant, None for everyone's."""
    if request.POST.get("everyone") != "1":
        return request.user
    staff.require(request.user, FOR_EVERYONE)
    return None


def _judge(request, photos, words):
    action = _ACTIONS.get(request.POST.get("action"))
    if action is None:
        messages.error(request, "A label can be added, confirmed or removed.")
        return
    try:
        change = decisions.decide(
            request.user, request.user, action, request.POST.get("name", ""), photos, words
        )
    except decisions.NotDecided as reason:
        messages.error(request, f"Nothing was changed: {reason}")
    else:
        messages.success(request, f"{_words(change)}{carry_out(change)}.")


def carry_out(change):
    """Finish a small change while the person waits; leave others to a worker, and say so."""
    if change.total > decisions.CHUNK:
        queue.enqueue_after_commit("apply_change", change.pk)
        return f"; {change.total:,} photos are being brought in line"
    claimed = Change.objects.claim(change.pk)
    if claimed and not decisions.carry_on(claimed):
        queue.enqueue_after_commit("apply_change", change.pk)
    return ""


def _words(change):
    if change.action == Change.Action.RENAME:
        return f"{change.label} shown as {change.target}"
    number = change.total
    where = change.selection if number == 1 else f"{number:,} photos"
    return f"{change.label} {change.get_action_display()} on {where}"
