from django.core.management.base import CommandError
from django.utils import timezone

from alarms.backends import BackendError, backend_for
from alarms.management.sets import find_alarm, who
from alarms.models import Run
from alarms.models.state import StateChange
from alarms.notices import notify
from photomgr.json_command import JsonCommand


class Command(JsonCommand):
    help = "Put an alarm into a state until it is evaluated again, to see whether its actions arrive."

    def add_arguments(self, parser):
        parser.add_argument("alarm")
        parser.add_argument("state", choices=StateChange.State.values)
        parser.add_argument("--reason", default="Tried by hand")

    def run(self, alarm, state, reason, **options):
        row = find_alarm(alarm)
        backend = backend_for(row.alarm_set.region)
        try:
            backend.set_state(row.name, state, f"{reason} ({who()})")
        except BackendError as error:
            raise CommandError(f"Not set: {error}") from error
        Run.objects.create(
            kind=Run.Kind.SET_STATE,
            alarm_set=row.alarm_set,
            set_name=row.alarm_set.name,
            backend=backend.name,
            who=who(),
            reason=f"{row.name}: {state}. {reason}",
            outcome=Run.Outcome.DONE,
            finished_at=timezone.now(),
        )
        document = {"alarm": row.name, "state": state, "backend": backend.name}
        return {**document, "told": _told(backend, row.name)}, False

    def as_text(self, document):
        found = document.pop("told")
        lines = [super().as_text(document)]
        if found is None:
            lines.append("CloudWatch does what its actions say, unless that was its state already.")
        elif not found:
            lines.append("Nobody was told: that was its state already, or nobody is to be told of it.")
        else:
            lines += [f"{told['arn']}: {told['outcome']} {told['error']}".rstrip() for told in found]
        return "\n".join(lines)


def _told(backend, name):
    """Tell at once, as CloudWatch does, and return what came of each action; None if it is not ours."""
    if backend.name != "local":
        return None
    changes = StateChange.objects.filter(region=backend.region, alarm_name=name, told=False)
    pending = list(changes.values_list("pk", flat=True))
    notify.tell(timezone.now())
    return [told for change in StateChange.objects.filter(pk__in=pending) for told in change.actions]
