"""The line on top of a page while photos wait for labels; the page asks for it every two seconds.

The answer brings along whatever else of the page has changed, as pieces that find their own place.
"""

from datetime import UTC, datetime, timedelta

from django.db.models import Count, Min
from django.utils import timezone

from labels.models import LibraryVersion, Photo
from labels.views.options import about

# Long enough for a steady rate, short enough to follow a worker that stops.
_RATE_WINDOW = timedelta(seconds=30)
_FIELDS = ("since", "seen", "shown", "card", "more")


def is_poll(request):
    return bool(request.htmx) and request.htmx.target == "live"


def live_context(request, *, is_whole=True):
    """Return what _live.html shows; None when nothing waits and the page does not poll.

    `is_whole` is False where the browser has more waiting photos on the page than it asked about.
    """
    mine = Photo.objects.filter(owner=request.user)
    states = mine.filter(status__in=(*Photo.UNFINISHED, Photo.FAILED)).values_list("status")
    states = dict(states.annotate(n=Count("*")).order_by())
    waiting = sum(states.get(status, 0) for status in Photo.UNFINISHED)
    if not waiting and not is_poll(request):
        return None
    now = timezone.now()
    since = _since(request) or _oldest(mine, now)
    done = mine.filter(labelled_at__gte=since).count()
    seconds = _seconds_left(mine, waiting, min(_RATE_WINDOW, now - since), now)
    seen = f"{_version(request.user)}-{waiting}-{states.get(Photo.FAILED, 0)}"
    return {
        "is_on": bool(waiting) or not is_whole,
        "is_waiting": bool(waiting),
        "done": done,
        "total": done + waiting,
        "about": about(seconds) if seconds else "",
        "reason": "" if seconds or not waiting else _reason(mine),
        "failed": states.get(Photo.FAILED, 0),
        "fields": [("since", f"{since.timestamp():.3f}"), ("seen", seen)],
        "has_changed": seen != request.GET.get("seen"),
    }


def page_fields(request):
    """Return the query of the page that polls, without what only the poll says."""
    return [(name, value) for name, values in request.GET.lists() for value in values if name not in _FIELDS]


def _since(request):
    """Return when the page began to follow the labelling, as its own polls say."""
    try:
        return datetime.fromtimestamp(float(request.GET.get("since", "")), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _oldest(mine, now):
    # The one that waits longest has not been tried since the others were labelled.
    oldest = mine.filter(status__in=Photo.UNFINISHED).aggregate(at=Min("next_attempt_at"))["at"]
    return min(oldest or now, now)


def _seconds_left(mine, waiting, window, now):
    """Return when all are labelled at the rate of the last moments, in seconds; None when nothing moves."""
    recent = mine.filter(labelled_at__gte=now - window).count()
    return max(1, waiting * window.total_seconds() / recent) if recent and waiting else None


def _reason(mine):
    """Return why a photo waits longer; what keeps many (a spent budget, a storage away) keeps all of them."""
    waiting = mine.filter(status=Photo.WAITING).exclude(failure_reason="")
    return waiting.values_list("failure_reason", flat=True).first() or ""


def _version(user):
    return LibraryVersion.objects.filter(owner=user).values_list("number", flat=True).first() or ""
