"""When mutes are in force. Schedules are those of PutAlarmMuteRule, at(…) and cron(…)."""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from alarms.cloudwatch.times import is_timezone

_MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
_DAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
# (name, least, most, words for the numbers from the least up)
_FIELDS: tuple[tuple[str, int, int, list[str]], ...] = (
    ("minute", 0, 59, []),
    ("hour", 0, 23, []),
    ("day of month", 1, 31, []),
    ("month", 1, 12, _MONTHS),
    ("day of week", 0, 7, _DAYS),
)
_SCHEDULE = re.compile(r"(at|cron)\((.*)\)", re.DOTALL)
_LONGEST = timedelta(days=15)


class Mute(Protocol):
    """What of alarms.models.Mute counts here."""

    schedule: str
    minutes: int
    timezone: str
    starts_at: datetime | None
    ends_at: datetime | None


class BadSchedule(ValueError):
    pass


def check_schedule(schedule: str, timezone: str = "UTC") -> None:
    """Raise BadSchedule when the schedule or the zone cannot be parsed."""
    _zone(timezone)
    _parsed(schedule)


def spans(mute: Mute, start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    """Return [(from, until), …] in which a mute is in force within [start, end), merged, in order of time."""
    length = timedelta(minutes=mute.minutes)
    found: list[tuple[datetime, datetime]] = []
    for moment in _occurrences(mute.schedule, mute.timezone, start - length, end):
        if mute.starts_at and moment < mute.starts_at:
            continue
        begin, until = max(moment, start), min(moment + length, end, mute.ends_at or end)
        if begin >= until:
            continue
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], until))
        else:
            found.append((begin, until))
    return found


def in_force(mute: Mute, moment: datetime) -> bool:
    return bool(spans(mute, moment, moment + timedelta(seconds=1)))


def is_over(mute: Mute, moment: datetime) -> bool:
    if mute.ends_at and mute.ends_at <= moment:
        return True
    at, length = _parsed(mute.schedule), timedelta(minutes=mute.minutes)
    return isinstance(at, datetime) and at.replace(tzinfo=_zone(mute.timezone)) + length <= moment


def for_ever(mute: Mute, now: datetime) -> bool:
    """Return whether the mute goes on without a break or an end: nobody will ever be notified."""
    later = now + 2 * _LONGEST
    return mute.ends_at is None and spans(mute, now, later) == [(now, later)]


def _occurrences(schedule: str, timezone: str, start: datetime, end: datetime) -> Iterator[datetime]:
    """Yield the moments in [start, end) at which the schedule begins, in order."""
    zone, parsed = _zone(timezone), _parsed(schedule)
    moments: Iterable[datetime]
    if isinstance(parsed, datetime):
        moments = [parsed]
    else:
        minutes, hours, *on = parsed
        first, last = start.astimezone(zone).date(), end.astimezone(zone).date()
        days = (first + timedelta(days=n) for n in range((last - first).days + 1))
        times = [time(hour, minute) for hour in sorted(hours) for minute in sorted(minutes)]
        moments = (datetime.combine(day, at) for day in days if _on(day, *on) for at in times)
    for moment in moments:
        moment = moment.replace(tzinfo=zone).astimezone(UTC)
        if start <= moment < end:
            yield moment


def _on(day: date, days_of_month: set[int], months: set[int], days_of_week: set[int]) -> bool:
    if day.month not in months:
        return False
    # As cron does: when both are given, either is enough.
    either = len(days_of_month) < 31 and len(days_of_week) < 7
    return (any if either else all)([day.day in days_of_month, day.isoweekday() % 7 in days_of_week])


def _parsed(schedule: str) -> datetime | list[set[int]]:
    """Return the naive moment of at(…), or the numbers each of the five fields of cron(…) stands for."""
    match = _SCHEDULE.fullmatch(schedule.strip())
    if match is None:
        raise BadSchedule(f"{schedule!r} is neither at(2026-11-21T22:00) nor cron(0 2 * * SUN).")
    if match[1] == "at":
        try:
            moment = datetime.fromisoformat(match[2].strip())
        except ValueError:
            raise BadSchedule(f"{match[2]!r} is not a time like 2026-11-21T22:00.") from None
        if moment.tzinfo:
            raise BadSchedule(f"{match[2]!r} has a zone of its own; the mute's zone counts.")
        return moment
    parts = match[2].split()
    if len(parts) != 5:
        raise BadSchedule(f"cron has five fields (minute hour day month weekday), not {len(parts)}.")
    return [_numbers(part, *field) for part, field in zip(parts, _FIELDS, strict=True)]


def _numbers(text: str, name: str, least: int, most: int, words: list[str]) -> set[int]:
    """Return the set of numbers of one field: * 5 1-5 */15 1,3,5 and words."""

    def number(word: str) -> int:
        found = words.index(word) + least if word in words else int(word) if word.isdecimal() else -1
        if not least <= found <= most:
            raise BadSchedule(f"{word!r} is no {name}; it goes from {least} to {most}.")
        return found

    numbers: set[int] = set()
    for part in text.upper().split(","):
        match = re.fullmatch(r"(\*|\w+)(?:-(\w+))?(?:/(\d+))?", part)
        if match is None:
            raise BadSchedule(f"{text!r} is no {name}.")
        low, high, step = match.groups()
        begin = least if low == "*" else number(low)
        until = number(high) if high else most if low == "*" or step else begin
        if begin > until or int(step or 1) == 0:
            raise BadSchedule(f"{text!r} is no {name}.")
        numbers |= set(range(begin, until + 1, int(step or 1)))
    # Sunday is 0 and 7.
    return {number % 7 for number in numbers} if name == "day of week" else numbers


def _zone(name: str) -> ZoneInfo:
    if not is_timezone(name):
        raise BadSchedule(f"{name!r} is no time zone; Europe/Berlin is one.")
    return ZoneInfo(name)
