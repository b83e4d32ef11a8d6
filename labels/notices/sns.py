"""In labels only this file knows Amazon SNS: its calls, and what their errors mean."""

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.parsers import ResponseParserError
from django.conf import settings

from labels.text.phone_numbers import masked
from photomgr import aws

# With a text the only parameter that can be wrong is the number.
_WRONG_NUMBER = {"InvalidParameter", "InvalidParameterValue", "ParameterValueInvalid"}


class NoAnswer(Exception):
    """The request went out and no whole answer came: SNS may have taken it."""


class NotTaken(Exception):
    """SNS did not take it; another time it may."""


class BadNumber(Exception):
    """SNS sends nothing to this number; the sentence says why."""


def tell(topic, subject, message, outcome):
    """Return SNS's id of a message to a topic, or raise NoAnswer or NotTaken."""
    return _publish(
        topic.split(":")[3],
        TopicArn=topic,
        Subject=subject,
        Message=message,
        # By which a subscription may choose.
        MessageAttributes={"outcome": {"DataType": "String", "StringValue": outcome}},
    )


def text(number, words):
    """Return SNS's id of an SMS, or raise NoAnswer, NotTaken or BadNumber."""
    try:
        # A text to a phone that answered STOP is taken by SNS, and goes nowhere.
        if _is_opted_out(number):
            raise BadNumber("This phone answered an earlier text with STOP, so no text may be sent to it.")
        return _publish(
            settings.SMS_REGION,
            PhoneNumber=number,
            Message=words,
            # Not "promotional", which may come hours later.
            MessageAttributes={"AWS.SNS.SMS.SMSType": {"DataType": "String", "StringValue": "Transactional"}},
        )
    except NotTaken as error:
        if _code(error.__cause__) in _WRONG_NUMBER:
            raise BadNumber("The phone network says that there is no such number for texts.") from error
        # The reason is kept where staff read it, who need not know the number.
        raise NotTaken(str(error).replace(number, masked(number))) from error.__cause__


def _is_opted_out(number):
    try:
        asked = aws.client("sns", settings.SMS_REGION, once=True)
        return asked.check_if_phone_number_is_opted_out(phoneNumber=number)["isOptedOut"]
    except (BotoCoreError, ClientError, ResponseParserError) as error:
        raise NotTaken(_words(error)) from error


def _publish(region, **message):
    try:
        return aws.client("sns", region, once=True).publish(**message)["MessageId"]
    except (HTTPClientError, ResponseParserError) as error:
        raise NoAnswer(f"SNS gave no answer, it may or may not know ({type(error).__name__}).") from error
    except (BotoCoreError, ClientError) as error:
        raise NotTaken(_words(error)) from error


def _words(error):
    return f"{type(error).__name__}: {error}"[:500]


def _code(error):
    # What is no answer of SNS's, but of something in between, may have no code.
    return error.response.get("Error", {}).get("Code", "") if isinstance(error, ClientError) else ""
