"""django-q2's brokers, each taking from all queues of a cluster in the order of `labels.workers.lanes`."""
