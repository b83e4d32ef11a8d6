"""A person's own account: the password, and where they are signed in."""

from django.contrib import messages
from django.contrib.auth import logout
from django.http import Http404
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from photomgr.accounts import second_factor, sessions


@require_safe
def account(request):
    here = request.session.session_key
    rows = [
        {
            "handle": sessions.handle(row.pk),
            "device": sessions.device_in_words(row.device),
            "address": row.address,
            "signed_in_at": row.signed_in_at,
            "seen_at": row.seen_at,
            "is_this": row.pk == here,
        }
        for row in sessions.active(request.user)
    ]
    rows.sort(key=lambda row: not row["is_this"])
    has_second_factor = second_factor.device_of(request.user) is not None
    context = {"nav": "account", "sessions": rows, "has_second_factor": has_second_factor}
    return render(request, "account.html", context)


@require_POST
def account_session_end(request, handle):
    """Sign one of the person's own sessions out."""
    row = next((row for row in sessions.active(request.user) if sessions.handle(row.pk) == handle), None)
    if row is None:
        raise Http404
    if row.pk == request.session.session_key:
        logout(request)
        return redirect("login")
    row.delete()
    messages.success(request, f"{sessions.device_in_words(row.device)} is signed out.")
    return redirect("account")


@require_POST
def account_sessions_end(request):
    """Sign the person out everywhere else, or with `here` everywhere."""
    if request.POST.get("here") == "1":
        sessions.end_all(request.user)
        logout(request)
        return redirect("login")
    ended = sessions.end_all(request.user, but=request.session.session_key)
    messages.success(request, f"Signed out on {ended} other device{'s' if ended != 1 else ''}.")
    return redirect("account")
