"""What a worker runs by the clock or on request. Any task may be delivered twice."""

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from alarms.apply.carry_out import carry_out, end_interrupted, not_begun  # noqa: F401 (enqueued by name)
from alarms.models import Delivery, MetricOutbox, Run
from alarms.notices import notify
from alarms.readings import retention
from alarms.tick.publishing import publish  # noqa: F401 (its schedule names it here)
from photomgr.queue import enqueue

# The pages import this module, and every manage.py command imports the pages: numpy is for the tasks alone.


def tick():
    """End what was killed, enqueue what was lost, and evaluate the alarms of the local backend."""
    now = timezone.now()
    for model in (Run, MetricOutbox, Delivery):
        model.objects.recall(now)
    end_interrupted(Run.objects.all(), now)
    for run_id in not_begun(now):
        _enqueue_run(run_id)
    Delivery.objects.end_interrupted(now)
    Delivery.objects.worn_out(now).give_up()
    if settings.ALARMS_BACKEND == "local":
        from alarms.tick.evaluate import tick

        tick()


def deliver(delivery_id):
    """Send one message about a change of state."""
    if delivery := Delivery.objects.claim(delivery_id):
        notify.send(delivery)


def run_doctor():
    from alarms.doctor.runner import examine_all

    examine_all(timezone.now())


def roll_up():
    retention.roll_up(timezone.now())


def request_run(alarm_set, user, fingerprint, prune):
    """Have a worker carry out the plan with this fingerprint; return its Run.

    Many changes take minutes at CloudWatch's pace, which no page should wait for.
    """
    run = Run.objects.open(alarm_set, user, fingerprint=fingerprint, prune=prune)
    transaction.on_commit(lambda: _enqueue_run(run.pk))
    return run


def _enqueue_run(run_id):
    # The cluster for what takes minutes: the other one ends a task after two.
    enqueue("alarms.tasks.carry_out", "bundles", run_id)
