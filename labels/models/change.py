from django.conf import settings
from django.db import models

from labels.models.chunked import ChunkedWork
from labels.models.label import Label


class Change(ChunkedWork):
    """Something a person decided about labels: the audit trail. Undo puts back the ReplacedVerdicts."""

    class Action(models.TextChoices):
        ADD = "add", "added"
        CONFIRM = "confirm", "confirmed"
        REMOVE = "remove", "removed"
        RENAME = "rename", "renamed"

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        related_name="label_changes",
        help_text="Whose library; empty for everyone's.",
    )
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    action = models.CharField(max_length=8, choices=Action)
    label = models.ForeignKey(Label, on_delete=models.PROTECT, related_name="+")
    target = models.ForeignKey(Label, on_delete=models.PROTECT, null=True, related_name="+")
    selection = models.CharField(max_length=200, blank=True, help_text="The photos, in words.")
    photos = models.JSONField(default=list, help_text="Their ids, in the order they are worked on.")
    renamed_before = models.JSONField(
        default=list, help_text="Of a renaming: the [label, target] pairs it replaced."
    )
    undone_at = models.DateTimeField(null=True)

    class Meta(ChunkedWork.Meta):
        # The page of changes, and the last one that can be undone.
        indexes = [models.Index(fields=["owner", "-id"], name="change_list")]

    def __str__(self):
        return f"{self.get_action_display()} {self.label}"


class _VerdictFields(models.Model):
    is_there = models.BooleanField()
    added = models.BooleanField(default=False, help_text="A person named it, not a detector.")
    confidence = models.FloatField(null=True, help_text="The detector's, when it was decided.")
    detector = models.CharField(max_length=40, blank=True, help_text="The one that was judged.")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField()

    class Meta:
        abstract = True


class Verdict(_VerdictFields):
    """What a person said about one label of one photo. It beats every rule and every later answer."""

    photo = models.ForeignKey("labels.Photo", on_delete=models.CASCADE, related_name="verdicts")
    label = models.ForeignKey(Label, on_delete=models.PROTECT, related_name="verdicts")
    change = models.ForeignKey(Change, on_delete=models.SET_NULL, null=True, related_name="verdicts")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["photo", "label"], name="verdict_once_per_photo")]
        # Precision by label.
        indexes = [models.Index(fields=["label", "confidence"], name="verdict_precision")]

    def __str__(self):
        return f"{self.label} is {'there' if self.is_there else 'not there'}"


class ReplacedVerdict(_VerdictFields):
    """The verdict that a change replaced on one photo; undo puts it back."""

    change = models.ForeignKey(Change, on_delete=models.CASCADE, related_name="replaced_verdicts")
    photo = models.ForeignKey("labels.Photo", on_delete=models.CASCADE, related_name="+")
    made_by = models.ForeignKey(
        Change, on_delete=models.SET_NULL, null=True, related_name="+", help_text="The change it came from."
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["change", "photo"], name="replaced_once_per_change")]

    def __str__(self):
        return f"{self.photo}: was {'there' if self.is_there else 'not there'}"


class Renaming(models.Model):
    """Under which label another one is shown: in one library, or (without owner) in all of them."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="label_renamings"
    )
    label = models.ForeignKey(Label, on_delete=models.PROTECT, related_name="renamings")
    target = models.ForeignKey(Label, on_delete=models.PROTECT, related_name="renamed_from")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner", "label"], name="renamed_once"),
            models.UniqueConstraint(
                fields=["label"], condition=models.Q(owner=None), name="renamed_once_for_everyone"
            ),
        ]

    def __str__(self):
        return f"{self.label} is shown as {self.target}"
