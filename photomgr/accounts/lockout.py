"""How django-axes counts wrong passwords, and what somebody who is locked out reads."""

from datetime import timedelta

from axes.helpers import get_client_username
from axes.models import AccessLog
from django.conf import settings
from django.shortcuts import render
from django.utils import timezone

from photomgr.accounts.proxies import client_network

_KNOWN_FOR = timedelta(days=30)


def what_counts(request, credentials=None):
    """Return by what wrong passwords are counted: by account and by address, each alone.

    From an address where the account has signed in lately they are counted by both together: so nobody can
    lock an account's owner out at home by typing wrong passwords elsewhere.
    """
    name, network = get_client_username(request, credentials), client_network(request)
    known = AccessLog.objects.filter(
        username=name, ip_address=network, attempt_time__gt=timezone.now() - _KNOWN_FOR
    )
    if name and known.exists():
        return [["username", "ip_address"]]
    return ["username", "ip_address"]


def locked(request, response=None, credentials=None):
    """Return the page with what to do next, in place of the form."""
    minutes = settings.LOGIN_LOCK_MINUTES
    context = {"limit": settings.LOGIN_FAILURES, "minutes": minutes}
    page = render(request, "registration/locked.html", context, status=429)
    page.headers["Retry-After"] = str(minutes * 60)
    return page
