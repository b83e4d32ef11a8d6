"""The rules in force and those being edited, as labels.rules.engine takes them."""

from dataclasses import dataclass

from django.conf import settings
from django.db import transaction

from labels.models import LabelRule, RuleVersion
from labels.rules import engine


@dataclass(frozen=True)
class Rules:
    """Rules in the order in which they are asked; `version` is None for those being edited."""

    version: int | None
    rules: tuple[engine.Rule, ...]
    min_confidence: float

    def decide(self, photo, run):
        answer = run.answer
        kind = engine.photo_kind(photo.format, photo.camera, answer)
        setting = engine.Setting(run.detector, run.version, kind)
        return engine.decide(answer, self.min_confidence, self.rules, setting)


def in_force():
    """Return the rules that decide now; before any were applied, those being edited."""
    latest = RuleVersion.objects.first()
    return from_json(latest.rules, latest.min_confidence, latest.pk) if latest else draft()


def current_version():
    return RuleVersion.objects.values_list("pk", flat=True).first()


def draft():
    return from_json(snapshot(), settings.LABELS_MIN_CONFIDENCE)


def from_json(rules, min_confidence, version=None):
    rows = [LabelRule.from_json(rule) for rule in rules]
    return Rules(version, tuple(rule.as_rule() for rule in rows if rule.enabled), min_confidence)


def snapshot():
    return [rule.as_json() for rule in LabelRule.objects.all()]


def is_changed():
    latest = RuleVersion.objects.first()
    edited = (snapshot(), settings.LABELS_MIN_CONFIDENCE)
    return latest is None or (latest.rules, latest.min_confidence) != edited


def put_in_force(author, note=""):
    return RuleVersion.objects.create(
        rules=snapshot(), min_confidence=settings.LABELS_MIN_CONFIDENCE, author=author, note=note[:200]
    )


@transaction.atomic
def go_back(author):
    """Put the version before the one in force back in force and into the editor; return it, or None."""
    versions = list(RuleVersion.objects.select_for_update()[:2])
    if len(versions) < 2:
        return None
    before = versions[1]
    LabelRule.objects.exclude(pk__in=[rule["id"] for rule in before.rules]).delete()
    for rule in before.rules:
        fields = {name: rule[name] for name in LabelRule.KEPT if name in rule}
        LabelRule.objects.update_or_create(pk=rule["id"], defaults=fields)
    note = f"Back to rules {before.pk}"
    return RuleVersion.objects.create(
        rules=before.rules, min_confidence=before.min_confidence, author=author, note=note
    )
