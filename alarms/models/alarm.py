from django.db import models
from django.urls import reverse

from alarms.models.action import Action
from alarms.models.alarm_set import AlarmSet
from alarms.models.guard import Guard
from alarms.models.metric import Metric

_LOW_SAMPLES = {"evaluate": "evaluate", "ignore": "ignore"}


class AlarmQuerySet(models.QuerySet):
    def for_definitions(self):
        """Read with the alarms all that their definitions are made of."""
        actions = ("alarm_actions__action", "alarm_set__default_actions")
        return self.select_related("alarm_set", "metric", "guard").prefetch_related(*actions)

    def enabled(self):
        return self.filter(enabled=True)

    def judged_by_data(self, names=(), sets=()):
        """Return the enabled alarms that look at data themselves, by name, with their mutes."""
        alarms = self.enabled().exclude(kind=Alarm.Kind.COMPOSITE).for_definitions().prefetch_related("mutes")
        if names:
            alarms = alarms.filter(name__in=names)
        return (alarms.filter(alarm_set__name__in=sets) if sets else alarms).order_by("name")


class Alarm(models.Model):
    """One alarm as it shall be. What CloudWatch holds is compared with it by `alarms.cloudwatch.plan`."""

    class Kind(models.TextChoices):
        STATIC = "static", "threshold"
        BAND = "band", "anomaly band"
        MATH = "math", "metric math"
        COMPOSITE = "composite", "composite"

    class Role(models.TextChoices):
        FLOOR = "floor", "floor"
        CEILING = "ceiling", "ceiling"
        BAND = "band", "band"
        RATE = "rate", "rate"
        CUSTOM = "custom", "of its own"

    class Missing(models.TextChoices):
        MISSING = "missing", "missing: the state becomes unknown"
        BREACHING = "breaching", "breaching: no data is bad"
        NOT_BREACHING = "notBreaching", "not breaching: no data is good"
        IGNORE = "ignore", "ignore: the state stays"

    class Operator(models.TextChoices):
        GE = "GreaterThanOrEqualToThreshold", "≥"
        GT = "GreaterThanThreshold", ">"
        LT = "LessThanThreshold", "<"
        LE = "LessThanOrEqualToThreshold", "≤"

    class Side(models.TextChoices):
        BOTH = "both", "outside the band"
        LOWER = "lower", "below the band"
        UPPER = "upper", "above the band"

    alarm_set = models.ForeignKey(AlarmSet, on_delete=models.CASCADE, related_name="alarms")
    guard = models.ForeignKey(Guard, on_delete=models.CASCADE, null=True, blank=True, related_name="alarms")
    name = models.CharField(max_length=255, help_text="The whole name, with the prefix of its set.")
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.STATIC)
    role = models.CharField(max_length=10, choices=Role, default=Role.CUSTOM)
    enabled = models.BooleanField(default=True, help_text="Off: deleted from CloudWatch, and kept here.")
    reason = models.TextField(blank=True, help_text="Why it is there, or why it is off.")
    description = models.CharField(max_length=1024, blank=True, help_text="Read by those it notifies.")

    # What is watched. Static and band alarms name a metric; math alarms (and bands on math) their queries.
    metric = models.ForeignKey(Metric, on_delete=models.PROTECT, null=True, blank=True, related_name="alarms")
    queries = models.JSONField(default=list, blank=True, help_text="PutMetricAlarm's Metrics, for math.")
    period = models.PositiveIntegerField(default=60, help_text="Seconds: 10, 20, 30 or a multiple of 60.")
    evaluation_periods = models.PositiveIntegerField(default=1, help_text="N: how many periods it judges.")
    datapoints = models.PositiveIntegerField(null=True, blank=True, help_text="M of the N; empty means all.")
    missing = models.CharField(max_length=12, choices=Missing, default=Missing.MISSING)
    low_samples = models.CharField(
        max_length=10, blank=True, choices=_LOW_SAMPLES, help_text="Percentiles of few samples."
    )

    # When it is in alarm: a threshold, given or by rule; or k standard deviations from the expected value.
    operator = models.CharField(max_length=40, choices=Operator, blank=True)
    threshold = models.FloatField(null=True, blank=True)
    threshold_rule = models.CharField(max_length=60, blank=True, help_text="Such as 1.3 x max over 30 d.")
    threshold_at = models.DateTimeField(null=True, blank=True, editable=False)
    k = models.FloatField(null=True, blank=True, help_text="Width of the band in standard deviations.")
    side = models.CharField(max_length=6, choices=Side, blank=True)

    # Composite alarms.
    rule = models.TextField(blank=True, help_text='ALARM("a") AND NOT ALARM("b")')
    suppressor = models.CharField(max_length=1600, blank=True, help_text="Name or ARN of what mutes it.")
    suppressor_wait = models.PositiveIntegerField(null=True, blank=True, help_text="Seconds.")
    suppressor_extension = models.PositiveIntegerField(null=True, blank=True, help_text="Seconds.")

    actions_enabled = models.BooleanField(default=True)
    use_default_actions = models.BooleanField(default=True, help_text="If it has none, those of its set.")
    actions = models.ManyToManyField(Action, through="AlarmAction", related_name="alarms")
    tags = models.JSONField(default=dict, blank=True)
    extra = models.JSONField(default=dict, blank=True, help_text="Further fields of PutMetricAlarm.")
    changed_at = models.DateTimeField(auto_now=True)

    objects = AlarmQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["alarm_set", "name"], name="alarm_name_once_per_set"),
            # SQL tells empty guards apart: any number of alarms may have none.
            models.UniqueConstraint(fields=["guard", "role"], name="alarm_role_once_per_guard"),
        ]

    def __str__(self):
        return self.name

    def get_absolute_url(self):
        return reverse("alarm", args=[self.pk])


class AlarmAction(models.Model):
    class State(models.TextChoices):
        ALARM = "ALARM", "in alarm"
        OK = "OK", "it is over"
        INSUFFICIENT_DATA = "INSUFFICIENT_DATA", "there is no data"

    alarm = models.ForeignKey(Alarm, on_delete=models.CASCADE, related_name="alarm_actions")
    action = models.ForeignKey(Action, on_delete=models.PROTECT, related_name="alarm_actions")
    state = models.CharField(max_length=20, choices=State, default=State.ALARM)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["alarm", "action", "state"], name="alarm_action_once")]

    def __str__(self):
        return f"{self.get_state_display()}: {self.action}"
