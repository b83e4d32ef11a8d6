"""Tell people how their download ended, by mail, at most once per outcome."""

import smtplib

from anymail.exceptions import AnymailError
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.parsers import ResponseParserError
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.text import Truncator

from labels.models import Notice
from labels.selection.predicate import Selection

# A mail is no place for a thousand names; the page and the manifest have them all.
_MISSING_SHOWN = 20
# Beyond that a list of mails cuts the subject itself.
_WORDS_SHOWN = 60
# The request went out and no whole answer came: Amazon SES may have taken the mail.
_UNKNOWN = (HTTPClientError, ResponseParserError, KeyError, TypeError)


def send(notice):
    """Send the held notice's mail: the claim recorded the intent before, the outcome is recorded after."""
    owner = notice.bundle.owner
    if not owner.email:
        notice.end(Notice.Status.FAILED, failure_reason=f"{owner} has no mail address.")
        return
    mail = compose(notice)
    try:
        mail.send()
    except (smtplib.SMTPException, AnymailError, BotoCoreError, ClientError, OSError) as error:
        cause = _cause(error)
        if isinstance(cause, _UNKNOWN):
            reason = f"SES gave no answer, the mail may or may not have gone out ({type(cause).__name__})."
            notice.end(Notice.Status.FAILED, failure_reason=reason)
        else:
            notice.postpone(f"{type(cause).__name__}: {cause}"[:500])
        return
    notice.end(
        Notice.Status.SENT,
        mail_to=owner.email,
        mail_path=getattr(mail, "path", ""),
        sent_at=timezone.now(),
        failure_reason="",
    )


def _cause(error):
    """Return what anymail, which says everything twice, was told; of others the error itself."""
    if not isinstance(error, AnymailError):
        return error
    return error.__cause__ or error.__context__ or error


def subject(notice):
    """Return what happened, in a line."""
    bundle = notice.bundle
    if notice.outcome == Notice.Outcome.FAILED:
        return "Your download could not be finished"
    photos = "1 photo is" if bundle.photos_done == 1 else f"{bundle.photos_done:,} photos are"
    if notice.outcome == Notice.Outcome.PARTIAL:
        return f"Your {photos} ready, {bundle.photo_count - bundle.photos_done:,} missing"
    return f"Your {photos} ready"


def headline(notice):
    """Return the subject with what was asked for: somebody may wait for several downloads."""
    words = Selection.from_json(notice.bundle.selection).words()
    return f"{subject(notice)}: {Truncator(words).chars(_WORDS_SHOWN)}"


def compose(notice):
    """Return the mail, in plain text and simple HTML with the same words."""
    bundle = notice.bundle
    missing = list(bundle.photos.exclude(missing_reason="").order_by("position"))
    context = {
        "user": bundle.owner,
        "link": settings.SITE_URL + bundle.get_absolute_url(),
        "words": Selection.from_json(bundle.selection).words(),
        "photos": bundle.photos_done,
        "bytes": bundle.bytes_done,
        "parts": [{"name": part.file_name, "size": part.size} for part in bundle.parts.all()],
        "expires_at": bundle.expires_at,
        "missing": [{"name": p.name, "reason": p.missing_reason} for p in missing[:_MISSING_SHOWN]],
        "missing_more": max(0, len(missing) - _MISSING_SHOWN),
        "reason": bundle.failure_reason,
    }
    name = "bundle_failed" if notice.outcome == Notice.Outcome.FAILED else "bundle_ready"
    mail = EmailMultiAlternatives(
        headline(notice), render_to_string(f"mail/{name}.txt", context), to=[bundle.owner.email]
    )
    mail.attach_alternative(render_to_string(f"mail/{name}.html", context), "text/html")
    return mail
