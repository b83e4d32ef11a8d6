"""Amazon SQS as the queue: django-q2's broker on this project's clients.

django-q2's own builds a boto3 session for every task, remembers a queue's length for ever, polls without
pause, and makes a queue that is missing, for which an application should have no rights.
"""

import itertools
from functools import lru_cache

from django.conf import settings
from django_q.brokers import Broker
from django_q.conf import Conf

from labels.workers import lanes
from photomgr import aws

# A stopping cluster waits for the poll it is in, and is killed after 7 s (labels/workers/supervisor.py).
_POLL_SECONDS = 5
# With other queues behind its own: for so long a task in one of those may wait for the poll of the first.
_POLL_SECONDS_OF_SEVERAL = 2
_AT_ONCE = 10


class SqsBroker(Broker):
    """One SQS queue for each of lanes.queues(), named `<prefix>-<queue>` as in QUEUE_URL=sqs://region/prefix."""

    _looks = itertools.count()
    _is_idle = False

    def enqueue(self, task):
        return self._client().send_message(QueueUrl=_url(self.list_key), MessageBody=task)["MessageId"]

    def dequeue(self):
        """Return the first tasks that are found; only an idle cluster waits, at the queue that goes first."""
        own, *behind = lanes.in_order(self.list_key, next(self._looks))
        tasks = self._receive(own, Conf.BULK, self._wait_seconds(behind))
        for queue in behind:
            # As many as there are workers: a request for each photo would be slower than they are.
            tasks = tasks or self._receive(queue, Conf.WORKERS)
        self._is_idle = not tasks
        return tasks

    def delete(self, task_id):
        queue, receipt = task_id
        self._client().delete_message(QueueUrl=_url(queue), ReceiptHandle=receipt)

    acknowledge = fail = delete

    def queue_size(self):
        return self._count("ApproximateNumberOfMessages")

    def lock_size(self):
        return self._count("ApproximateNumberOfMessagesNotVisible")

    def ping(self):
        return self.queue_size() >= 0

    def info(self):
        return "Amazon SQS"

    def _wait_seconds(self, behind):
        if not behind:
            return _POLL_SECONDS
        return _POLL_SECONDS_OF_SEVERAL if self._is_idle else 0

    def _receive(self, queue, count, wait_seconds=0):
        answer = self._client().receive_message(
            QueueUrl=_url(queue),
            MaxNumberOfMessages=min(count, _AT_ONCE),
            VisibilityTimeout=Conf.RETRY,
            WaitTimeSeconds=wait_seconds,
        )
        return [
            ((queue, message["ReceiptHandle"]), message["Body"]) for message in answer.get("Messages", ())
        ]

    def _count(self, name):
        answer = self._client().get_queue_attributes(QueueUrl=_url(self.list_key), AttributeNames=[name])
        return int(answer["Attributes"][name])

    def _client(self):
        return aws.client("sqs", settings.SQS_REGION)


def _url(queue):
    return _queue_url(settings.SQS_REGION, f"{settings.SQS_PREFIX}-{queue}")


@lru_cache
def _queue_url(region, name):
    return aws.client("sqs", region).get_queue_url(QueueName=name)["QueueUrl"]
