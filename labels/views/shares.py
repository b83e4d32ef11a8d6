"""A download shared by a link: what its owner does, and what somebody without an account sees."""

import functools

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.hashers import check_password
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from labels.bundles import shares
from labels.forms import whole_number
from labels.models import Bundle, Share
from labels.views import file_responses
from photomgr.accounts import rates

_UNLOCKED = "unlocked_shares"
_MOST_UNLOCKED = 50
_TRIES_PER_HOUR = 20
_HOUR = 3600


@require_POST
def bundle_share(request, pk):
    bundle = get_object_or_404(Bundle, owner=request.user, pk=pk)
    try:
        days = whole_number(request.POST.get("days", ""))
        shares.create(bundle, days, request.POST.get("password", ""))
    except shares.NotShared as reason:
        messages.error(request, str(reason))
    else:
        messages.success(request, "Whoever has the link below can download these photos.")
    return redirect(f"{bundle.get_absolute_url()}#sharing")


@require_POST
def bundle_share_revoke(request, pk, share):
    row = get_object_or_404(Share, bundle__owner=request.user, bundle=pk, pk=share)
    if shares.revoke(row):
        messages.success(request, "The link no longer works.")
    return redirect(f"{row.bundle.get_absolute_url()}#sharing")


def owners_context(bundle):
    """Return what the page of a download shows its owner about links."""
    if not settings.SHARING:
        return {"sharing": None}
    rows = Share.objects.usable().filter(bundle=bundle)
    links = [
        {"row": row, "url": settings.SITE_URL + reverse("shared", args=[shares.token(row)])} for row in rows
    ]
    days = [days for days in (1, 7, 30, 90) if days < settings.SHARE_MAX_DAYS]
    return {"sharing": {"links": links, "days": [*days, settings.SHARE_MAX_DAYS]}}


def _shared(view):
    """Give the view the usable Share of its token; say kindly that there is none."""

    @login_not_required
    @never_cache
    @functools.wraps(view)
    def wrapped(request, token, **parameters):
        share = shares.find(token)
        if share is None:
            answer = render(request, "shared_gone.html", status=404)
        elif share.password and share.pk not in request.session.get(_UNLOCKED, []):
            answer = _unlock(request, share)
        else:
            answer = view(request, share, **parameters)
        # Links are for those who were given them.
        answer.headers["X-Robots-Tag"] = "noindex, nofollow"
        answer.headers["Referrer-Policy"] = "no-referrer"
        return answer

    return wrapped


def _unlock(request, share):
    """Ask for the password of a link; remember in the session that it was given."""
    error = ""
    if request.method == "POST":
        if seconds := rates.take("share password", share.pk, _TRIES_PER_HOUR, _HOUR):
            error = f"Too many tries. Try again in {rates.in_words(seconds)}."
        elif check_password(request.POST.get("password", ""), share.password):
            unlocked = [*request.session.get(_UNLOCKED, []), share.pk]
            request.session[_UNLOCKED] = unlocked[-_MOST_UNLOCKED:]
            return redirect("shared", token=shares.token(share))
        else:
            error = "This is not the password. Whoever sent you the link knows it."
    return render(request, "shared_locked.html", {"error": error}, status=403 if error else 200)


@_shared
def shared(request, share):
    if request.method not in ("GET", "HEAD"):
        return redirect("shared", token=shares.token(share))
    if request.method == "GET":
        Share.objects.filter(pk=share.pk).count_use("opened")
    bundle = share.bundle
    context = {
        "share": share,
        "bundle": bundle,
        "owner": bundle.owner.get_full_name() or bundle.owner.get_username(),
        "token": shares.token(share),
        "parts": bundle.parts.all(),
    }
    return render(request, "shared.html", context)


@require_safe
@_shared
def shared_part(request, share, part):
    row = get_object_or_404(share.bundle.parts, number=part)
    answer = file_responses.archive(request, share.bundle, row)
    if answer is None:
        return render(request, "shared_gone.html", status=404)
    if request.method == "GET" and request.headers.get("Range", "bytes=0-").startswith("bytes=0-"):
        Share.objects.filter(pk=share.pk).count_use("downloaded")
    return answer
