from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone

from alarms.models.alarm_set import AlarmSet
from photomgr.claim import Leased, LeaseQuerySet


class RunQuerySet(LeaseQuerySet):
    def open(self, alarm_set, user=None, who="", **fields):
        return self.create(
            alarm_set=alarm_set,
            set_name=alarm_set.name,
            backend=settings.ALARMS_BACKEND,
            user=user,
            who=who or (user.get_username() if user else "system"),
            **fields,
        )

    def record(self, kind, alarm_set, user=None, who="", **fields):
        """Return the run of something that is done already."""
        ended = {"outcome": Run.Outcome.DONE, "finished_at": timezone.now()}
        return self.open(alarm_set, user, who, kind=kind, **ended, **fields)


class Run(Leased):
    """One plan that was carried out, or another act on alarms: who, when, and how it ended."""

    class Kind(models.TextChoices):
        APPLY = "apply", "plan applied"
        IMPORT = "import", "alarms imported"
        MUTE = "mute", "alarms muted"
        SET_STATE = "set_state", "state set by hand"

    class Outcome(models.TextChoices):
        RUNNING = "running", "under way or interrupted"
        DONE = "done", "done"
        PARTIAL = "partial", "partly done"
        FAILED = "failed", "failed"

    kind = models.CharField(max_length=10, choices=Kind, default=Kind.APPLY)
    alarm_set = models.ForeignKey(AlarmSet, on_delete=models.SET_NULL, null=True, related_name="runs")
    set_name = models.CharField(max_length=80, blank=True)
    backend = models.CharField(max_length=20)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    who = models.CharField(max_length=150, help_text="The person, who may be gone since, or the system.")
    outcome = models.CharField(max_length=8, choices=Outcome, default=Outcome.RUNNING)
    reason = models.TextField(blank=True, help_text="Why it failed or stopped.")
    fingerprint = models.CharField(max_length=64, blank=True, help_text="Of the plan that was confirmed.")
    prune = models.BooleanField(default=False, help_text="Whether alarms outside the configuration go.")
    cost_before = models.FloatField(null=True, help_text="US dollars a month.")
    cost_after = models.FloatField(null=True)
    started_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    objects = RunQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]

    def __str__(self):
        return f"{self.get_kind_display()}, {self.started_at:%Y-%m-%d %H:%M}"

    def get_absolute_url(self):
        return reverse("alarm_run", args=[self.pk])


class Change(models.Model):
    class Outcome(models.TextChoices):
        WAITING = "waiting", "not done"
        DONE = "done", "done"
        FAILED = "failed", "failed"

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="changes")
    number = models.PositiveIntegerField()
    verb = models.CharField(max_length=10, help_text="create, update or delete")
    subject = models.CharField(max_length=10, help_text="alarm, composite, detector or mute")
    name = models.CharField(max_length=600)
    fields = models.JSONField(default=list, help_text="[[field, old, new]]")
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    outcome = models.CharField(max_length=8, choices=Outcome, default=Outcome.WAITING)
    error = models.TextField(blank=True)
    done_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["run", "number"], name="change_once_per_run")]
        # "What happened to this alarm", newest first.
        indexes = [models.Index(fields=["name", "-done_at"], name="change_by_name")]

    def __str__(self):
        return f"{self.verb} {self.subject} {self.name}"
