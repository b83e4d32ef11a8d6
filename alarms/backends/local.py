"""Alarms in our own database: the same rules as CloudWatch's, evaluated by the tick of a worker."""

from django.db import transaction
from django.utils import timezone

from alarms.backends.base import Backend, BackendError, Transition
from alarms.cloudwatch.definitions import detector_key, detector_of, is_composite
from alarms.cloudwatch.plan import ExistingAlarm
from alarms.cloudwatch.validation import alarm_problems, detector_problems
from alarms.models import Delivery, LocalAlarm, LocalDetector, StateChange
from alarms.readings import store


class Local(Backend):
    name = "local"

    def alarms(self, tags=False):
        arn = f"arn:local:cloudwatch:{self.region}:000000000000:alarm:"
        found = {}
        for row in LocalAlarm.objects.filter(region=self.region):
            state = (row.state, row.state_reason, row.state_at)
            own = row.tags if tags else None
            found[row.name] = ExistingAlarm(row.definition, arn + row.name, *state, own)
        return found, frozenset()

    def detectors(self):
        rows = LocalDetector.objects.filter(region=self.region)
        return dict(rows.values_list("identity", "definition"))

    def detector_states(self):
        # A local band is computed when it is needed; there is nothing to wait for.
        return dict.fromkeys(self.detectors(), "TRAINED")

    def put_alarm(self, definition, tags):
        _refuse(alarm_problems(definition))
        name, now = definition["AlarmName"], timezone.now()
        values = {"definition": definition, "composite": is_composite(definition), "configured_at": now}
        with transaction.atomic():
            row = LocalAlarm.objects.select_for_update().filter(region=self.region, name=name).first()
            if row and row.composite != values["composite"]:
                raise BackendError("ValidationError", f"{name} is another kind of alarm")
            new = {**values, "tags": tags or {}, "state_at": now}
            LocalAlarm.objects.update_or_create(
                region=self.region, name=name, defaults=values, create_defaults=new
            )
            # As CloudWatch does: a band without a detector gets one.
            if detector := detector_of(definition):
                LocalDetector.objects.get_or_create(
                    region=self.region, identity=detector_key(detector), defaults={"definition": detector}
                )

    def delete_alarm(self, name):
        LocalAlarm.objects.filter(region=self.region, name=name).delete()

    def retag_alarm(self, name, tags):
        LocalAlarm.objects.filter(region=self.region, name=name).update(tags=tags)

    def put_detector(self, definition):
        _refuse(detector_problems(definition))
        LocalDetector.objects.update_or_create(
            region=self.region, identity=detector_key(definition), defaults={"definition": definition}
        )

    def delete_detector(self, definition):
        LocalDetector.objects.filter(region=self.region, identity=detector_key(definition)).delete()

    @transaction.atomic
    def set_state(self, name, state, reason):
        row = LocalAlarm.objects.select_for_update().filter(region=self.region, name=name).first()
        if row is None:
            raise BackendError("ResourceNotFound", f"there is no alarm {name}")
        if row.state == state:
            return
        now = timezone.now()
        by_person = {"reason": reason, "source": StateChange.Source.PERSON}
        change = StateChange.objects.create(
            region=self.region, alarm_name=name, at=now, old=row.state, new=state, **by_person
        )
        Delivery.objects.create_for(change, row.definition)
        row.state, row.state_reason, row.state_at = state, reason, now
        row.save(update_fields=["state", "state_reason", "state_at"])

    def transitions(self, since, name=None):
        rows = StateChange.objects.filter(region=self.region, at__gte=since).order_by("at", "pk")
        if name:
            rows = rows.filter(alarm_name=name)
        return [Transition(r.alarm_name, r.at, r.old, r.new, r.reason, r.reason_data) for r in rows]

    def put_mute(self, rule):
        """Do nothing: the row of the mute is what the tick looks at."""

    delete_mute = put_mute

    def put_data(self, namespace, data):
        store.add_data(namespace, data)

    def statistics(self, metric, period, start, end):
        # numpy is for those who read values, not for plans.
        from alarms.readings.statistics import read_statistics

        return read_statistics(metric, period, start, end)


def _refuse(problems):
    if problems:
        raise BackendError("ValidationError", "; ".join(map(str, problems)))
