"""Sessions that know whose they are, from where and since when: SESSION_ENGINE."""

import re
from datetime import datetime, timedelta
from hashlib import sha256

from django.contrib.auth import SESSION_KEY
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.backends import db
from django.utils import timezone

from photomgr.accounts.models import Session
from photomgr.accounts.proxies import client_address

SIGNED_IN = "signed_in"
_SEEN_EVERY = timedelta(minutes=5)
_BROWSERS = {"Edg": "Edge", "OPR": "Opera", "Firefox|FxiOS": "Firefox", "Chrome|CriOS": "Chrome"}
_BROWSERS |= {"Safari": "Safari", "curl": "curl"}
_SYSTEMS = {"iPhone": "iPhone", "iPad": "iPad", "Android": "Android", "Windows": "Windows", "Mac OS": "a Mac"}
_SYSTEMS |= {"Linux": "Linux"}


class SessionStore(db.SessionStore):
    seen_at = None

    @classmethod
    def get_model_class(cls):
        return Session

    def create_model_instance(self, data):
        row = super().create_model_instance(data)
        row.owner_id = data.get(SESSION_KEY)
        row.seen_at = self.seen_at or timezone.now()
        if known := data.get(SIGNED_IN):
            row.signed_in_at = datetime.fromisoformat(known["at"])
            row.address, row.device = known["address"], known["device"]
        return row

    def _get_session_from_db(self):
        row = super()._get_session_from_db()
        self.seen_at = row and row.seen_at
        return row


class SeenMiddleware:
    """Note every few minutes that a session is in use, and from where."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        seen_at, now = request.session.seen_at, timezone.now()
        if seen_at and not timedelta() <= now - seen_at < _SEEN_EVERY:
            fields = {"seen_at": now, "address": client_address(request)}
            Session.objects.filter(pk=request.session.session_key).update(**fields)
        return response


def note_sign_in(sender, request, **kwargs):
    request.session[SIGNED_IN] = {
        "at": timezone.now().isoformat(),
        "address": client_address(request),
        "device": request.META.get("HTTP_USER_AGENT", "")[:200].replace("\0", ""),
    }


user_logged_in.connect(note_sign_in, dispatch_uid="note_sign_in")


def handle(key):
    """Return what names a session on a page. Whoever has its key is signed in."""
    return sha256(key.encode()).hexdigest()[:16]


def active(owner):
    """Return the sessions of an account that are not over, the one used last first."""
    return Session.objects.filter(owner=owner, expire_date__gt=timezone.now()).order_by("-seen_at", "pk")


def end_all(owner, but=None):
    """Sign the account out everywhere, but for the session with this key; return how many there were."""
    rows = Session.objects.filter(owner=owner)
    return (rows.exclude(pk=but) if but else rows).delete()[0]


def device_in_words(agent):
    """Return "Firefox on Linux" of a User-Agent."""
    browser, system = _first(_BROWSERS, agent), _first(_SYSTEMS, agent)
    return " on ".join(word for word in (browser, system) if word) or "Unknown device"


def _first(words, agent):
    return next((word for pattern, word in words.items() if re.search(pattern, agent)), "")
