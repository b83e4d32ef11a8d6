"""Messages by Amazon SNS: the call that sends one, and what its errors mean."""

import json

from photomgr import aws
from photomgr.outbox import OutcomeUnknown, TemporaryFailure


def publish_to_topic(topic, subject, message, **attributes):
    """Publish `message` as JSON; return the fields of its delivery.

    A subscription may choose by `attributes`. Raise TemporaryFailure or OutcomeUnknown.
    """
    return publish(
        region_of(topic),
        TopicArn=topic,
        Subject=subject,
        Message=json.dumps(message, ensure_ascii=False),
        MessageAttributes={
            name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
        },
    )


def publish(region, **parameters):
    """Call Publish, once; return the fields of its delivery. Raise TemporaryFailure or OutcomeUnknown."""
    return {"message_id": call(region, "publish", **parameters)["MessageId"]}


def call(region, operation, **parameters):
    # Imported when a message is sent: no other command needs them.
    from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
    from botocore.parsers import ResponseParserError

    try:
        return getattr(aws.client("sns", region, once=True), operation)(**parameters)
    except (HTTPClientError, ResponseParserError) as error:
        raise OutcomeUnknown(
            f"SNS gave no answer, it may or may not know ({type(error).__name__})."
        ) from error
    except (BotoCoreError, ClientError) as error:
        raise TemporaryFailure(f"{type(error).__name__}: {error}"[:500]) from error


def region_of(topic):
    return topic.split(":")[3]


def error_code(failure):
    """Return SNS's code of what a TemporaryFailure was raised from; "" if that was no answer of SNS's."""
    return (getattr(failure.__cause__, "response", None) or {}).get("Error", {}).get("Code", "")
