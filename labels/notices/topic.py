"""Notify the installation's SNS topic of how downloads end."""

from django.conf import settings

from labels.models import Notice
from photomgr.sns import publish_to_topic


def send(delivery):
    notice = delivery.notice
    return publish_to_topic(delivery.target, subject(notice), message(notice), outcome=notice.outcome)


def subject(notice):
    """Return a line of plain ASCII, as SNS wants it; mails of a subscription have it as their subject."""
    return f"Download {notice.bundle_id}: {notice.get_outcome_display()}"


def message(notice):
    """Return what a program can read: no name of a photo, which every subscriber would get."""
    bundle = notice.bundle
    return {
        "bundle": bundle.pk,
        "owner": bundle.owner.get_username(),
        "outcome": notice.outcome,
        "photos": bundle.photos_done,
        "missing": 0 if notice.outcome == Notice.Outcome.FAILED else bundle.photo_count - bundle.photos_done,
        "bytes": bundle.bytes_done,
        "reason": bundle.failure_reason,
        "link": settings.SITE_URL + bundle.get_absolute_url(),
    }
