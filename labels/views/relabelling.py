"""Labelling photos again, with its price first; and what another threshold of a label would do."""

from django.contrib import messages
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from labels.labelling import attempts, costs
from labels.models import Label, LabelCount, Photo, PhotoLabel
from labels.rules import versions
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
    answered = mine.filter(run__isnull=False).order_by("run__version")
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
            "versions": answered.values_list("run__version", flat=True).distinct(),
            "reasons": reasons.values_list("failure_code", flat=True).distinct(),
            "estimate": costs.estimate(photos),
            "time": _words(costs.expected_seconds(photos)),
        },
    )


@require_safe
def threshold(request):
    """Say which photos would get and lose a label if its threshold were another."""
    name = " ".join(request.GET.get("label", "").split())
    at = _percent(request.GET.get("at", ""), versions.in_force().min_confidence)
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
            "names": _names(request.user),
            "at": at,
            "rule_url": _rule_url(name, at),
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


def _names(user):
    rows = LabelCount.objects.filter(owner=user, count__gt=0).exclude(label__category__in=Label.FACTS)
    return rows.order_by("label__key").values_list("label__name", flat=True)


def _rule_url(name, at):
    """Return the form of a new rule that makes this threshold hold, filled in."""
    at = f"{at:.1f}".removesuffix(".0")
    query = {"name": f"{name} from {at} %", "patterns": name, "action": "accept", "min_confidence": at}
    return reverse("admin:labels_labelrule_add", query=query)


def _cards(rows):
    rows = list(rows.select_related("photo")[:_MARGIN])
    found = cards([row.photo for row in rows])
    return [{**card, "confidence": row.confidence} for card, row in zip(found, rows, strict=True)]


def _percent(text, default):
    try:
        value = float(text)
    except ValueError:
        return default
    return min(100.0, max(0.0, value)) if value == value else default
