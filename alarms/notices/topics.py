"""The only file of alarms that knows Amazon SNS."""

from botocore.exceptions import BotoCoreError, ClientError

from alarms.cloudwatch import arns
from photomgr import aws


class TopicError(Exception):
    """A topic that could not be told or asked; the message names why."""


def publish(topic, subject, message):
    try:
        _client(topic).publish(TopicArn=topic, Subject=subject, Message=message)
    except (BotoCoreError, ClientError) as error:
        raise TopicError(f"{type(error).__name__}: {error}"[:500]) from None


def confirmed(topics):
    """Return {ARN: confirmed subscriptions, None = no such topic}, without those we may not ask about."""
    found = {}
    for topic in topics:
        if arns.kind(topic) != "sns":
            continue
        try:
            answer = _client(topic).get_topic_attributes(TopicArn=topic)
            found[topic] = int(answer["Attributes"]["SubscriptionsConfirmed"])
        except ClientError as error:
            # Not allowed to ask is no finding: only an answer is one.
            if error.response["Error"]["Code"] in ("NotFound", "NotFoundException"):
                found[topic] = None
        except BotoCoreError:
            return found
    return found


def _client(topic):
    return aws.client("sns", topic.split(":")[3])
