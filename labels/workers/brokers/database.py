"""The queue in the database. The index it needs is made by a migration of labels."""

import itertools
from time import sleep

from django.utils import timezone
from django_q.brokers.orm import ORM
from django_q.conf import Conf

from labels.workers import lanes


class DatabaseBroker(ORM):
    """django-q2's own, but for the order of the queues."""

    _looks = itertools.count()

    def dequeue(self):
        for queue in lanes.in_order(self.list_key, next(self._looks)):
            if tasks := self._take(queue):
                return tasks
        sleep(Conf.POLL)
        return []

    def _take(self, queue):
        waiting = self.get_connection().filter(key=queue, lock__lt=timezone.now()).order_by("lock")
        # Whoever locks it first has it; who comes second looks again.
        return [
            (task.pk, task.payload)
            for task in waiting[: Conf.BULK]
            if waiting.order_by().filter(pk=task.pk, lock=task.lock).update(lock=self.timeout(task))
        ]
