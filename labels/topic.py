"""Tell the installation's topic how downloads end, at most once each; in labels only this file knows SNS."""

import json

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.parsers import ResponseParserError
from django.conf import settings
from django.utils import timezone

from labels.models import Announcement, Notice
from photomgr import aws

# The request went out and no whole answer came: SNS may have taken it.
_UNKNOWN = (HTTPClientError, ResponseParserError)


def announce(notice):
    """Note that the topic is to be told of an outcome, when there is a topic."""
    if settings.SNS_TOPIC_ARN:
        Announcement.objects.get_or_create(notice=notice, defaults={"topic": settings.SNS_TOPIC_ARN})


def publish(announcement):
    """Tell the topic of a held announcement: the claim recorded the intent, the outcome is recorded after."""
    topic, notice = announcement.topic, announcement.notice
    try:
        answer = aws.client("sns", topic.split(":")[3], once=True).publish(
            TopicArn=topic,
            Subject=subject(notice),
            Message=json.dumps(message(notice), ensure_ascii=False),
            # By which a subscription may choose.
            MessageAttributes={"outcome": {"DataType": "String", "StringValue": notice.outcome}},
        )
    except _UNKNOWN as error:
        reason = f"SNS gave no answer, it may or may not know ({type(error).__name__})."
        announcement.end(Announcement.Status.FAILED, failure_reason=reason)
    except (BotoCoreError, ClientError) as error:
        announcement.postpone(f"{type(error).__name__}: {error}"[:500])
    else:
        announcement.end(
            Announcement.Status.SENT,
            message_id=answer["MessageId"],
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
