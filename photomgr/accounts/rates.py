"""How often something may be done, counted in the database, which all processes share."""

from datetime import timedelta
from hashlib import sha256

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone

from photomgr.accounts.models import RateCount


def take(kind, key, limit, seconds, amount=1):
    """Count `amount` unless it is beyond `limit` in these seconds; return the seconds to wait, 0 for none.

    The time begins with the first use. A limit of 0 is none.
    """
    if not limit:
        return 0
    now, name = timezone.now(), str(key)[:64]
    # Far beyond one length of time the row is of a clock that was ahead; a little beyond it, of somebody who
    # looked at the clock later and was first at the database.
    current = Q(ends_at__gt=now, ends_at__lte=now + timedelta(seconds=2 * seconds))
    rows = RateCount.objects.filter(kind=kind, key=name)
    for _ in range(3):
        if rows.filter(current, count__lte=max(0, limit - amount)).update(count=F("count") + amount):
            return 0
        ends_at = now + timedelta(seconds=seconds)
        if rows.exclude(current).update(ends_at=ends_at, count=amount) or _created(
            kind, name, ends_at, amount
        ):
            return 0 if amount <= limit else seconds
        if row := rows.filter(current, count__gt=limit - amount).first():
            return max(1, round((row.ends_at - now).total_seconds()))
    return 1


def _created(kind, key, ends_at, amount):
    if RateCount.objects.filter(kind=kind, key=key).exists():
        return False
    try:
        with transaction.atomic():
            RateCount.objects.create(kind=kind, key=key, ends_at=ends_at, count=amount)
    except IntegrityError:
        return False
    return True


def hidden(text):
    """Return a key for something that need not be stored, such as a mail address."""
    return sha256(text.strip().casefold().encode()).hexdigest()


def in_words(seconds):
    """Return "12 minutes" or "40 seconds"."""
    number, unit = (seconds, "second") if seconds < 90 else (round(seconds / 60), "minute")
    return f"{number} {unit}{'s' if number != 1 else ''}"
