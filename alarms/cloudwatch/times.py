"""Times and time zones as people, files and CloudWatch write them."""

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def aware(value: str | datetime, zone: tzinfo = UTC) -> datetime:
    """Return ISO 8601 text or a datetime as an aware one, of `zone` where it names none; raise ValueError."""
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def is_timezone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
