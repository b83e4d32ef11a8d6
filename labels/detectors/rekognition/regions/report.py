"""The Regions' states in words, for the pages and for operators."""

from datetime import UTC, datetime

from django.conf import settings
from django.db.models import Sum

from labels.detectors.rekognition.regions import throttling
from labels.detectors.rekognition.regions.permits import database_now
from labels.models import RegionQuota


def region_states():
    """Return the lines of the status page; rates are in calls per second."""
    now = database_now()
    return [_state(row, now) for row in RegionQuota.objects.used().order_by("operation", "-quota", "region")]


def refusals():
    """Return a sentence for each Region that refuses our calls: what an operator must fix."""
    if settings.LABELS_DETECTOR != "rekognition":
        return []
    rows = RegionQuota.objects.used().filter(enabled=True).exclude(refused="").order_by("region", "operation")
    return [f"Amazon Rekognition refuses {row.operation} in {row.region}: {row.refused}" for row in rows]


def calls_per_minute():
    if settings.LABELS_DETECTOR != "rekognition":
        return 0
    rows = RegionQuota.objects.used().filter(operation="DetectLabels", enabled=True)
    return int(60 * rows.aggregate(all=Sum("quota", default=0.0))["all"])


def probe_now():
    """End the pause of every open circuit breaker; return how many there were."""
    return RegionQuota.objects.used().filter(open_until__gt=database_now()).update(open_until=0)


def short_state(row):
    """Return the state of a Region, in use or not, in a word or two."""
    return _state_and_reason(row)[0] if row.region in settings.REKOGNITION_REGIONS else "not in use"


def _state_and_reason(row):
    """Return (state, what AWS said of it, or "")."""
    if not row.enabled:
        return "switched off", ""
    if row.refused:
        return "refused", row.refused
    return ("away", row.last_error) if throttling.is_tripped(row) else ("open", "")


_TONES = {"switched off": "cancelled", "refused": "bad", "away": "bad", "open": "good"}


def _state(row, now):
    until = datetime.fromtimestamp(row.open_until, UTC) if row.open_until > now else None
    factor = throttling.factor(row, now)
    state, reason = _state_and_reason(row)
    tone, words = _TONES[state], f"{state}: {reason}" if reason else state
    if state in ("switched off", "open"):
        until = None
    if state == "open" and factor < 1:
        tone, words = "warn", f"slowed to {factor:.0%} after throttles"
    allowed = 0.0 if until or not row.enabled else row.quota * factor
    recent = throttling.recent(row, now)
    return {"row": row, "allowed": allowed, "recent": recent, "tone": tone, "words": words, "until": until}
