"""Text people who want it how their download ended, at most once per outcome."""

from django.conf import settings
from django.utils import timezone

from labels.models import Phone, TextMessage
from labels.notices import limits, sns
from labels.notices.mail import subject
from labels.text.phone_numbers import masked

_FAILED = TextMessage.Status.FAILED


def announce(notice):
    """Note that the owner is to be texted of an outcome, when they want that."""
    if settings.SMS_REGION and _wanted(notice).exists():
        TextMessage.objects.get_or_create(notice=notice)


def send(message):
    """Send a held text: the claim recorded the intent before, the outcome is recorded after."""
    phone = _wanted(message.notice).first()
    if phone is None or not settings.SMS_REGION:
        message.end(_FAILED, failure_reason="Texts were turned off before this one was sent.")
        return
    try:
        day = limits.count(phone.owner)
    except limits.TooManyTexts as reason:
        # Tomorrow it would be no news.
        message.end(_FAILED, failure_reason=str(reason))
        return
    _send(message, phone, day)


def words(notice):
    """Return the text: one SMS, and a link that a phone makes one of."""
    return f"photomgr: {subject(notice)}. {settings.SITE_URL}{notice.bundle.get_absolute_url()}"


def _wanted(notice):
    return Phone.objects.filter(owner=notice.bundle.owner_id, wanted=True).select_related("owner")


def _send(message, phone, day):
    to = masked(phone.number)
    try:
        message_id = sns.text(phone.number, words(message.notice))
    except sns.NoAnswer as error:
        message.end(_FAILED, failure_reason=str(error), sent_to=to)
    except sns.BadNumber as error:
        limits.give_back(phone.owner, day)
        # Unless it was changed meanwhile: the next text would fare no better.
        Phone.objects.filter(pk=phone.pk, number=phone.number).update(wanted=False, trouble=str(error))
        message.end(_FAILED, failure_reason=str(error), sent_to=to)
    except sns.NotTaken as error:
        limits.give_back(phone.owner, day)
        message.postpone(str(error))
    else:
        message.end(
            TextMessage.Status.SENT,
            message_id=message_id,
            sent_to=to,
            sent_at=timezone.now(),
            failure_reason="",
        )
