from django.utils import timezone

from alarms.backends import backend_for
from alarms.management.base import AlarmCommand, find_alarm, who
from alarms.models import Delivery, Run
from alarms.models.state import State
from alarms.notices import notify
from alarms.tasks import deliver


class Command(AlarmCommand):
    help = "Put an alarm into a state until it is evaluated again, to see whether its actions arrive."
    trouble = "Not set: "

    def add_arguments(self, parser):
        parser.add_argument("alarm")
        parser.add_argument("state", choices=State.values)
        parser.add_argument("--reason", default="Tried by hand")

    def run(self, alarm, state, reason, **options):
        row = find_alarm(alarm)
        backend = backend_for(row.alarm_set.region)
        backend.set_state(row.name, state, f"{reason} ({who()})")
        reason = f"{row.name}: {state}. {reason}"
        Run.objects.record(Run.Kind.SET_STATE, row.alarm_set, who=who(), reason=reason)
        document = {"alarm": row.name, "state": state, "backend": backend.name}
        return {**document, "told": _notify(backend, row.name)}, False

    def lines(self, document):
        found = document.pop("told")
        yield from super().lines(document)
        if found is None:
            yield "CloudWatch does what its actions say, unless that was its state already."
        elif not found:
            yield "Nobody was notified: that was its state already, or it has no action for it."
        else:
            yield from (f"{one['arn']}: {one['outcome']} {one['error']}".rstrip() for one in found)


def _notify(backend, name):
    """Notify at once, as CloudWatch does, and return what came of each action; None if it is not ours."""
    if backend.name != "local":
        return None
    new = Delivery.objects.filter(change__region=backend.region, change__alarm_name=name, attempts=0)
    ids = list(new.filter(status=Delivery.Status.PENDING).values_list("pk", flat=True))
    deliveries = Delivery.objects.filter(pk__in=ids).order_by("pk")
    notify.hand_over(deliveries, timezone.now(), deliver)
    return [delivery.as_action() for delivery in deliveries]
