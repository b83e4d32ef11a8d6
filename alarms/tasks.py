"""What a worker runs by the clock or on request. Any task may be delivered twice."""

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from alarms.apply.carry_out import ask, carry_out, end_interrupted, not_begun  # noqa: F401 (enqueued by this name)
from alarms.doctor.runner import examine_all
from alarms.models import Delivery, Run
from alarms.notices import notify
from alarms.readings import retention
from alarms.tick.evaluate import tick as evaluate
from alarms.tick.publishing import publish  # noqa: F401 (its schedule names it here)
from photomgr.queue import enqueue


def tick():
    """End what was killed, enqueue what was lost, and evaluate the alarms of the local backend."""
    now = timezone.now()
    end_interrupted(Run.objects.all(), now)
    for run_id in not_begun(now):
        _enqueue_run(run_id)
    Delivery.objects.recall(now)
    Delivery.objects.end_interrupted(now)
    Delivery.objects.worn_out(now).give_up()
    if settings.ALARMS_BACKEND == "local":
        evaluate()


def deliver(delivery_id):
    """Send one message about a change of state."""
    if delivery := Delivery.objects.claim(delivery_id):
        notify.send(delivery)


def examine():
    """Have the doctor look at all alarms; what it finds stands on its page."""
    examine_all(timezone.now())


def roll_up():
    retention.roll_up(timezone.now())


def enqueue_apply(alarm_set, user, fingerprint, prune):
    """Have a worker carry out the plan with this fingerprint; return its Run.

    Many changes take minutes at CloudWatch's pace, which no page should wait for.
    """
    run = ask(alarm_set, user, fingerprint, prune)
    transaction.on_commit(lambda: _enqueue_run(run.pk))
    return run


def _enqueue_run(run_id):
    # The cluster for what takes minutes: the other one ends a task after two.
    enqueue("alarms.tasks.carry_out", "bundles", run_id)
