"""A code from a phone beside the password: who needs one now, and the devices that make it."""

from django.conf import settings
from django.contrib.auth.signals import user_logged_in
from django.db import transaction
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.deprecation import MiddlewareMixin
from django_otp import verify_token
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

RECOVERY_CODES = 10
# In the session: the password was right, and the code is yet to come.
_DUE = "second_factor_due"
_OPEN = {"logout", "second_factor", "second_factor_start", "second_factor_confirm", "second_factor_verify"}


class SecondFactorMiddleware(MiddlewareMixin):
    """Show nothing but the page for the code until it was typed, in the admin as anywhere else."""

    def process_view(self, request, view_func, view_args, view_kwargs):
        if not getattr(view_func, "login_required", True) or request.resolver_match.url_name in _OPEN:
            return None
        if not is_due(request):
            return None
        has_device = device_of(request.user) is not None
        if not has_device and not is_required(request.user):
            # Somebody has just removed it, because the phone is lost.
            del request.session[_DUE]
            return None
        where = "second_factor_verify" if has_device else "second_factor"
        follow = {"next": request.get_full_path()} if request.method == "GET" else {}
        return redirect(reverse(where, query=follow))


def is_due(request):
    user = request.user
    if not user.is_authenticated or user.is_verified():
        return False
    return bool(request.session.get(_DUE)) or is_required(user)


def is_required(user):
    return settings.STAFF_SECOND_FACTOR and user.is_staff


def device_of(user):
    return TOTPDevice.objects.filter(user=user, confirmed=True).first()


def done(request):
    """Let the session in, under a new key."""
    request.session.pop(_DUE, None)
    request.session.cycle_key()


def verify(user, code):
    """Return the device whose code this is, None when it is nobody's or too many were wrong."""
    code = code.replace(" ", "").casefold()
    kind = TOTPDevice if code.isdecimal() else StaticDevice
    device = kind.objects.filter(user=user, confirmed=True).first()
    return device and verify_token(user, device.persistent_id, code)


def seconds_to_wait(user):
    """Return how long wrong codes make the next one wait."""
    waits = [0]
    for device in (*TOTPDevice.objects.filter(user=user), *StaticDevice.objects.filter(user=user)):
        allowed, why = device.verify_is_allowed()
        if not allowed:
            waits.append((why["locked_until"] - timezone.now()).total_seconds())
    return round(max(waits)) + 1 if max(waits) else 0


@transaction.atomic
def begin(user):
    """Return a new device that is confirmed by its first code; the one in use stays until then."""
    TOTPDevice.objects.filter(user=user, confirmed=False).delete()
    return TOTPDevice.objects.create(user=user, name="Phone", confirmed=False)


@transaction.atomic
def confirm(user, code):
    """Put the new device in place of others when the code is its; return it, or None."""
    device = TOTPDevice.objects.select_for_update().filter(user=user, confirmed=False).first()
    if device is None or not device.verify_token(code.replace(" ", "")):
        return None
    TOTPDevice.objects.filter(user=user).exclude(pk=device.pk).delete()
    device.confirmed = True
    device.save(update_fields=["confirmed"])
    return device


@transaction.atomic
def new_recovery_codes(user):
    """Return ten codes that are good once each, in place of those before; they cannot be shown again."""
    StaticDevice.objects.filter(user=user).delete()
    device = StaticDevice.objects.create(user=user, name="Recovery codes")
    codes = [StaticToken.random_token() for _ in range(RECOVERY_CODES)]
    StaticToken.objects.bulk_create(StaticToken(device=device, token=code) for code in codes)
    return codes


def recovery_codes_left(user):
    return StaticToken.objects.filter(device__user=user).count()


@transaction.atomic
def turn_off(user):
    TOTPDevice.objects.filter(user=user).delete()
    StaticDevice.objects.filter(user=user).delete()


def _note_due(sender, request, user, **kwargs):
    if device_of(user):
        request.session[_DUE] = True


user_logged_in.connect(_note_due, dispatch_uid="second_factor_due")
