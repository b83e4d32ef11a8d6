"""SMS by Amazon SNS: which numbers it sends to, and what its refusals mean."""

from django.conf import settings

from labels.text.phone_numbers import masked
from photomgr import sns
from photomgr.outbox import OutcomeUnknown, PermanentFailure, TemporaryFailure

# With an SMS the only parameter that can be wrong is the number.
_WRONG_NUMBER = {"InvalidParameter", "InvalidParameterValue", "ParameterValueInvalid"}


class BadNumber(PermanentFailure):
    """SNS sends nothing to this number; the sentence says why."""


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
