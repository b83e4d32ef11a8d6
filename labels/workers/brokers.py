"""Amazon SQS as the queue: django-q2's broker on this project's clients.

django-q2's own builds a boto3 session for every task, remembers a queue's length for ever, polls without
pause, and makes a queue that is missing, for which an application should have no rights.
"""

from functools import lru_cache

from django.conf import settings
from django_q.brokers import Broker
from django_q.conf import Conf

from photomgr import aws

# A stopping cluster waits for the poll it is in, and is killed after 7 s (labels/workers/supervisor.py).
_POLL_SECONDS = 5
_AT_ONCE = 10


class SqsBroker(Broker):
    """One queue for each cluster, named `<prefix>-<cluster>` as in QUEUE_URL=sqs://region/prefix."""

    def enqueue(self, task):
        return self._client().send_message(QueueUrl=self._url(), MessageBody=task)["MessageId"]

    def dequeue(self):
        answer = self._client().receive_message(
            QueueUrl=self._url(),
            MaxNumberOfMessages=min(Conf.BULK, _AT_ONCE),
            VisibilityTimeout=Conf.RETRY,
            WaitTimeSeconds=_POLL_SECONDS,
        )
        return [(message["ReceiptHandle"], message["Body"]) for message in answer.get("Messages", ())]

    def delete(self, task_id):
        self._client().delete_message(QueueUrl=self._url(), ReceiptHandle=task_id)

    acknowledge = fail = delete

    def queue_size(self):
        return self._count("ApproximateNumberOfMessages")

    def lock_size(self):
        return self._count("ApproximateNumberOfMessagesNotVisible")

    def ping(self):
        return self.queue_size() >= 0

    def info(self):
        return "Amazon SQS"

    def _count(self, name):
        answer = self._client().get_queue_attributes(QueueUrl=self._url(), AttributeNames=[name])
        return int(answer["Attributes"][name])

    def _client(self):
        return aws.client("sqs", settings.SQS_REGION)

    def _url(self):
        return _queue_url(settings.SQS_REGION, f"{settings.SQS_PREFIX}-{self.list_key}")


@lru_cache
def _queue_url(region, name):
    return aws.client("sqs", region).get_queue_url(QueueName=name)["QueueUrl"]
