"""The outbox of notices: which messages an outcome takes, and by which channel each is sent."""

from django.conf import settings

from labels.models import Delivery
from labels.notices import mail, sms, topic

_SENDERS = {
    Delivery.Channel.MAIL: mail.send,
    Delivery.Channel.TOPIC: topic.send,
    Delivery.Channel.SMS: sms.send,
}


def create(notice):
    """Return the deliveries of a new notice: one to its owner's address, to the topic and to their phone."""
    owner = notice.bundle.owner
    targets = {
        # Without an address it fails, and the page of the download says so.
        Delivery.Channel.MAIL: owner.email,
        Delivery.Channel.TOPIC: settings.SNS_TOPIC_ARN or None,
        Delivery.Channel.SMS: sms.target(owner),
    }
    return [
        notice.deliveries.create(channel=channel, target=target)
        for channel, target in targets.items()
        if target is not None
    ]


def send(delivery):
    delivery.deliver(_SENDERS[delivery.channel])
