"""Links to a download for people without an account.

The token of a link is the row's number and a code of it under SECRET_KEY. So the page can show a link again,
and who reads the database alone cannot open any.
"""

import secrets
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.db.models.functions import Greatest
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from labels.models import Bundle, Share

_SALT = "labels.bundles.shares"


class NotShared(Exception):
    """Why there is no link, in words for the person who asked."""


@transaction.atomic
def create(bundle, days, password=""):
    """Return a new Share; the archives are kept at least as long. Raise NotShared."""
    if not settings.SHARING:
        raise NotShared("Sharing is switched off here.")
    if not 1 <= days <= settings.SHARE_MAX_DAYS:
        raise NotShared(f"A link works for 1 to {settings.SHARE_MAX_DAYS} days.")
    now = timezone.now()
    until = now + timedelta(days=days)
    kept = Bundle.objects.filter(pk=bundle.pk, status__in=Bundle.DOWNLOADABLE, expires_at__gt=now)
    if not kept.update(expires_at=Greatest("expires_at", until)):
        raise NotShared("Only a download that is ready can be shared.")
    return Share.objects.create(
        bundle=bundle,
        nonce=secrets.token_hex(16),
        expires_at=until,
        password=make_password(password) if password else "",
    )


def token(share):
    return f"{share.pk}-{_code(share)}"


def find(token):
    """Return the usable Share with this token, or None."""
    pk, _, code = token.partition("-")
    if not settings.SHARING or not pk.isdecimal() or not pk.isascii() or len(pk) > 18:
        return None
    share = Share.objects.usable().select_related("bundle__owner").filter(pk=int(pk)).first()
    return share if share and constant_time_compare(code, _code(share)) else None


def revoke(share):
    """End a link now; return whether it was not ended before."""
    return bool(Share.objects.filter(pk=share.pk, revoked_at=None).update(revoked_at=timezone.now()))


def _code(share):
    return salted_hmac(_SALT, f"{share.pk}:{share.nonce}", algorithm="sha256").hexdigest()[:40]
