"""Text people who want it how their download ended."""

from django.conf import settings

from labels.models import Phone
from labels.notices import limits
from labels.notices.mail import subject
from labels.notices.sns import BadNumber, send_sms
from labels.text.phone_numbers import masked
from photomgr.outbox import PermanentFailure, TemporaryFailure


def target(owner):
    """Return the owner's phone number in part, or None when they want no SMS."""
    phone = _wanted(owner) if settings.SMS_REGION else None
    return phone and masked(phone.number)


def send(delivery):
    """Send an SMS about an outcome to the number its owner has by now."""
    phone = _wanted(delivery.notice.bundle.owner)
    if phone is None or not settings.SMS_REGION:
        raise PermanentFailure("Texts were turned off before this one was sent.")
    try:
        day = limits.count_sms(phone.owner)
    except limits.DailyLimitReached as reason:
        # Tomorrow it would be no news.
        raise PermanentFailure(str(reason)) from reason
    try:
        sent = send_sms(phone.number, text(delivery.notice))
    except (BadNumber, TemporaryFailure) as error:
        limits.uncount_sms(phone.owner, day)
        if isinstance(error, BadNumber):
            # Unless it was changed meanwhile: the next SMS would fare no better.
            Phone.objects.filter(pk=phone.pk, number=phone.number).update(wanted=False, trouble=str(error))
        raise
    return {**sent, "target": masked(phone.number)}


def text(notice):
    """Return the text: one SMS, and a link that a phone makes one of."""
    return f"photomgr: {subject(notice)}. {settings.SITE_URL}{notice.bundle.get_absolute_url()}"


def _wanted(owner):
    return Phone.objects.filter(owner=owner, wanted=True).select_related("owner").first()
