"""Mail people how their download ended."""

from email.mime.image import MIMEImage

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils.text import Truncator

import photomgr.mail
from labels.models import Notice
from labels.selection.predicate import Selection
from photomgr.outbox import PermanentFailure

# The page and the manifest have all names; a mail of a thousand helps nobody.
_MISSING_SHOWN = 20
_THUMBNAILS = 4


def send(delivery):
    owner = delivery.notice.bundle.owner
    if not delivery.target:
        raise PermanentFailure(f"{owner} has no mail address.")
    return photomgr.mail.send(compose(delivery.notice, delivery.target))


def subject(notice):
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
    # Lists of mails cut longer subjects.
    return f"{subject(notice)}: {Truncator(words).chars(60)}"


def compose(notice, address):
    """Return the mail to `address`: plain text, HTML that says the same, and the first few thumbnails.

    The pictures travel in the mail, so that opening it fetches nothing.
    """
    bundle = notice.bundle
    pictures = [] if notice.outcome == Notice.Outcome.FAILED else _thumbnails(bundle)
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
        "thumbnails": [f"photo{number}" for number in range(len(pictures))],
    }
    name = "bundle_failed" if notice.outcome == Notice.Outcome.FAILED else "bundle_ready"
    mail = EmailMultiAlternatives(
        headline(notice), render_to_string(f"mail/{name}.txt", context), to=[address]
    )
    mail.attach_alternative(render_to_string(f"mail/{name}.html", context), "text/html")
    mail.mixed_subtype = "related"
    for number, picture in enumerate(pictures):
        image = MIMEImage(picture, "jpeg")
        image.add_header("Content-ID", f"<photo{number}>")
        image.add_header("Content-Disposition", "inline", filename=f"photo{number}.jpg")
        mail.attach(image)
    return mail


def _thumbnails(bundle):
    """Return the bytes of the first thumbnails there are; a mail must not wait for a storage."""
    rows = bundle.photos.filter(missing_reason="").exclude(photo=None).select_related("photo")
    found = []
    for row in rows.order_by("position")[:_THUMBNAILS]:
        try:
            if row.photo.thumbnail:
                with row.photo.thumbnail.open() as file:
                    found.append(file.read())
        except OSError:
            continue
    return found
