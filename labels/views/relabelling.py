"""Labelling photos again, with its price first; and what another limit of a label would do."""

from django.contrib import messages
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from labels.labelling import attempts, costs
from labels.models import Photo, PhotoLabel
from labels.selection import predicate
from labels.selection.predicate import Selection
from labels.text.names import fold
from labels.views.cards import cards, photos_in_words
from labels.views.options import about
from labels.workers import queue

_MARGIN = 12


def label_again(photos):
    """Have these photos labelled again by the workers; return how many there are."""
    ids = attempts.label_again(photos)
    for pk in ids:
        queue.enqueue_after_commit("label_next_photo", pk)
    return len(ids)


def retry_failed(request, photos):
    """Label the failed ones of these photos again, say so, and return how many they are."""
    again = label_again(photos.filter(status=Photo.Status.FAILED))
    messages.success(request, f"{again} photo{'s are' if again != 1 else ' is'} being labelled again.")
    return again


@require_http_methods(["GET", "HEAD", "POST"])
def relabel(request):
    """Say what labelling the photos of a selection again costs; do it on POST."""
    query = request.POST if request.method == "POST" else request.GET
    chosen = Selection.from_query(query)
    mine = Photo.objects.filter(owner=request.user)
    photos = mine if chosen.is_empty else predicate.photos(request.user, chosen)
    version, reason = query.get("version", ""), query.get("reason", "")
    if version:
        photos = photos.filter(run__version=version)
    if reason:
        photos = photos.filter(status=Photo.Status.FAILED, failure_code=reason)
    if request.method == "POST":
        count = label_again(Photo.objects.filter(pk__in=photos.order_by().values("pk")))
        messages.success(request, f"{photos_in_words(count)} will be labelled again.")
        return redirect("labels")
    versions = mine.filter(run__isnull=False).order_by("run__version")
    reasons = mine.filter(status=Photo.Status.FAILED).order_by("failure_code")
    return render(
        request,
        "relabel.html",
        {
            "nav": "labels",
            "words": "all photos" if chosen.is_empty else chosen.words(),
            "fields": chosen.fields(),
            "version": version,
            "reason": reason,
            "versions": versions.values_list("run__version", flat=True).distinct(),
            "reasons": reasons.values_list("failure_code", flat=True).distinct(),
            "estimate": costs.estimate(photos),
            "time": _words(costs.expected_seconds(photos)),
        },
    )


@require_safe
def threshold(request):
    """Say which photos a label would gain and lose if its limit were another."""
    name = " ".join(request.GET.get("label", "").split())
    at = _percent(request.GET.get("at", ""))
    rows = PhotoLabel.objects.filter(
        photo__owner=request.user, label__key=fold(name), source=PhotoLabel.Source.AUTO
    )
    above, below = rows.filter(confidence__gte=at), rows.filter(confidence__lt=at)
    return render(
        request,
        "threshold.html",
        {
            "nav": "labels",
            "name": name,
            "at": at,
            "come": above.filter(status=PhotoLabel.Status.SUGGESTED).count(),
            "go": below.filter(status=PhotoLabel.Status.ACTIVE).count(),
            "stay": above.filter(status=PhotoLabel.Status.ACTIVE).count(),
            "above": _cards(above.order_by("confidence", "pk")),
            "below": _cards(below.order_by("-confidence", "pk")),
        },
    )


def _words(seconds):
    """Return a time to be expected in words; "" for none."""
    if seconds is None:
        return "a time that is known once the first photos are answered"
    return about(seconds) if seconds >= 1 else "about a second" if seconds else ""


def _cards(rows):
    return cards([row.photo for row in rows.select_related("photo")[:_MARGIN]])


def _percent(text):
    try:
        value = float(text)
    except ValueError:
        return 55.0
    return min(100.0, max(0.0, value)) if value == value else 55.0
