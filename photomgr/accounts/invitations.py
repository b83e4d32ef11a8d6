"""Mails that invite people to choose the first password of their account."""

from datetime import timedelta

from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

import photomgr.mail
from photomgr.outbox import PermanentFailure


def send(user):
    """Mail the person a link to choose a password; it works once, until PASSWORD_RESET_TIMEOUT has passed.

    Raise PermanentFailure without an address and for an account that may not sign in; TemporaryFailure and
    OutcomeUnknown as photomgr.mail.send does.
    """
    if not user.email:
        raise PermanentFailure(f"{user.get_username()} has no e-mail address.")
    if not user.is_active:
        raise PermanentFailure(f"{user.get_username()} is not active and could not sign in.")
    photomgr.mail.send(_compose(user))


def _compose(user):
    uid = urlsafe_base64_encode(force_bytes(user.pk))
    path = reverse("password_reset_confirm", args=[uid, default_token_generator.make_token(user)])
    context = {
        "user": user,
        "link": settings.SITE_URL + path,
        "days": timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT).days,
    }
    text = render_to_string("mail/invitation.txt", context)
    mail = EmailMultiAlternatives("You are invited to photomgr", text, to=[user.email])
    mail.attach_alternative(render_to_string("mail/invitation.html", context), "text/html")
    return mail
