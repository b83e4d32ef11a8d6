"""Downloads: request, follow, fetch."""

from collections import defaultdict

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_POST, require_safe

from labels.bundles import lifecycle
from labels.bundles.request import AlreadyRequested, RequestRefused, request_bundle
from labels.forms import whole_number
from labels.models import Bundle, BundlePhoto, Delivery, Notice
from labels.selection.predicate import Selection
from labels.views import file_responses, tags
from labels.views.cards import photos_in_words
from labels.views.options import DownloadOptions, about
from labels.views.shares import owners_context
from labels.workers import queue
from photomgr.accounts import rates

PAGE = 50
_MISSING_SHOWN = 200
# Servers refuse request lines over 4,094 bytes.
_LONGEST_QUERY = 3500
_THUMBNAILS = 4


@require_POST
def bundle_create(request):
    options = DownloadOptions.from_query(request.POST)
    return request_download(request, Selection.from_query(request.POST), options)


def request_download(request, selection, options):
    """Request a download and lead to it, or back to the tag list with the reason why not."""
    try:
        _take_turn(request.user)
        bundle = request_bundle(request.user, selection, options.part_bytes, options.new_only)
    except AlreadyRequested as reason:
        messages.info(request, str(reason))
        return redirect(reason.bundle)
    except RequestRefused as reason:
        messages.error(request, str(reason))
        return _back_to_labels(request, [*selection.fields(), *options.fields()])
    return redirect(bundle)


def _take_turn(owner):
    """Raise RequestRefused when the account has requested as many downloads, with their mails, as it may."""
    limit = settings.BUNDLES_PER_HOUR
    if seconds := rates.take("download", owner.pk, limit, 3600):
        raise RequestRefused(
            f"You requested {limit} downloads within an hour, and that is the most. "
            f"Try again in {rates.in_words(seconds)}."
        )


def _back_to_labels(request, fields):
    if len(urlencode(fields)) <= _LONGEST_QUERY:
        return redirect(reverse("labels", query=fields))
    # Proxies answer 414 to more: the page itself is the answer, with everything still ticked.
    request.GET = QueryDict(urlencode(fields))
    return tags.page(request)


@require_safe
def bundle_list(request):
    mine = Bundle.objects.filter(owner=request.user).order_by("-pk")
    if before := whole_number(request.GET.get("before", "")):
        mine = mine.filter(pk__lt=before)
    page = list(mine.prefetch_related("notices", "parts")[: PAGE + 1])
    thumbnails = _thumbnails(page[:PAGE])
    return render(
        request,
        "bundles.html",
        {
            "nav": "bundles",
            "bundles": [_row(bundle, thumbnails[bundle.pk]) for bundle in page[:PAGE]],
            "next_url": reverse("bundles", query={"before": page[PAGE - 1].pk}) if page[PAGE:] else None,
        },
    )


@require_safe
def bundle_detail(request, pk, template="bundle.html"):
    """The page, or the part of it that changes: htmx fetches that every second until the end."""
    bundle = _mine(request, pk)
    Notice.objects.filter(bundle=bundle, seen_at=None).update(seen_at=timezone.now())
    selection = Selection.from_json(bundle.selection)
    options = DownloadOptions(bundle.part_bytes, bundle.new_only)
    context = {
        "nav": "bundles",
        "bundle": bundle,
        "words": _words(bundle),
        "state_line": _state_line(bundle),
        "parts": bundle.parts.all() if bundle.is_downloadable else [],
        "missing": bundle.photos.exclude(missing_reason="").order_by("position")[:_MISSING_SHOWN],
        "deliveries": {row.channel: row for row in Delivery.objects.filter(notice__bundle=bundle)},
        "again_url": reverse("labels", query=[*selection.fields(), *options.fields()]),
    }
    return render(request, template, {**context, **owners_context(bundle)})


@require_POST
def bundle_cancel(request, pk):
    bundle = _mine(request, pk)
    if lifecycle.cancel(bundle):
        messages.success(request, "The download is cancelled.")
    else:
        messages.info(request, "It had ended already.")
    return redirect(bundle)


@require_POST
def bundle_retry(request, pk):
    bundle = _mine(request, pk)
    try:
        _take_turn(request.user)
        if lifecycle.retry(bundle):
            queue.enqueue_after_commit("build_bundle", bundle.pk)
    except RequestRefused as reason:
        messages.error(request, str(reason))
    return redirect(bundle)


@require_POST
def bundle_keep(request, pk):
    bundle = _mine(request, pk)
    if lifecycle.keep_longer(bundle):
        messages.success(request, f"Kept for another {settings.BUNDLE_KEEP_HOURS} hours.")
    else:
        messages.info(request, "This download is no longer kept. You can build it again.")
    return redirect(bundle)


@require_safe
def bundle_part(request, pk, number):
    """Send one archive. Access is checked here again, and nothing is fetched past its time."""
    bundle = _mine(request, pk)
    part = get_object_or_404(bundle.parts, number=number) if bundle.is_downloadable else None
    if answer := part and file_responses.archive(request, bundle, part):
        return answer
    messages.info(request, "This download is no longer kept. You can ask for it again.")
    return redirect(bundle)


@require_POST
def notice_dismiss(request, pk):
    notice = get_object_or_404(Notice, pk=pk, bundle__owner=request.user)
    Notice.objects.filter(pk=notice.pk).update(seen_at=timezone.now())
    if request.htmx:
        return HttpResponse()
    return redirect("bundles")


def _mine(request, pk):
    return get_object_or_404(Bundle, owner=request.user, pk=pk)


def _thumbnails(bundles):
    """Return {bundle id: its first photos that have a thumbnail}, in one query."""
    rows = BundlePhoto.objects.filter(bundle__in=bundles, position__lt=_THUMBNAILS).exclude(photo=None)
    found = defaultdict(list)
    for row in rows.select_related("photo").order_by("bundle", "position"):
        if row.photo.thumbnail:
            found[row.bundle_id].append(row.photo)
    return found


def _row(bundle, thumbnails):
    return {
        "thumbnails": thumbnails,
        "parts": list(bundle.parts.all()) if bundle.is_downloadable else [],
        "bundle": bundle,
        "words": _words(bundle),
        "bytes": bundle.bytes_done if bundle.finished_at and bundle.bytes_done else bundle.planned_bytes,
        "missing": bundle.photo_count - bundle.photos_done if bundle.status == Bundle.Status.PARTIAL else 0,
        "is_new": any(notice.seen_at is None for notice in bundle.notices.all()),
    }


def _words(bundle):
    words = Selection.from_json(bundle.selection).words()
    return f"{words}; only new ones" if bundle.new_only else words


def _state_line(bundle):
    photos = photos_in_words(bundle.photo_count)
    match bundle.status:
        case Bundle.Status.QUEUED:
            return f"Waiting for its turn — {photos}, {filesizeformat(bundle.planned_bytes)}"
        case Bundle.Status.BUILDING:
            return (
                f"Building — {bundle.photos_done:,} of {photos}, {filesizeformat(bundle.bytes_done)} of "
                f"{filesizeformat(bundle.planned_bytes)}{_time_left(bundle)}"
            )
        case Bundle.Status.READY:
            return f"Ready — {photos}, {filesizeformat(bundle.bytes_done)}"
        case Bundle.Status.PARTIAL:
            return (
                f"Ready, but {bundle.photo_count - bundle.photos_done:,} of {photos} could not be read — "
                f"{filesizeformat(bundle.bytes_done)}"
            )
        case Bundle.Status.FAILED:
            return "This download could not be finished"
        case Bundle.Status.CANCELLED:
            return "Cancelled"
    return f"Expired — downloads are kept for {settings.BUNDLE_KEEP_HOURS} hours"


def _time_left(bundle):
    if not bundle.bytes_done or not bundle.started_at:
        return ""
    spent = (timezone.now() - bundle.started_at).total_seconds()
    speed = bundle.bytes_done / max(spent, 0.001)
    left = max(1, round((bundle.planned_bytes - bundle.bytes_done) / speed))
    return f", {filesizeformat(speed)} a second, {about(left)} left"
