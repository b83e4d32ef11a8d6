from dataclasses import fields

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models

from labels.models.chunked import ChunkedWork
from labels.models.label import Label
from labels.rules import engine, validation
from labels.text.names import fold


class LabelRule(models.Model):
    """A rule as people edit it. It comes into force when the rules are applied (RuleVersion)."""

    class Action(models.TextChoices):
        ACCEPT = engine.ACCEPT, "show"
        HIDE = engine.HIDE, "hide"
        REPLACE = engine.REPLACE, "replace by"
        ROLL_UP = engine.ROLL_UP, "roll up to the parent"
        DROP_CHILDREN = engine.DROP_CHILDREN, "show, and hide its children"
        REVIEW = engine.TO_REVIEW, "keep back for review"

    class Match(models.TextChoices):
        LABEL = engine.LABEL, "labels with these names"
        CATEGORY = engine.CATEGORY, "labels of these categories"
        ANCESTOR = engine.ANCESTOR, "labels below these"
        GLOB = engine.GLOB, "labels like these patterns (* and ?)"

    class PhotoIs(models.TextChoices):
        ANY = "", "any picture"
        PHOTO = engine.PHOTO, "a photo"
        GRAPHIC = engine.GRAPHIC, "a drawing or a screenshot"

    name = models.CharField(max_length=100, unique=True)
    enabled = models.BooleanField(default=True)
    priority = models.IntegerField(default=0, help_text="Of two rules that match a label the higher decides.")
    match = models.CharField(max_length=10, choices=Match, default=Match.LABEL)
    patterns = models.TextField(help_text="One a line.")
    action = models.CharField(max_length=14, choices=Action)
    target = models.CharField(
        max_length=100, blank=True, help_text="What it becomes; rolled up without one: its nearest parents."
    )
    min_confidence = models.FloatField(
        null=True, blank=True, help_text="Percent; below it a suggestion. Empty: the library's limit."
    )
    detector = models.CharField(max_length=40, blank=True, help_text="Only of this detector.")
    version = models.CharField(max_length=40, blank=True, help_text="Only of this version of it, such as 3.*")
    requires_any = models.TextField(blank=True, help_text="Only beside one of these labels.")
    unless_any = models.TextField(blank=True, help_text="Not beside one of these labels.")
    min_box_area = models.FloatField(
        null=True, blank=True, help_text="Only when its largest box covers this share of the picture, 0 to 1."
    )
    photo_is = models.CharField("only in", max_length=8, choices=PhotoIs, blank=True, default=PhotoIs.ANY)
    reason = models.TextField(blank=True, help_text="Why; people read it beside the label.")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-priority", "pk"]

    def __str__(self):
        return self.name

    def clean(self):
        others = [rule.as_rule() for rule in LabelRule.objects.filter(enabled=True).exclude(pk=self.pk)]
        wrong = validation.problems(
            self.as_rule(), others, lambda name: Label.objects.named([name]).exists(), _place
        )
        if wrong:
            raise ValidationError({field: [text for f, text in wrong if f == field] for field, _ in wrong})

    def as_rule(self):
        values = {field.name: getattr(self, field.name) for field in fields(engine.Rule)}
        lists = {name: _lines(values[name]) for name in ("patterns", "requires_any", "unless_any")}
        return engine.Rule(**{**values, **lists, "target": " ".join(self.target.split())})

    # What a RuleVersion keeps of a rule.
    KEPT = (
        "name", "enabled", "priority", "match", "patterns", "action", "target", "min_confidence", "detector",
        "version", "requires_any", "unless_any", "min_box_area", "photo_is", "reason",
    )  # fmt: skip

    def as_json(self):
        return {"id": self.pk, **{name: getattr(self, name) for name in self.KEPT}}

    @classmethod
    def from_json(cls, data):
        return cls(pk=data.get("id"), **{name: data[name] for name in cls.KEPT if name in data})


class RuleVersion(models.Model):
    """The rules in force from one moment on, as they were then; the latest one is in force."""

    rules = models.JSONField(help_text="All rules, in order (LabelRule.as_json).")
    min_confidence = models.FloatField()
    note = models.CharField(max_length=200, blank=True)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self):
        return f"Rules {self.pk}"


class RuleRun(ChunkedWork):
    """A run of the rules in force over all kept answers; a dry one only says what `rules` would change.

    What is left to do stands in the photos (Photo.rule_version).
    """

    is_dry = models.BooleanField(default=False)
    rules = models.JSONField(default=list, help_text="Of a dry one: those that are tried.")
    min_confidence = models.FloatField(default=0)
    found = models.JSONField(default=dict, help_text="Of a dry one: what would change, with examples.")
    last_photo = models.PositiveBigIntegerField(default=0, help_text="How far it has come.")
    changed = models.PositiveIntegerField(default=0, help_text="Photos that show other labels now.")
    finished_at = models.DateTimeField(null=True)

    def __str__(self):
        return f"Rule run {self.pk}"


def _place(name):
    """Return the names above a label, and its category, as labels.rules.engine asks for them."""
    label = Label.objects.named([name]).prefetch_related("parents").first()
    if label is None:
        return (), ()
    return tuple(parent.name for parent in label.parents.all()), (label.category,) if label.category else ()


def _lines(text):
    names = {}
    for line in text.splitlines():
        if name := " ".join(line.split()):
            names.setdefault(fold(name), name)
    return tuple(names.values())
