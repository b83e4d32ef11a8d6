"""What people see of the Regions: their state in words, what an operator has to mend."""

from dataclasses import dataclass
from datetime import UTC, datetime

from django.conf import settings
from django.db.models import Sum

from labels.detectors.rekognition.regions import pacing
from labels.detectors.rekognition.regions.permits import database_now, pace_of
from labels.models import RegionQuota


@dataclass(frozen=True)
class RegionState:
    """One line of the status page; rates in calls per second."""

    region: str
    operation: str
    quota: float
    allowed: float
    recent: float
    throttles: int
    throttled_at: datetime | None
    tone: str
    words: str
    until: datetime | None


def report():
    """Return a RegionState for every row in use, the fastest Regions first."""
    now = database_now()
    rows = RegionQuota.objects.used().order_by("operation", "-quota", "region")
    return [_state(row, pace_of(row), now) for row in rows]


def troubles():
    """Return a sentence for each Region that refuses our calls: what an operator must mend."""
    if settings.LABELS_DETECTOR != "rekognition":
        return []
    rows = RegionQuota.objects.used().filter(enabled=True).exclude(refused="").order_by("region", "operation")
    return [f"Amazon Rekognition refuses {row.operation} in {row.region}: {row.refused}" for row in rows]


def calls_a_minute():
    """Return how many photos Rekognition may be asked about in a minute, 0 for other detectors."""
    if settings.LABELS_DETECTOR != "rekognition":
        return 0
    rows = RegionQuota.objects.used().filter(operation="DetectLabels", enabled=True)
    return int(60 * rows.aggregate(all=Sum("quota", default=0.0))["all"])


def try_again():
    """Let every resting Region be probed at once; return how many there were."""
    return RegionQuota.objects.used().filter(open_until__gt=database_now()).update(open_until=0)


def in_a_word(row):
    """Return what has become of a Region, for a list of all of them."""
    if row.region not in settings.REKOGNITION_REGIONS:
        return "not in use"
    if not row.enabled:
        return "switched off"
    if row.refused:
        return "refused"
    return "away" if pacing.is_tripped(pace_of(row)) else "open"


def _state(row, pace, now):
    tone, words, until = _words(row, pace, now)
    return RegionState(
        region=row.region,
        operation=row.operation,
        quota=row.quota,
        allowed=0.0 if until or not row.enabled else row.quota * pacing.slowed(pace, now),
        recent=pacing.recent(pace, now),
        throttles=row.throttles,
        throttled_at=row.throttled_at,
        tone=tone,
        words=words,
        until=until,
    )


def _words(row, pace, now):
    """Return (tone, words, when it is tried again)."""
    until = datetime.fromtimestamp(pace.open_until, UTC) if pace.open_until > now else None
    if not row.enabled:
        return "cancelled", "switched off", None
    if row.refused:
        return "bad", f"refused: {row.refused}", until
    if pacing.is_tripped(pace):
        return "bad", f"away: {row.trouble}" if row.trouble else "away", until
    if pacing.slowed(pace, now) < 1:
        return "warn", f"slowed to {pacing.slowed(pace, now):.0%} after throttles", None
    return "good", "open", None
