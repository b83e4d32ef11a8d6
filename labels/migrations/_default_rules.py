"""The rules that are shipped, as they were when the first migration was written. It calls no code of the application."""

import json
from pathlib import Path

from django.conf import settings

_KEPT = (
    "name",
    "enabled",
    "priority",
    "match",
    "patterns",
    "action",
    "target",
    "min_confidence",
    "detector",
    "version",
    "requires_any",
    "unless_any",
    "min_box_area",
    "photo_is",
    "reason",
)


def put_in_force(apps, schema_editor):
    """Create the default rules and the first version of the rules in force."""
    text = Path(__file__).with_suffix(".json").read_text()
    rules = [apps.get_model("labels", "LabelRule").objects.create(**data) for data in json.loads(text)]
    for name in sorted({rule.target for rule in rules if rule.target}):
        apps.get_model("labels", "Label").objects.get_or_create(
            key=name.casefold(), defaults={"name": name}
        )
    rules.sort(key=lambda rule: (-rule.priority, rule.pk))
    apps.get_model("labels", "RuleVersion").objects.create(
        rules=[{"id": rule.pk, **{name: getattr(rule, name) for name in _KEPT}} for rule in rules],
        min_confidence=settings.LABELS_MIN_CONFIDENCE,
        note="The rules that are shipped",
    )
