"""What Amazon SNS knows of the topics that alarms notify."""

from alarms.cloudwatch import arns
from photomgr import aws
from photomgr.sns import region_of


def confirmed(topics):
    """Return {ARN: confirmed subscriptions, None = no such topic}, without those we may not ask about."""
    from botocore.exceptions import BotoCoreError, ClientError

    found = {}
    for topic in topics:
        if arns.kind(topic) != "sns":
            continue
        try:
            answer = aws.client("sns", region_of(topic)).get_topic_attributes(TopicArn=topic)
            found[topic] = int(answer["Attributes"]["SubscriptionsConfirmed"])
        except ClientError as error:
            # Not allowed to ask is no finding: only an answer is one.
            if error.response["Error"]["Code"] in ("NotFound", "NotFoundException"):
                found[topic] = None
        except BotoCoreError:
            return found
    return found
