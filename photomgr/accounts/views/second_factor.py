"""Set up a second factor, type its code when signing in, and keep its recovery codes."""

from base64 import b32encode
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import AnonymousUser
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_otp import login
from django_otp.plugins.otp_totp.models import TOTPDevice

from photomgr.accounts import rates, second_factor, sessions

# The bar and the notices of a page for somebody whose code is still to come.
_NOT_YET = {"user": AnonymousUser(), "frame": {}}


@require_safe
def page(request):
    """Say whether it is on; while it is being set up, show the picture for the phone."""
    if second_factor.device_of(request.user) and second_factor.is_due(request):
        return redirect("second_factor_verify")
    return _page(request)


def _page(request, trouble="", status=200):
    user = request.user
    new = TOTPDevice.objects.filter(user=user, confirmed=False).first()
    context = {
        "nav": "account",
        "is_on": second_factor.device_of(user) is not None,
        "is_required": second_factor.is_required(user),
        "left": second_factor.recovery_codes_left(user),
        "picture": new and _picture(new),
        "key": new and _spaced(new),
        "trouble": trouble,
    }
    if second_factor.is_due(request):
        context |= _NOT_YET
    return render(request, "second_factor.html", context, status=status)


def _picture(device):
    # Every manage.py command imports the pages; pictures are for this one alone.
    import segno

    return segno.make(device.config_url, micro=False).svg_data_uri(scale=5, light="white", dark="black")


def _spaced(device):
    key = b32encode(device.bin_key).decode()
    return " ".join(key[place : place + 4] for place in range(0, len(key), 4))


@require_POST
def start(request):
    if second_factor.device_of(request.user) and second_factor.is_due(request):
        return redirect("second_factor_verify")
    second_factor.begin(request.user)
    return redirect("second_factor")


@sensitive_post_parameters("code")
@require_POST
def confirm(request):
    """Turn it on when the phone's first code is right, and show the recovery codes once."""
    if second_factor.device_of(request.user) and second_factor.is_due(request):
        return redirect("second_factor_verify")
    device = second_factor.confirm(request.user, request.POST.get("code", ""))
    if device is None:
        return _page(request, f"{_wrong(request.user)} Check that its clock is right.", status=400)
    login(request, device)
    second_factor.done(request)
    # Whoever else has the password, but not the phone, is out.
    sessions.end_all(request.user, but=request.session.session_key)
    return _codes(request)


@require_POST
def codes(request):
    """Show new recovery codes once, in place of those before."""
    if not second_factor.device_of(request.user):
        return redirect("second_factor")
    return _codes(request)


def _codes(request):
    made = second_factor.new_recovery_codes(request.user)
    answer = render(request, "second_factor_codes.html", {"nav": "account", "codes": made})
    answer.headers["Cache-Control"] = "no-store"
    return answer


@sensitive_post_parameters("code")
@require_POST
def off(request):
    """Turn it off, when the code shows that the phone is there."""
    if second_factor.verify(request.user, request.POST.get("code", "")) is None:
        return _page(request, _wrong(request.user), status=400)
    second_factor.turn_off(request.user)
    second_factor.done(request)
    messages.success(request, "The second factor is off. Your password alone signs you in.")
    return redirect("account")


@sensitive_post_parameters("code")
@require_http_methods(["GET", "HEAD", "POST"])
def verify(request):
    """Take the code after the password."""
    follow = request.POST.get("next") or request.GET.get("next", "")
    if not second_factor.device_of(request.user):
        return redirect("second_factor")
    trouble = ""
    if request.method == "POST":
        device = second_factor.verify(request.user, request.POST.get("code", ""))
        if device:
            login(request, device)
            second_factor.done(request)
            return redirect(_safe(follow))
        trouble = _wrong(request.user)
    context = {"next": follow, "trouble": trouble, "site": urlsplit(settings.SITE_URL).hostname, **_NOT_YET}
    return render(request, "second_factor_verify.html", context, status=400 if trouble else 200)


def _wrong(user):
    if seconds := second_factor.seconds_to_wait(user):
        return f"That code is not right. The next one is taken in {rates.in_words(seconds)}."
    return "That code is not right. Type the one your phone shows now."


def _safe(follow):
    is_ours = url_has_allowed_host_and_scheme(follow, allowed_hosts=None)
    return follow if is_ours else "photos"
