"""Tell the installation's topic how downloads end, at most once each."""

import json

from django.conf import settings
from django.utils import timezone

from labels.models import Announcement, Notice
from labels.notices import sns


def announce(notice):
    """Note that the topic is to be told of an outcome, when there is a topic."""
    if settings.SNS_TOPIC_ARN:
        Announcement.objects.get_or_create(notice=notice, defaults={"topic": settings.SNS_TOPIC_ARN})


def publish(announcement):
    """Tell the topic of a held announcement: the claim recorded the intent, the outcome is recorded after."""
    notice = announcement.notice
    words = json.dumps(message(notice), ensure_ascii=False)
    try:
        message_id = sns.tell(announcement.topic, subject(notice), words, notice.outcome)
    except sns.NoAnswer as error:
        announcement.end(Announcement.Status.FAILED, failure_reason=str(error))
    except sns.NotTaken as error:
        announcement.postpone(str(error))
    else:
        announcement.end(
            Announcement.Status.SENT,
            message_id=message_id,
            sent_at=timezone.now(),
            failure_reason="",
        )


def subject(notice):
    """Return a line of plain ASCII, as SNS wants it; mails of a subscription have it as their subject."""
    return f"Download {notice.bundle_id}: {notice.get_outcome_display()}"


def message(notice):
    """Return what a program can read: no name of a photo, which would be told to every subscriber."""
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
