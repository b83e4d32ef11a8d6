"""Send SMS by Amazon SNS: to people who want it, how their download ended."""

from django.conf import settings

from labels.models import Phone
from labels.notices import limits
from labels.notices.mail import subject
from labels.text.phone_numbers import masked
from photomgr import sns
from photomgr.outbox import OutcomeUnknown, PermanentFailure, TemporaryFailure

# With an SMS the only parameter that can be wrong is the number.
_WRONG_NUMBER = {"InvalidParameter", "InvalidParameterValue", "ParameterValueInvalid"}


class BadNumber(PermanentFailure):
    """SNS sends nothing to this number; the sentence says why."""


def target(owner):
    """Return the owner's phone number in part, or None when they want no SMS."""
    phone = _wanted(owner) if settings.SMS_REGION else None
    return phone and masked(phone.number)


def send(delivery):
    """Send an SMS about an outcome to the number its owner has by now."""
    phone = _wanted(delivery.notice.bundle.owner)
    if phone is None or not settings.SMS_REGION:
        raise PermanentFailure("Texts were turned off before this one was sent.")
    day = limits.count_sms(phone.owner)
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


def send_sms(number, text):
    """Send an SMS; return the fields of its delivery.

    Raise BadNumber, TemporaryFailure or OutcomeUnknown.
    """
    try:
        # An SMS to a phone that answered STOP is taken by SNS, and goes nowhere.
        if _is_opted_out(number):
            raise BadNumber("This phone answered an earlier text with STOP, so no text may be sent to it.")
        return sns.publish(
            settings.SMS_REGION,
            PhoneNumber=number,
            Message=text,
            # Not "promotional", which may come hours later.
            MessageAttributes={"AWS.SNS.SMS.SMSType": {"DataType": "String", "StringValue": "Transactional"}},
        )
    except TemporaryFailure as error:
        if sns.error_code(error) in _WRONG_NUMBER:
            raise BadNumber("The phone network says that there is no such number for texts.") from error
        # The reason is kept where staff read it, who need not know the number.
        raise TemporaryFailure(str(error).replace(number, masked(number))) from error.__cause__


def _is_opted_out(number):
    try:
        asked = sns.call(settings.SMS_REGION, "check_if_phone_number_is_opted_out", phoneNumber=number)
    except OutcomeUnknown as error:
        # Nothing was sent yet.
        raise TemporaryFailure(str(error)) from error.__cause__
    return asked["isOptedOut"]
