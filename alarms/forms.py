"""Forms of the configuration: CloudWatch's own rules are form errors, beside the field they are about."""

from django import forms
from django.core.exceptions import ValidationError

from alarms.cloudwatch.constants import DEFAULT_K
from alarms.cloudwatch.definitions import detector_key
from alarms.cloudwatch.mute_schedules import BadSchedule, check_schedule
from alarms.cloudwatch.validation import alarm_problems, detector_problems, prefix_problems
from alarms.config.configuration import FIELDS, definition_of, detector_definition, overlaps
from alarms.config.guards import Band, Bound, create_guard
from alarms.config.thresholds import BadRule, read_rule
from alarms.models import Alarm

GUARD_ROLES = (Alarm.Role.FLOOR.value, Alarm.Role.CEILING.value, Alarm.Role.BAND.value)
# Which of our fields one of CloudWatch's is made of.
_FIELDS = {theirs: ours for ours, theirs in FIELDS.items()}
_FIELDS |= {"WarmUpConfiguration": "extra", "ActionConfiguration": "extra"}


class AlarmForm(forms.ModelForm):
    def _post_clean(self):
        super()._post_clean()
        if self.errors:
            return
        alarm = self.instance
        _check_rule(self, "threshold_rule")
        definition = definition_of(alarm)
        problems = prefix_problems(definition, alarm.alarm_set.prefix) + alarm_problems(definition)
        for problem in problems:
            # What a rule computes is not there yet.
            if not (problem.field == "Threshold" and alarm.threshold_rule and alarm.threshold is None):
                self.add_error(self._field(problem.field), str(problem))

    def _field(self, name):
        """Return our field for one of CloudWatch's, as far as this form has it."""
        metric = "metric" if self.instance.metric_id or not self.instance.queries else "queries"
        if name == "Metrics" and self.instance.kind == Alarm.Kind.BAND and self.instance.k is not None:
            metric = "k"
        field = _FIELDS.get(name, metric)
        return field if field in self.fields else None


def _check_rule(form, name):
    try:
        if rule := form.cleaned_data.get(name):
            read_rule(rule)
    except BadRule as bad:
        form.add_error(name, str(bad))


class MetricForm(forms.ModelForm):
    def clean_dimensions(self):
        given = self.cleaned_data["dimensions"] or {}
        if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
            raise ValidationError('Give an object with a text by each name: {"QueueName": "orders"}.')
        return given


class AlarmSetForm(forms.ModelForm):
    def _post_clean(self):
        super()._post_clean()
        if not self.errors:
            for problem in overlaps(self.instance):
                self.add_error("prefix", str(problem))


class NewGuardForm(forms.ModelForm):
    """A guard is made with all three alarms; what is left empty is there, switched off."""

    period = forms.TypedChoiceField(
        choices=[(60, "1 min"), (300, "5 min"), (3600, "1 h")], coerce=int, help_text="Of all three."
    )
    floor = forms.FloatField(required=False, help_text="Less than this is an alarm; empty: switched off.")
    floor_reason = forms.CharField(max_length=200, required=False)
    ceiling = forms.FloatField(required=False, help_text="More than this is an alarm; empty: switched off.")
    ceiling_rule = forms.CharField(max_length=100, required=False, help_text="Such as 1.3 x max over 30 d.")
    ceiling_reason = forms.CharField(max_length=200, required=False)
    k = forms.FloatField(min_value=0.1, initial=DEFAULT_K, required=False, help_text="Empty: switched off.")

    def clean(self):
        found = super().clean()
        if found.get("floor") is None and found.get("ceiling") is None:
            raise ValidationError("A band never stands alone: give a floor or a ceiling.")
        if found.get("ceiling_rule") and found.get("ceiling") is None:
            self.add_error("ceiling", "A rule needs a number for the time until it is computed.")
        _check_rule(self, "ceiling_rule")
        if found.get("alarm_set") and found.get("name"):
            names = [f"{found['alarm_set'].prefix}{found['name']}-{role}" for role in GUARD_ROLES]
            if existing := Alarm.objects.filter(name__in=names).values_list("name", flat=True).first():
                self.add_error("name", f"There is an alarm {existing} already.")
        return found

    def make_alarms(self):
        found = self.cleaned_data
        create_guard(
            found["alarm_set"],
            found["metric"],
            found["name"],
            _bound(found["floor"], found["floor_reason"]),
            _bound(found["ceiling"], found["ceiling_reason"], rule=found["ceiling_rule"]),
            Band(k=found["k"] or Band.k, off=found["k"] is None),
            found["period"],
        )


def _bound(threshold, reason, **more):
    if threshold is None:
        return Bound(0.0, reason or "Left out when the guard was made.", off=True)
    return Bound(threshold, reason, m=3, n=5, **more)


class DetectorForm(forms.ModelForm):
    def clean(self):
        found = super().clean()
        if bool(found.get("metric")) == bool(found.get("queries")):
            raise ValidationError("Give a metric, or the queries of metric math.")
        return found

    def _post_clean(self):
        super()._post_clean()
        if self.errors:
            return
        definition = detector_definition(self.instance)
        self.instance.identity = detector_key(definition)
        for problem in detector_problems(definition):
            self.add_error("timezone" if problem.field == "MetricTimezone" else None, str(problem))


class MuteForm(forms.ModelForm):
    def clean(self):
        found = super().clean()
        try:
            check_schedule(found.get("schedule") or "", found.get("timezone") or "UTC")
        except BadSchedule as bad:
            self.add_error("schedule", str(bad))
        alarm_set = found.get("alarm_set")
        if alarm_set and any(alarm.alarm_set_id != alarm_set.pk for alarm in found.get("alarms", ())):
            self.add_error("alarms", f"All of them must be of the set {alarm_set}.")
        if alarm_set and not (found.get("name") or "").startswith(alarm_set.prefix):
            self.add_error("name", f"It must begin with the prefix of its set, {alarm_set.prefix!r}.")
        return found
